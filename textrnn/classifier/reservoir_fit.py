"""A classifier with a reservoir: pooled states of whole texts, and a ridge regression on one-hot classes."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from textrnn.classifier.data import Fitted, ToFit
from textrnn.classifier.reservoir import ReservoirClassifier, pooled_states
from textrnn.nn.numpy.reservoir_draw import make_reservoir
from textrnn.nn.numpy.ridge import Sums

RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)  # for each text; the one that does best on texts held out is taken
TUNED_EVERY = 10  # texts of which one is held out for that
BLOCK = 512  # texts read at a time
READING_SHARE = 0.8  # of the time; texts that are not read in it are not learnt from
SHARPNESS = 8.0  # scores of 0 and 1 are far apart; the temperature that is fitted later does the rest


def fit_reservoir(task: ToFit) -> Fitted:
    """Fits one classifier, in one pass over the texts."""
    config, texts, seed, class_weights = task.config, task.texts, task.random_seed, task.class_weights
    begin, encoder = time.monotonic(), config.encoder
    reservoir = make_reservoir(config.reservoir, task.vocab_size, encoder.units, seed)
    learnt, tuned = (Sums(len(encoder.pools) * encoder.units, task.num_classes) for _ in range(2))
    blocks, order = list[tuple[np.ndarray, np.ndarray]](), np.random.default_rng(seed).permutation(len(texts))
    for first in range(0, len(order), BLOCK):
        rows = order[first : first + BLOCK]
        block = np.ones((learnt.gram.shape[0], len(rows)))
        block[:-1] = pooled_states(reservoir, [texts[row] for row in rows], encoder.pools).T
        own = task.labels[rows]
        some = np.arange(len(rows)) % TUNED_EVERY == 0
        for sums, part in ((learnt, ~some), (tuned, some)):
            sums.add(np.ascontiguousarray(block[:, part]), own[part], class_weights[own[part]])
        blocks.append((block[:, some], own[some]))
        late = (time.monotonic() - begin) / (READING_SHARE * task.seconds)
        task.on_step(min(1.0, max(late, (first + len(rows)) / len(order))), 0.0)
        if late > 1 or task.interrupted():
            break
    ridge = config.reservoir.ridge or min(
        RIDGES, key=lambda one: _squared_error(learnt.solve(one), blocks, class_weights)
    )
    learnt.merge(tuned)
    kernel, bias = learnt.solve(ridge)
    model = ReservoirClassifier(reservoir, SHARPNESS * kernel, SHARPNESS * bias, encoder.pools)
    logits = model.logits(task.held) if len(task.held) else np.zeros((0, task.num_classes), np.float32)
    return Fitted(model.to_arrays(), logits)


def _squared_error(
    readout: tuple[np.ndarray, np.ndarray], blocks: Sequence[tuple[np.ndarray, np.ndarray]], class_weights: np.ndarray
) -> float:
    """The sum of squared errors on texts that were held out."""
    total, (kernel, bias) = 0.0, readout
    for block, labels in blocks:
        errors = block[:-1].T @ kernel + bias
        errors[np.arange(len(labels)), labels] -= 1
        total += float((class_weights[labels] * (errors**2).sum(1)).sum())
    return total
