"""`textrnn score` for models of documents: a file as one, or the texts of a table; in each condition there is."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from textrnn.base.errors import DataError
from textrnn.language_model.conditions import conditioned, listed, parse_condition
from textrnn.language_model.document_scoring import Start, document_nats, log_joint, log_sum, starts_of
from textrnn.language_model.predict import LanguageModel
from textrnn.language_model.scoring import Score
from textrnn.text.document_options import DocumentConfig
from textrnn.text.documents import Document, Warn, read_documents, spelled
from textrnn.text.normalize import normalize
from textrnn.text.reader import Source, pieces
from textrnn.text.tokens.load import UNKNOWN_ID

CHUNK = 256  # documents that are scored at a time


@dataclass
class _Sums:
    """What adds up over documents.

    Attributes:
        in_each: nats in each condition.
        nats: nats in the documents' own conditions, or in any if they are not known.
        right: documents whose own condition is the most likely one.
        judged: documents whose own condition is known.
        log_loss: nats that their own conditions cost, given the text.
        posterior: of the last document, float64[conditions].
    """

    in_each: np.ndarray
    documents: int = 0
    chars: int = 0
    tokens: int = 0
    unknown: int = 0
    nats: float = 0.0
    right: int = 0
    judged: int = 0
    log_loss: float = 0.0
    posterior: np.ndarray = field(default_factory=lambda: np.zeros(0))


def score_documents(
    model: LanguageModel,
    source: Source,
    table: DocumentConfig,
    *,
    condition: str | None = None,
    warn: Warn = lambda line: None,
) -> dict[str, Any]:
    """Scores the documents of a file.

    Args:
        model: a model of documents.
        source: the file.
        table: which columns of it hold what, if it is one. Else it is one document, or what its run's separator
            makes of it.
        condition: of a file that is no table, a condition or mixture to score in, instead of each.
        warn: told what is wrong with a table, in a line.

    Returns:
        `file`, `documents` and the keys of `Score.to_json`. Where there are conditions and none is asked for, these
        are of P(text), or of P(text | its condition) if the table tells it; `conditions` then has for each
        `bits_per_char`, `nats_per_token` and, of a single document, `posterior`. If the table tells the conditions,
        `judged` is the number of rows that have one, `accuracy` the share of them whose own is the most likely given
        the text, and `log_loss` the mean of its -ln P.

    Raises:
        ConfigError: there is no such condition.
        DataError: there is no text, or a condition that was not learnt.
    """
    names = model.documents.conditions if model.documents else ()
    starts = starts_of(model)
    if condition is not None:
        starts = [Start(conditioned(model, parse_condition(condition, names)).network, model.start_id)]
    sums = _Sums(np.zeros(len(starts)))
    documents = _documents(model, source, table, warn)
    while chunk := list(itertools.islice(documents, CHUNK)):
        _add(sums, model, starts, chunk, source)
    if not sums.documents:
        raise DataError(f"{source.name} has no text (after normalisation): expected something to score")
    name = source.path if os.path.basename(source.path) == source.name else source.name  # not of a copy of a pipe
    result = {"file": name, "documents": sums.documents, **_score(sums, sums.nats).to_json()}
    if len(starts) > 1:
        result["conditions"] = {name: _in_one(sums, place) for place, name in enumerate(names)}
    if sums.judged:
        judged = sums.judged
        result |= dict(judged=judged, accuracy=sums.right / judged, log_loss=sums.log_loss / judged)
    return result


def _documents(model: LanguageModel, source: Source, table: DocumentConfig, warn: Warn) -> Iterator[Document]:
    own = model.config.documents
    if table.is_table:
        yield from read_documents([source], table, model.normalize_config, warn)
    elif own.document_separator is not None:
        yield from read_documents([source], own, model.normalize_config)
    elif text := normalize("".join(pieces(source)), model.normalize_config).strip():
        yield Document(text, None)


def _add(sums: _Sums, model: LanguageModel, starts: list[Start], documents: list[Document], source: Source) -> None:
    """Scores some documents."""
    names = model.documents.conditions if model.documents else ()
    strange = sorted({c for _, c in documents if c is not None and names and c not in names})
    if strange:
        raise DataError(
            f"{source.name} has conditions that were not learnt: {listed(strange)}; expected {listed(names)}"
        )
    level = model.tokenizer.level
    texts = [model.tokenizer.encode(spelled(text, level)) for text, _ in documents]
    nats = document_nats(starts, texts, model.start_id)
    joint = log_joint(model, nats)
    total = log_sum(joint)
    for row, (text, own) in enumerate(documents):
        cost = -float(total[row])
        if own is not None and len(starts) > 1:
            place = names.index(own)
            cost = float(nats[row, place])
            sums.judged += 1
            sums.right += int(joint[row].argmax() == place)
            sums.log_loss += float(total[row] - joint[row, place])
        sums.nats += cost
        sums.chars += len(text)
        sums.tokens += len(texts[row]) + 1
        sums.unknown += int(np.count_nonzero(texts[row] == UNKNOWN_ID))
    sums.documents += len(documents)
    sums.in_each += nats.sum(0)
    sums.posterior = np.exp(joint[-1] - total[-1])


def _score(sums: _Sums, nats: float) -> Score:
    return Score(sums.chars, sums.tokens, nats, sums.unknown)


def _in_one(sums: _Sums, place: int) -> dict[str, float]:
    score = _score(sums, float(sums.in_each[place]))
    values = dict(bits_per_char=score.bits_per_char, nats_per_token=score.nats_per_token)
    return values | ({"posterior": float(sums.posterior[place])} if sums.documents == 1 else {})


def format_documents(found: dict[str, Any]) -> str:
    """The lines below a score for a person: the conditions, most likely first, and how often the right one was."""
    lines = []
    conditions = found.get("conditions", {})
    width = max(map(len, conditions), default=0)
    for name, values in sorted(conditions.items(), key=lambda item: item[1]["bits_per_char"]):
        share = f", {100 * values['posterior']:.1f} % likely" if "posterior" in values else ""
        lines.append(f"  {name:<{width}}  {values['bits_per_char']:.4f} bits per character{share}")
    if "accuracy" in found:
        lines.append(
            f"  the most likely condition is the right one in {100 * found['accuracy']:.2f} % of {found['judged']:,} "
            f"rows (log-loss {found['log_loss']:.4f} nats)"
        )
    return "".join(line + "\n" for line in lines)
