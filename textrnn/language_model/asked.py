"""From a saved model to the one that is asked for: what predicts, in which condition, and what it may not write."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import TypeVar

from textrnn.base.errors import ConfigError
from textrnn.language_model.conditions import with_condition
from textrnn.language_model.generation import Choose
from textrnn.language_model.mixture import CountsNetwork
from textrnn.language_model.model import Model
from textrnn.language_model.novel import known_pieces
from textrnn.language_model.sample_options import TextConfig

M = TypeVar("M", bound=Model)
AnyPath = str | os.PathLike[str]


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
