"""The loss over a held-out part, read in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from textrnn.language_model.network import LanguageModel
from textrnn.language_model.packed_documents import DocumentRows
from textrnn.text.windows import Batch, HeldOutRows, share_of, windows_before

EVAL_STEPS = 128
EVAL_BATCH = 1024
MAX_TOKENS = 1_000_000  # read at a check; more would cost minutes and change the third decimal


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


def total_nats(
    model: LanguageModel, eval_step: Callable[..., tuple[Any, list[Any]]], batches: Iterable[Batch]
) -> float:
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
