"""What a translator learns and is measured by: the loss of pairs of texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from textrnn.training.loss import token_losses
from textrnn.training.objective import Loss, State
from textrnn.translator.batches import EncodedPairs
from textrnn.translator.network import Aligned, EncoderDecoder

Model = Aligned | EncoderDecoder
IDS, MASK = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32)
SIGNATURE = (IDS, MASK, IDS, MASK)  # source, its mask, target, its mask
NUMBERS = tf.TensorSpec((None,), tf.int32)
# Numbers of random draws: after so many steps they come again.
MOST_SEEDS, MOST_STEPS, MOST_ROWS = 1 << 30, 1 << 20, 1 << 10
READ_ROWS = 256  # pairs read at a time when nothing is learnt


def shifted(y: Any, first: int) -> Any:
    """The tokens before each step: `first`, then all of int32[batch, steps] but the last."""
    return tf.concat([tf.fill([tf.shape(y)[0], 1], first), y[:, :-1]], 1)


def make_loss(
    model: Model, *, smoothing: float, sampling: Callable[[], Any] | None
) -> Callable[[tuple[Any, ...], State], Loss]:
    """Builds the loss of some pairs, see `textrnn.training.objective.Objective`; no state is carried.

    Beside sources, targets and masks it takes numbers int32[rows], of which the first decides all random draws.

    Scheduled sampling in two passes: the first one, in which all right tokens are known, tells what the model would
    write at each step; in the second one some of the tokens that the decoder is given are these.

    Args:
        model: the network.
        smoothing: see `token_losses`.
        sampling: gives the share of tokens that are replaced now; None for none.

    Reference:
        Bengio et al., 2015, Scheduled sampling for sequence prediction with recurrent neural networks; Mihaylova and
        Martins, 2019, Scheduled sampling for transformers, for the two passes.
    """

    def loss(arrays: tuple[Any, ...], state: State) -> Loss:
        x, x_mask, y, mask, numbers = arrays
        seed = tf.reduce_sum(numbers[:1])  # a shard may have no row
        if isinstance(model, Aligned):
            logits = model(x, x_mask, seed=seed)
        else:
            end = model.target_size - 1
            memory, before = model.encode(x, x_mask, seed=seed), shifted(y, end)
            if sampling is not None:
                guess = tf.argmax(model.decode(before, memory, x_mask, seed=seed), -1, tf.int32)
                draws = tf.random.stateless_uniform(tf.shape(y), tf.stack([seed, -1]))
                before = tf.where(draws < sampling(), shifted(guess, end), before)
            logits = model.decode(before, memory, x_mask, seed=seed)
        return Loss(tf.reduce_sum(token_losses(logits, y, smoothing=smoothing) * mask), tf.reduce_sum(mask))

    return loss


def random_numbers(rows: int, *, step: int, random_seed: int) -> np.ndarray:
    """What decides the random draws of a batch, int32[rows]: other numbers for each step and row.

    Args:
        rows: of the batch.
        step: steps done before it.
        random_seed: of the training.
    """
    first = random_seed % MOST_SEEDS + step % MOST_STEPS * MOST_ROWS
    return (first + np.arange(rows, dtype=np.int64)).astype(np.int32)  # beyond 2**31 they begin anew


def make_check(model: Model) -> Callable[[EncodedPairs], float]:
    """The function of pairs that gives the mean nats of their targets' tokens, the right ones before each known."""

    @tf.function(input_signature=SIGNATURE, autograph=False)  # type: ignore[untyped-decorator,unused-ignore]
    def read(x: Any, x_mask: Any, y: Any, mask: Any) -> Any:
        before = () if isinstance(model, Aligned) else (shifted(y, model.target_size - 1),)
        logits = model(x, x_mask, *before)
        return tf.reduce_sum(token_losses(logits, y) * mask)

    def check(pairs: EncodedPairs) -> float:
        sums = [float(read(*arrays)) for arrays in pairs.in_order(READ_ROWS)]
        return float(np.sum(sums)) / max(1, pairs.num_tokens)

    return check
