"""`textrnn score`: how well a model predicts a text."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.language_model.mixture import MixtureNetwork
from textrnn.language_model.predict import LanguageModel
from textrnn.language_model.scoring import NATS_PER_UNKNOWN, STEPS, Reader, nats_in_order, score_ids
from textrnn.text.corpus import count_chars, normalized_text, write_ids
from textrnn.text.counts.adapt import adapted_probabilities
from textrnn.text.counts.joined import JoinedCounts
from textrnn.text.documents import spelled
from textrnn.text.reader import Source
from textrnn.text.tokens.load import UNKNOWN_ID
from textrnn.text.windows import HeldOutRows


def score_source(model: LanguageModel, source: Source, *, adapt: bool = False) -> dict[str, Any]:
    """Scores one file; memory does not grow with it, unless counts adapt.

    Args:
        model: a saved one.
        source: the file.
        adapt: whether to measure as well how much better counts are that go on counting in the text.

    Returns:
        the keys of `textrnn score --json`: `file`, `chars`, `tokens`, `bits_per_char`, `nats_per_token`, `perplexity`
        and `unknown`, the number of tokens that the vocabulary does not know; with `adapt` also
        `adapted_bits_per_char` and `adapted_nats_per_token`.

    Raises:
        DataError: nothing is left of the text after normalisation.
    """

    def text() -> Iterator[str]:
        return normalized_text([source], model.normalize_config)

    try:
        count_chars(text())
    except DataError as error:
        raise DataError(f"{source.name}: {error}") from None
    with tempfile.TemporaryDirectory(prefix="textrnn-") as folder:
        part = write_ids(text(), model.tokenizer, Path(folder) / "text.ids")
        name = source.path if os.path.basename(source.path) == source.name else source.name  # not of a copy of a pipe
        score = score_ids(model, part.ids, num_chars=part.num_chars)
        found = {"file": name, **score.to_json()}
        if adapt:
            adapted = replace(score, nats=adapted_nats(model, part.ids))
            found |= {f"adapted_{key}": adapted.to_json()[key] for key in ("bits_per_char", "nats_per_token")}
        return found


def has_learnt_from(model: LanguageModel, source: Source) -> bool:
    """Whether a file is one that the run of a model was trained on, by its SHA-256."""
    return source.sha256 in {file.get("sha256") for file in model.details["corpus"]["files"]}


def adapted_nats(model: Reader, ids: np.ndarray) -> float:
    """Nats of all tokens of a text by a mixture whose counts go on counting in it.

    Args:
        model: a language model that predicts with a mixture.
        ids: int[num_tokens], at least one.

    Raises:
        ConfigError: it predicts with something else.
    """
    mixture = model.network
    if not isinstance(mixture, MixtureNetwork):
        raise ConfigError("--adapt is for models that predict with a mixture: leave it out, or train with counts")
    counts, rows, tokens = mixture.counts, HeldOutRows(ids, model.start_id), np.asarray(ids, np.int64)
    nodes = counts.advance(counts.start(1), np.array([model.start_id]))
    if isinstance(counts, JoinedCounts):  # earlier texts are over: only the own counts go on
        *_, own_nodes = counts.parts(nodes)
        before = counts.text_probabilities(nodes, tokens)[0][:, : -counts.own.order]
        adapted = np.concatenate([before, adapted_probabilities(counts.own, own_nodes, tokens)], 1)
    else:
        adapted = adapted_probabilities(counts, nodes, tokens)  # [tokens, orders]
    if mixture.cache is not None:
        text = np.concatenate([[model.start_id], tokens])
        remembered = mixture.cache.text_probabilities(text, np.append(0, adapted[:, -1]))[1:]
        adapted = np.concatenate([adapted, remembered[:, None]], 1)
    nats, state = 0.0, mixture.network_state(rows.num_rows)
    for batch in rows.windows(STEPS):
        found, state = mixture.nats_with(adapted[batch.places].swapaxes(0, 1), batch.x, batch.y, state)
        nats += float((found * batch.mask).sum())
    return nats


def score_per_char(model: LanguageModel, source: Source) -> Iterator[str]:
    """The surprise of each character of a file, in order, as lines of JSON, see `scored_chars`."""
    for found in scored_chars(model, normalized_text([source], model.normalize_config)):
        yield json.dumps(found, ensure_ascii=False) + "\n"


def scored_chars(model: LanguageModel, texts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The surprise of each character of a text, in order.

    A token of several characters gives each of them the same share of its bits, so they add up to the text's total; a
    character made of several byte tokens has the sum of theirs.

    Args:
        model: a saved one.
        texts: the text in parts, normalised as that of the model.

    Yields:
        `char` and `bits`; `"unknown": True` marks characters that the vocabulary lacks.
    """
    originals: deque[str] = deque()
    decoder, waiting = model.tokenizer.decoder(), 0.0
    added = 0 if model.documents is None else len(spelled("", model.tokenizer.level))  # characters that are not shown
    for ids, nats in nats_in_order(model, _encoded(model, texts, originals)):
        for token, cost in zip(ids.tolist(), nats.tolist(), strict=True):
            unknown = token == UNKNOWN_ID
            waiting += (cost + (NATS_PER_UNKNOWN if unknown else 0.0)) / math.log(2)
            length = len(decoder.feed(token))
            length, added = max(0, length - added), max(0, added - length)
            if length:
                more = {"unknown": True} if unknown else {}
                for _ in range(length):  # what the text has there: an unknown token decodes to something else
                    yield {"char": originals.popleft(), "bits": round(waiting / length, 4), **more}
                waiting = 0.0


def _encoded(model: LanguageModel, texts: Iterable[str], originals: deque[str]) -> Iterator[np.ndarray]:
    """The ids of a text in pieces; the characters of each piece are put into `originals` before."""
    if model.documents is not None:
        text = "".join(texts).strip()
        originals.extend(text)
        yield model.tokenizer.encode(spelled(text, model.tokenizer.level))
        return
    for piece in texts:
        originals.extend(piece)
        yield model.tokenizer.encode(piece)
