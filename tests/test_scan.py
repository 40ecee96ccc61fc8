"""Reading many texts at once: the same as the cells of the generator, which have other equations, text by text."""

import numpy as np
import pytest
from closeness import assert_close

from textrnn.classifier.options import EncoderConfig
from textrnn.classifier.recurrent import Block, RecurrentClassifier
from textrnn.nn.architectures import CELLS
from textrnn.nn.numpy.cells import make_cell
from textrnn.nn.numpy.scan import make_layer, scan
from textrnn.nn.numpy.weights import Weights

UNITS, EMBED, LENGTHS = 7, 5, (6, 4, 4, 1)


def keras_weights(rng, kind, inputs=EMBED, scale=0.5):
    width = CELLS[kind].gates * UNITS
    shapes = [
        (inputs, width),
        (UNITS, 0 if kind.startswith("min") else width),
        (2, width) if kind == "gru" else (width,),
    ]
    return [rng.normal(0, scale, shape).astype(np.float32) for shape in shapes]


def alone(cell, text):
    """The output of each step of one text: float32[steps, units]."""
    state, outputs = cell.initial_state(1), []
    for vector in text:
        state = cell.step(cell.project(vector[:, None]), state)
        outputs.append(state[0][:, 0])
    return np.array(outputs)


@pytest.mark.parametrize("num_ways", [1, 2])
@pytest.mark.parametrize("kind", CELLS)
def test_scan_gives_what_each_text_gives_alone(kind, num_ways, rng):
    ways = [keras_weights(rng, kind) for _ in range(num_ways)]
    texts = [rng.normal(0, 1, (length, EMBED)).astype(np.float32) for length in LENGTHS]
    layer, block = make_layer(kind, ways), Block.of(np.array(LENGTHS))
    inputs = np.concatenate(texts)
    projected = layer.project(inputs).reshape(CELLS[kind].gates, -1, UNITS)
    backwards = block.tokens[block.mirrored] + len(inputs)
    index = np.stack([block.tokens, backwards][:num_ways])
    steps = [outputs.copy() for outputs in scan(layer, projected, index, block.counts)]
    assert [outputs.shape for outputs in steps] == [(num_ways, count, UNITS) for count in (4, 3, 3, 3, 1, 1)]
    for way in range(num_ways):
        for row, text in enumerate(texts):
            found = [outputs[way, row] for outputs in steps[: len(text)]]
            expected = alone(make_cell(kind, *ways[way]), text if way == 0 else text[::-1])
            assert_close(found, expected)


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
        for name, array in zip(("kernel", "recurrent_kernel", "bias"), keras_weights(rng, kind, scale=9), strict=True):
            arrays[f"layer0/{way}/{name}"] = array
    network = RecurrentClassifier(config, 11, 2, Weights(arrays))
    logits = network.logits([rng.integers(0, 11, 9) for _ in range(5)])
    assert (np.abs(logits) <= 1 + 1e-6).all()  # a mean of outputs, none of which is beyond 1
