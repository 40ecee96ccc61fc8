"""One step of the controller with an external memory in NumPy: the equations are in `textrnn/nn/keras/memory.py`.

Arrays are [features, rows], as those of the other cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from textrnn.nn.memory import SHIFTS, SOFT, TINY, MemorySizes
from textrnn.nn.numpy.cells import Arrays, Named


def memory_output(weights: Named, state: Arrays, *, sizes: MemorySizes) -> np.ndarray:
    """What is put out after a step, float32[units, rows]: the controller's output, and what was read."""
    shown: np.ndarray = np.dot(weights["read_kernel"], state[-3])
    shown += state[0]
    return shown


def memory_step(weights: Named, projected: np.ndarray, state: Arrays, *, sizes: MemorySizes) -> Arrays:
    """The state after one step from the projected input, float32[gates * units, rows]."""
    rows = projected.shape[1]
    *own, reads, flat, heads = state
    own = _controller(weights["recurrent_kernel"], projected, own, reads)
    memory = flat.reshape(sizes.slots, sizes.width, rows)
    told = np.split(np.dot(weights["head_kernel"], own[0]) + weights["head_bias"], np.cumsum(sizes.pieces)[:-1])
    key, add, erase, *others = told
    heads = _address(memory, heads.reshape(2 * sizes.heads, sizes.slots, rows), np.tanh(key), others, sizes=sizes)
    reading, writing = np.split(heads, 2)
    reads = np.einsum("hsr,swr->hwr", reading, memory).reshape(sizes.reads, rows)
    add, erase = (a.reshape(sizes.heads, sizes.width, rows) for a in (np.tanh(add), _sigmoid(erase)))
    for weight, erased in zip(writing, erase, strict=True):
        memory = memory * (1 - weight[:, None] * erased)
    for weight, added in zip(writing, add, strict=True):
        memory = memory + weight[:, None] * added
    return [*own, reads, memory.reshape(flat.shape), heads.reshape(-1, rows)]


def _controller(recurrent: np.ndarray, projected: np.ndarray, own: Arrays, reads: np.ndarray) -> Arrays:
    """Its state after a step: h and c of an LSTM, or h alone."""
    if len(own) == 1:
        return [np.tanh(projected + np.dot(recurrent, reads))]
    h, c = own
    z = projected + np.dot(recurrent, np.concatenate([h, reads]))
    i, f, g, o = np.split(z, 4)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return [_sigmoid(o) * np.tanh(c), c]


def _address(
    memory: np.ndarray, weights: np.ndarray, key: np.ndarray, others: Sequence[np.ndarray], *, sizes: MemorySizes
) -> np.ndarray:
    """The weights of all heads on the slots, float32[2 heads, slots, rows], from those of the step before."""
    rows, (gate, strength, sharp, shift) = memory.shape[2], others
    key = key.reshape(2 * sizes.heads, sizes.width, rows)
    lengths = np.sqrt((np.square(key).sum(1) + SOFT)[:, None] * (np.square(memory).sum(1) + SOFT))
    content = _softmax(_softplus(strength)[:, None] * np.einsum("kwr,swr->ksr", key, memory) / lengths)
    gate = _sigmoid(gate)[:, None]
    mixed = gate * content + (1 - gate) * weights
    back, stay, on = _softmax(shift.reshape(2 * sizes.heads, SHIFTS, rows)).transpose(1, 0, 2)[:, :, None]
    moved = back * np.roll(mixed, -1, 1) + stay * mixed + on * np.roll(mixed, 1, 1)
    return _softmax(np.log(moved + np.float32(TINY)) * (1 + _softplus(sharp))[:, None])


def _sigmoid(values: np.ndarray) -> np.ndarray:
    half: np.ndarray = np.tanh(values * np.float32(0.5)) * np.float32(0.5) + np.float32(0.5)
    return half


def _softplus(values: np.ndarray) -> np.ndarray:
    positive: np.ndarray = np.logaddexp(np.float32(0), values)
    return positive


def _softmax(values: np.ndarray) -> np.ndarray:
    """Over the second axis."""
    exps = np.exp(values - values.max(1, keepdims=True))
    shares: np.ndarray = exps / exps.sum(1, keepdims=True)
    return shares
