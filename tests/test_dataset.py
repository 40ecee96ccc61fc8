"""Windows of text in plain Keras."""

import keras
import numpy as np
import pytest
from small_models import VOCAB, small

from textrnn.language_model.keras_dataset import WindowDataset
from textrnn.language_model.network import build_language_model
from textrnn.text.windows import SlidingWindows, Streams

IDS = (np.arange(60) % 9 + 2).astype(np.int32)


def test_window_dataset_items():
    streams = Streams(IDS, batch=2, window=3)
    dataset = WindowDataset(streams)
    assert len(dataset) == streams.num_batches
    dataset.on_epoch_end()
    for index in range(len(dataset)):
        batch = streams.batch(1, index)
        for array, expected in zip(dataset[index], (batch.x, batch.y, batch.mask), strict=True):
            np.testing.assert_array_equal(array, expected)


class Recorded:
    """Windows that write down which batches were asked for."""

    def __init__(self, windows):
        self._windows, self.num_batches, self.asked = windows, windows.num_batches, []

    def batch(self, epoch, index):
        self.asked.append((epoch, index))
        return self._windows.batch(epoch, index)


@pytest.mark.slow
@pytest.mark.parametrize(("arch", "target"), [("gru", "each"), ("bidirectional", "last")])
def test_window_dataset_fits(arch, target):
    kinds = {
        "each": Streams(IDS, batch=2, window=3),
        "last": SlidingWindows(IDS, batch=8, window=3, stride=1, target="last"),
    }
    windows = Recorded(kinds[target])
    model = build_language_model(small(arch), VOCAB, target=target)
    model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    losses = model.fit(WindowDataset(windows, epoch=2), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    for epoch in range(
        3, 7
    ):  # Keras looks at the first batches of the first epoch twice, and reads ahead after the last
        asked = sorted(index for of, index in windows.asked if of == epoch)
        assert asked == list(range(windows.num_batches))
    assert {epoch for epoch, _ in windows.asked} <= set(range(2, 8))


def test_window_dataset_evaluates_by_the_mask():
    ids, rng = IDS[:9], np.random.default_rng(4)
    windows = SlidingWindows(ids, batch=4, window=3, stride=1, target="last")  # six windows: two of eight are filling
    model = build_language_model(small("simple"), VOCAB, target="last")
    model.output_layer.set_weights([rng.normal(size=weight.shape) for weight in model.output_layer.weights])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.stack([ids[begin : begin + 3] for begin in range(6)])
    logits = np.asarray(model(x), np.float64)
    nats = np.log(np.exp(logits).sum(-1)) - logits[np.arange(6), ids[3:]]
    assert model.evaluate(WindowDataset(windows), verbose=0) == pytest.approx(nats.sum() / 8, rel=1e-5)
