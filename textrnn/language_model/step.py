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


def mixture_nats(network_nats: Any, gate_logits: Any, order_nats: Any) -> Any:
    """Nats of each target under a mixture of a network and n-grams: -ln sum_k softmax(gate)_k p_k(target).

    Args:
        network_nats: float32[...], -ln of the target's probability by the network.
        gate_logits: float32[..., 1 + orders].
        order_nats: float32[..., orders], by n-grams of each order.

    Returns:
        float32[...].

    Reference:
        Neubig and Dyer, 2016, Generalizing and hybridizing count-based and neural language models.
    """
    each = tf.concat([network_nats[..., None], order_nats], -1)
    return -tf.reduce_logsumexp(tf.nn.log_softmax(gate_logits) - each, -1)


def make_loss(
    model: LanguageModel, end_id: int | None = None, code_nats: np.ndarray | None = None
) -> Callable[[tuple[Any, ...], State], Loss]:
    """Builds the loss of some rows of a batch, see `textrnn.training.objective.Objective`.

    Args:
        model: the network.
        end_id: where there are documents, the first of the ids that begin one. A row that begins with one has the state
            before a text: carried on from another document, it would be one that no generated text begins with.
        code_nats: float32[codes], nats by code, where counts are mixed in. The reported loss is then that of the
            mixture. What is differentiated are two others. The network's own loss teaches the network: the mixture's
            would leave to the counts what they know of the training text by heart. The mixture's loss, in which the
            network's probability is a constant, teaches the gate, and through the hidden values that the gate reads
            the recurrent layers too.

    Returns:
        a function of x int32[batch, steps], y and mask of equal shape ([batch] for target `last`) and the state. Where
        there are counts, behind the mask come codes uint8[batch, steps, orders], and for each token how much the
        network learns from it, and how much the gate does, float32[batch, steps]. Without counts, how much is learnt
        from each token may come there, float32 of its shape. The loss that is told is that of all tokens alike.
    """

    def loss(arrays: tuple[Any, ...], state: State) -> Loss:
        x, y, mask, *more = arrays
        if end_id is not None:
            goes_on = tf.cast(x[:, :1] < end_id, tf.float32)  # [batch, 1]
            begins = model.initial_state(x.shape[0])
            state = [begin + (array - begin) * goes_on for array, begin in zip(state, begins, strict=True)]
        hidden, after = model.hidden(x, state, training=True)
        if model.target == "last" and not model.reads_both_ways:
            hidden = hidden[:, -1]
        own = token_losses(model.logits(hidden, training=True), model.tokens(y))
        count, nats, unreported = tf.reduce_sum(mask), tf.reduce_sum(own * mask), list(model.losses)
        if more and code_nats is None:
            unreported.append(tf.math.divide_no_nan(tf.reduce_sum(own * more[0] * mask), count))
            nats = tf.stop_gradient(nats)
        elif more:
            codes, teaches_network, teaches_gate = more
            order_nats = tf.gather(code_nats, tf.cast(codes, tf.int32))
            # Stopping the gradient at `hidden` too is worse: after half a pass 4.630 against 4.620 nats on xiyouji,
            # 1.475 against 1.459 on tinyshakespeare.
            mixed = mixture_nats(tf.stop_gradient(own), model.gate_logits(hidden), order_nats)
            learnt = tf.reduce_sum((own * teaches_network + mixed * teaches_gate) * mask)
            unreported.append(tf.math.divide_no_nan(learnt, count))
            nats = tf.stop_gradient(tf.reduce_sum(mixed * mask))
        return Loss(nats, count, after, tf.add_n(unreported) if unreported else None)

    return loss


def make_eval_step(
    model: LanguageModel, *, num_shards: int, code_nats: np.ndarray | None = None
) -> Callable[..., tuple[Any, State]]:
    """Builds the function that measures one batch: the sum of nats over the tokens that count, and the state.

    Where counts are mixed in, it takes their codes as well (see `make_loss`) and gives two sums: that of the mixture
    and that of the network alone.
    """

    @tf.function(autograph=False, reduce_retracing=False)  # type: ignore[untyped-decorator,unused-ignore]
    def step(x: Any, y: Any, mask: Any, state: State, codes: Any = None) -> tuple[Any, State]:
        sums, states = [], []
        for own in row_ranges(x.shape[0], num_shards):
            hidden, after = model.hidden(x[own], [array[own] for array in state])
            nats = token_losses(model.logits(hidden), model.tokens(y[own]))
            if codes is not None:
                order_nats = tf.gather(code_nats, tf.cast(codes[own], tf.int32))
                nats = tf.stack([mixture_nats(nats, model.gate_logits(hidden), order_nats), nats])
            sums.append(tf.reduce_sum(nats * mask[own], list(range(-len(mask.shape), 0))))
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


def total_nats(
    model: LanguageModel,
    eval_step: Callable[..., tuple[Any, State]],
    batches: Iterable[Batch],
    codes: np.ndarray | None = None,
) -> Any:
    """Nats of all tokens that count, summed; of the mixture and of the network alone where there are counts.

    Args:
        model: gives the state to begin with.
        eval_step: as `make_eval_step` makes it.
        batches: as `held_out_batches` makes them.
        codes: uint8[num_tokens, orders] of the text, where counts are mixed in.

    Returns:
        float, or float64[2].
    """
    total: Any = 0.0
    state = None
    for batch in batches:
        if batch.reset or state is None:
            state = model.initial_state(len(batch.x))
        more = () if codes is None else (codes[batch.places],)
        nats, state = eval_step(batch.x, batch.y, batch.mask, state, *more)
        total = total + np.asarray(nats, np.float64)
    return total
