"""Reading many texts at once; that each cell reads them as it reads one alone is in test_cells."""

import numpy as np
import pytest

from textrnn.classifier.options import EncoderConfig
from textrnn.classifier.recurrent import Block, RecurrentClassifier
from textrnn.nn.architectures import CELLS
from textrnn.nn.numpy.weights import Weights

UNITS, EMBED, LENGTHS = 7, 5, (6, 4, 4, 1)


def test_mirrored_twice_is_where_it_was():
    block = Block.of(np.array(LENGTHS))
    assert block.mirrored[block.mirrored].tolist() == list(range(sum(LENGTHS)))
    assert sorted(block.tokens) == list(range(sum(LENGTHS)))


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_gates_that_are_full_or_shut_are_numbers_and_no_warnings(kind, rng):
    config = EncoderConfig(units=UNITS, embed=EMBED, cell=kind)
    width = 2 * 2 * UNITS
    arrays = {
        "embedding/embeddings": rng.normal(0, 100, (11, EMBED)).astype(np.float32),
        "output/kernel": np.ones((width, 2), np.float32) / width,
        "output/bias": np.zeros(2, np.float32),
    }
    for way in ("forward", "backward"):
        for name, shape in CELLS[kind].weights(EMBED, UNITS).items():
            arrays[f"layer0/{way}/{name}"] = rng.normal(0, 9, shape).astype(np.float32)
    network = RecurrentClassifier(config, 11, 2, Weights(arrays))
    logits = network.logits([rng.integers(0, 11, 9) for _ in range(5)])
    assert (np.abs(logits) <= 1 + 1e-6).all()  # a mean of outputs, none of which is beyond 1
