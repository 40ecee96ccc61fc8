"""Several tokens of a text in one call of a network that can draw them itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from textrnn.language_model.sample_options import SampleConfig
from textrnn.nn.litert import WIDEST, Draws
from textrnn.nn.numpy.network import State

LARGEST_SHARPNESS = 1e30  # at which only the likeliest tokens keep a weight
# From a token to read, the state before it, uniforms and the tokens before, to the tokens drawn and the state: see
# `textrnn.nn.numpy.litert.LiteNetwork.write`.
Ahead = Callable[[np.ndarray, State, np.ndarray, np.ndarray], tuple[np.ndarray, State]]


def ahead_of(model: Any, config: SampleConfig) -> Ahead | None:
    """What draws several tokens of one text at once; None where a model or these settings do not allow it.

    Args:
        model: a language model, which has a `draws_ahead` if its network can do it.
        config: how tokens are drawn.
    """
    write = getattr(model, "draws_ahead", None)
    if write is None:
        return None
    draws = _draws(config, model.vocab_size)
    sorts = draws.top_k < model.vocab_size or draws.top_p < 1
    if sorts and model.vocab_size > WIDEST:
        return None
    return lambda ids, state, uniforms, recent: write(ids, state, draws, uniforms, recent)


def _draws(config: SampleConfig, vocab_size: int) -> Draws:
    top_k = 1 if config.temperature == 0 else config.top_k or vocab_size
    return Draws(
        sharpness=1 / max(config.temperature, 1 / LARGEST_SHARPNESS),
        min_p=config.min_p,
        top_k=min(top_k, vocab_size),
        top_p=config.top_p,
        penalty=config.repetition_penalty,
    )
