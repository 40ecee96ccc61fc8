"""The small language models that several tests go through, and what they are compared by."""

import functools

import numpy as np

from textrnn.language_model.network import build_language_model
from textrnn.nn.options import ModelConfig

BATCH, STEPS, EMBED, UNITS, VOCAB = 2, 3, 5, 7, 11


def small(arch, **options):
    """A configuration without dropout, of sizes that cannot be mixed up."""
    return ModelConfig(**{"arch": arch, "units": UNITS, "embed": EMBED, "layers": 1, "dropout": 0.0, **options})


MEMORY = dict(memory_slots=4, memory_width=3)
CARRIED = {
    "simple": small("simple"),
    "gru": small("gru"),
    "lstm": small("lstm"),
    "simple x 3": small("simple", layers=3),
    "gru x 2": small("gru", layers=2),
    "lstm x 2": small("lstm", layers=2),
    "lstm x 3": small("lstm", layers=3),
    "mingru x 2": small("mingru", layers=2),
    "residual minlstm x 2": small("minlstm", layers=2, residual=True),
    "memory": small("memory", **MEMORY),
    "memory x 2": small("memory", layers=2, residual=True, **{**MEMORY, "memory_heads": 2}),
    "dense memory": small("memory", memory_controller="dense", tied=True, **MEMORY),
    "one-hot lstm": small("lstm", input="one-hot"),
    "tied gru": small("gru", tied=True, embed=UNITS),
    "tied, projected lstm": small("lstm", tied=True),
    "residual gru x 3": small("gru", layers=3, residual=True, embed=UNITS),
    "residual, tied, projected simple x 2": small("simple", layers=2, residual=True, tied=True),
}
BOTH_WAYS = {
    "bidirectional": small("bidirectional"),
    "bidirectional x 2": small("bidirectional", layers=2),
    "bidirectional x 3": small("bidirectional", layers=3),
    "bi-lstm,bi-gru": small("bidirectional", cells="bi-lstm,bi-gru"),
    "mingru,bi-minlstm": small("bidirectional", cells="mingru,bi-minlstm"),
    "lstm,bi-simple": small("bidirectional", cells="lstm,bi-simple"),
    "one-hot bidirectional x 2": small("bidirectional", layers=2, input="one-hot"),
    "tied bidirectional": small("bidirectional", tied=True, embed=2 * UNITS),
    "tied, projected bi-lstm": small("bidirectional", cells="bi-lstm", tied=True),
    "residual bi-gru x 3": small("bidirectional", cells="bi-gru,bi-gru,bi-gru", residual=True),
    "residual mixed": small("bidirectional", cells="gru,simple,bi-lstm,bi-gru,bi-gru", residual=True),
}
ALL = {**CARRIED, **BOTH_WAYS}
BASE = {name: ALL[name] for name in ("simple", "gru x 2", "lstm", "mingru x 2", "bidirectional x 2")}


@functools.cache
def built(name):
    """One model of each configuration for all tests: each sets the weights that it counts on."""
    return build_language_model(ALL[name], VOCAB)


def random_ids(rng, *shape):
    return rng.integers(0, VOCAB, shape).astype(np.int32)


def random_weights(rng, shapes, scale=0.5):
    """Arrays of the shapes of others."""
    return {name: rng.normal(0, scale, np.shape(array)).astype(np.float32) for name, array in shapes.items()}


def softmax_nats(logits, targets):
    """-ln softmax(logits)[target], the plain way: [..., vocab] and [...] -> float64[...]."""
    exps = np.exp(np.asarray(logits, np.float64))
    return -np.log(np.take_along_axis(exps, targets[..., None], -1)[..., 0] / exps.sum(-1))
