"""What a language model learns and is measured by: the loss of some rows, and that of a held-out part in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from textrnn.language_model.network import LanguageModel
from textrnn.language_model.packed_documents import DocumentRows
from textrnn.text.windows import Batch, HeldOutRows, share_of, windows_before
from textrnn.training.loss import token_losses
from textrnn.training.objective import Loss, State
from textrnn.training.step import row_ranges

EVAL_STEPS = 128
EVAL_BATCH = 1024
MAX_TOKENS = 1_000_000  # read at a check; more would cost minutes and change the third decimal


def make_loss(model: LanguageModel, end_id: int | None = None) -> Callable[[tuple[Any, ...], State], Loss]:
    """Builds the loss of some rows of a batch, see `textrnn.training.objective.Objective`.

    Args:
        model: the network.
        end_id: where there are documents, the first of the ids that begin one. A row that begins with one has the state
            before a text: carried on from another document, it would be one that no generated text begins with.

    Returns:
        a function of x int32[batch, steps], y and mask of equal shape ([batch] for target `last`), and the state.
    """

    def loss(arrays: tuple[Any, ...], state: State) -> Loss:
        x, y, mask = arrays
        if end_id is not None:
            goes_on = tf.cast(x[:, :1] < end_id, tf.float32)  # [batch, 1]
            begins = model.initial_state(x.shape[0])
            state = [begin + (array - begin) * goes_on for array, begin in zip(state, begins, strict=True)]
        if model.target == "last" and not model.reads_both_ways:
            hidden, after = model.hidden(x, state, training=True)
            logits = model.logits(hidden[:, -1], training=True)
        else:
            logits, after = model.step(x, state, training=True)
        nats = tf.reduce_sum(token_losses(logits, model.tokens(y)) * mask)
        return Loss(nats, tf.reduce_sum(mask), after, tf.add_n(model.losses) if model.losses else None)

    return loss


def make_eval_step(model: LanguageModel, *, num_shards: int) -> Callable[..., tuple[Any, State]]:
    """Builds the function that measures one batch: the sum of nats over the tokens that count, and the state."""

    @tf.function(reduce_retracing=False)  # type: ignore[untyped-decorator,unused-ignore]
    def step(x: Any, y: Any, mask: Any, state: State) -> tuple[Any, State]:
        sums, states = [], []
        for own in row_ranges(x.shape[0], num_shards):
            logits, after = model.step(x[own], [array[own] for array in state])
            sums.append(tf.reduce_sum(token_losses(logits, model.tokens(y[own])) * mask[own]))
            states.append(after)
        return tf.add_n(sums), [tf.concat(parts, 0) for parts in zip(*states, strict=True)]

    return step  # type: ignore[no-any-return]


def held_out_batches(
    model: LanguageModel,
    ids: np.ndarray,
    *,
    start_id: int,
    window: int,
    rank: int = 0,
    workers: int = 1,
    end_id: int | None = None,
) -> Iterable[Batch]:
    """The held-out part as a model reads it: in order with carried state, or a window before each token.

    Args:
        model: tells which of the two.
        ids: int[num_tokens].
        start_id: the token that precedes them.
        window: tokens of a window.
        rank: the worker whose share is read, from 0 on.
        workers: how many share the reading; some may find nothing to read in a short text.
        end_id: where there are documents, the first of the ids that begin one; `ids` then begin with one, which is
            no target.
    """
    if end_id is not None and not model.reads_both_ways:
        packed = DocumentRows(ids, end_id)
        own = share_of(packed.num_rows, rank, workers)
        return packed.windows(EVAL_STEPS, some=own) if own.start < own.stop else ()
    if end_id is not None:
        ids, start_id = ids[1:], int(ids[0])
    if model.reads_both_ways:
        own = share_of(len(ids), rank, workers)
        return windows_before(ids, start_id, window=window, batch=min(EVAL_BATCH, len(ids)), some=own)
    held = HeldOutRows(ids, start_id)
    own = share_of(held.num_rows, rank, workers)
    return held.windows(EVAL_STEPS, some=own) if own.start < own.stop else ()


def total_nats(model: LanguageModel, eval_step: Callable[..., tuple[Any, State]], batches: Iterable[Batch]) -> float:
    """Nats of all tokens that count, summed.

    Args:
        model: gives the state to begin with.
        eval_step: as `make_eval_step` makes it.
        batches: as `held_out_batches` makes them.
    """
    total, state = 0.0, None
    for batch in batches:
        if batch.reset or state is None:
            state = model.initial_state(len(batch.x))
        nats, state = eval_step(batch.x, batch.y, batch.mask, state)
        total += float(nats)
    return total
