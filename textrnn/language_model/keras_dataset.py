"""Windows of text for plain Keras: what `keras.Model.fit` takes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from textrnn.text.windows import Windows


class WindowDataset(keras.utils.PyDataset):  # type: ignore[misc,unused-ignore]
    """The windows of a text as a dataset of `keras.Model.fit`; the mask is the sample weight.

    Each window is read from a state of zeros: Keras carries none. Keras divides a batch's loss by all its
    positions, the filling too, so its numbers are a little lower than those of `textrnn train`.

    Args:
        windows: `Streams` or `SlidingWindows`.
        epoch: the epoch to begin with.
        options: those of `keras.utils.PyDataset`, such as `workers`.

    Example:
        >>> from textrnn.nn.options import ModelConfig
        >>> from textrnn.language_model.network import build_language_model
        >>> from textrnn.text.windows import SlidingWindows
        >>> ids = np.arange(60) % 9 + 2
        >>> windows = SlidingWindows(ids, batch=8, window=3, stride=1, target="last")
        >>> model = build_language_model(ModelConfig(arch="simple", units=7, layers=1), 11, target="last")
        >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        >>> losses = model.fit(WindowDataset(windows), epochs=3, verbose=0).history["loss"]
        >>> losses[-1] < losses[0]
        True
    """

    def __init__(self, windows: Windows, *, epoch: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.windows, self.epoch = windows, epoch

    def __len__(self) -> int:
        return self.windows.num_batches

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Batch `index` of the epoch: x int32[batch, steps], y and mask as in `Batch`."""
        batch = self.windows.batch(self.epoch, index)
        return batch.x, batch.y, batch.mask

    def on_epoch_end(self) -> None:
        """Moves to the next epoch, whose windows lie elsewhere or come in another order."""
        self.epoch += 1
