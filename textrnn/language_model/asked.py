"""From a saved model to the one that is asked for: what predicts, in which condition, and what it may not write."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.language_model.conditions import with_condition
from textrnn.language_model.generation import Choose
from textrnn.language_model.mixture import CountsNetwork
from textrnn.language_model.model import Model
from textrnn.language_model.novel import Known, KnownToCounts
from textrnn.language_model.sample_options import TextConfig
from textrnn.text.corpus import decoded, map_ids, normalized_text, smallest_dtype
from textrnn.text.counts.joined import JoinedCounts
from textrnn.text.counts.model import Counts
from textrnn.text.documents import read_documents
from textrnn.text.reader import Source, open_sources

M = TypeVar("M", bound=Model)
AnyPath = str | os.PathLike[str]
BETWEEN = "\0"  # stands between documents; no text has it
DOCUMENTS = 1000  # that are looked at together


def asked_model(
    model: M,
    text: TextConfig,
    *,
    use: str | None = None,
    condition: str | None = None,
    guidance: float | None = None,
    corpus: AnyPath | Sequence[AnyPath] = (),
) -> tuple[M, Choose | None]:
    """The model that writes what is asked for.

    Args:
        model: a saved one.
        text: how predictions follow from the text.
        use: see `Model.using`.
        condition: see `with_condition`.
        guidance: see `with_condition`.
        corpus: a file, folder or pattern, or some, with the text for `text.novel`, see `known_pieces`.

    Returns:
        the model, and what gives each text its condition, see `with_condition`.

    Raises:
        ConfigError: the model cannot do it.
        DataError: a file of `corpus` cannot be read.
    """
    if corpus and text.novel is None:
        raise ConfigError("--corpus is the text that --novel looks in: give --novel as well, or leave it out")
    if use is not None:
        model = model.using(use)
    if text.adapt:
        model = dataclasses.replace(model, network=_counting_on(model))
    if text.novel is not None:
        files = [corpus] if isinstance(corpus, str | os.PathLike) else corpus
        model = dataclasses.replace(model, known=known_pieces(model, text.novel, [os.fspath(file) for file in files]))
    return with_condition(model, condition, guidance)


def _counting_on(model: Model) -> CountsNetwork:
    if not isinstance(model.network, CountsNetwork):
        raise ConfigError(
            "--adapt is for what predicts with counts: leave it out, or --use network, or train a run with counts"
        )
    return model.network.adapted()


def training_ids(model: Model) -> np.ndarray | None:
    """The ids of the training part that a run keeps; None where they are not there."""
    path = None if model.path is None else model.path / "checkpoint" / "train.ids"
    return map_ids(path, smallest_dtype(model.num_ids)) if path is not None and path.is_file() else None


def known_pieces(model: Model, limit: int, corpus: Sequence[str]) -> Known:
    """What a model may not write.

    Args:
        model: the language model.
        limit: characters that a piece may have that stands in the text as well.
        corpus: files, folders and patterns with that text, read as the model's own was; if there are none, it is the
            training part that the run keeps, and where that is not there, the model's counts are asked.

    Raises:
        ConfigError: the counts cannot tell.
        DataError: a file cannot be read.
    """
    from textrnn.language_model.known_text import KnownText

    if not corpus and (ids := training_ids(model)) is not None:
        return KnownText(lambda: decoded(ids, model.tokenizer), limit, model.tokenizer)
    if not corpus:
        return KnownToCounts(_counts(model, limit), limit, model.vocab_size)
    with open_sources(corpus) as sources:
        return KnownText(lambda: _text(model, sources), limit, model.tokenizer)


def _counts(model: Model, limit: int) -> Counts:
    """The counts in which pieces are looked for; raises ConfigError if they cannot tell."""
    where, found = model.path or "this model", model.predictors.get("counts")
    if not isinstance(found, CountsNetwork):
        raise ConfigError(f"{where} has no counts to look for pieces in: name the text for --novel with --corpus FILE")
    if model.tokenizer.level != "char":
        raise ConfigError(
            f"the counts of {where} are not of characters (--level {model.tokenizer.level}): name the text for --novel "
            "with --corpus FILE"
        )
    counts = found.counts.own if isinstance(found.counts, JoinedCounts) else found.counts
    order = counts.order
    if limit >= order:
        raise ConfigError(
            f"--novel is {limit:,}, and the counts of {where} know pieces of at most {order} characters: expected at "
            f"most {order - 1}, or the text with --corpus FILE"
        )
    return counts


def _text(model: Model, sources: Sequence[Source]) -> Iterator[str]:
    """The text of files, normalised as that of the model, in parts."""
    config = model.config
    if not config.documents.has_documents:
        yield from normalized_text(sources, config.normalize)
        return
    documents = read_documents(sources, config.documents, config.normalize)
    while some := list(itertools.islice(documents, DOCUMENTS)):
        yield "".join(text + BETWEEN for text, _ in some)
