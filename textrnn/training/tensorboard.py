"""What happens in a training as files that TensorBoard shows; TensorFlow writes them, TensorBoard itself is not needed.

A training begins a file of its own, and says at which step: what is there of later steps, from before a resume or
before training went back, is not shown any more.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, warn
from textrnn.training.events import Gates, Sample, Tell, Told, Weights

EVERY_S = 1.0  # at most so often the loss of a step is written
BINS, MOST_VALUES = 40, 1 << 18  # of a histogram; of larger arrays some values are counted
FIRST = ("train", "val", "network", "counts")  # words at the beginning of a column that become the end of a tag


@contextlib.contextmanager
def board(target: str | Path | None, name: str) -> Iterator[Tell]:
    """What takes events and writes them for TensorBoard; when that fails later on, a warning says so.

    Args:
        target: the folder of all runs that are to be shown together; None to write nothing.
        name: of the run, which is the name of its folder there.

    Raises:
        ConfigError: nothing can be written there.
    """
    if target is None:
        yield lambda event: None
        return
    folder = Path(target) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(f"--tensorboard is {str(target)!r:.120}, which cannot be written: {error.strerror}") from None
    writer = BoardWriter(folder)
    try:
        yield writer.tell
    finally:
        writer.close()


class BoardWriter:
    """Writes the events of one training into a folder.

    Args:
        folder: where the file goes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._works = folder, True
        self._file: Any = None
        self._step, self._step_s = 0, -math.inf

    def tell(self, event: Told) -> None:
        """Takes any event."""
        self._safely(lambda: self._take(event))

    def close(self) -> None:
        """Ends the file."""
        file, self._file = self._file, None
        if file is not None:
            self._safely(file.close)

    def _safely(self, write: Any) -> None:
        """Writes; if that fails, nothing is written any more."""
        if not self._works:
            return
        import tensorflow as tf

        try:
            write()
        except (OSError, tf.errors.OpError) as error:
            self._works = False
            reason = getattr(error, "message", None) or getattr(error, "strerror", None) or error
            warn(f"nothing is written to {self._folder} any more: {reason!s:.120}; training goes on")

    def _take(self, event: Told) -> None:
        from textrnn.training.trainer import Check, Step

        if isinstance(event, Step):
            if time.monotonic() - self._step_s >= EVERY_S:
                self._step_s = time.monotonic()
                self._add(event.step, {"nats_per_token/step": _scalar(event.loss)})
        elif isinstance(event, Check):
            row = {_tag(name): _scalar(value) for name, value in event.row.items() if name != "step"}
            self._add(int(event.row["step"]), row)
        elif isinstance(event, Sample):
            self._add(event.step, {"sample": _text(event.text)})
        elif isinstance(event, Weights | Gates):
            group = type(event).__name__.lower()
            self._add(event.step, {f"{group}/{name}": _histogram(array) for name, array in event.read().items()})

    def _add(self, step: int, values: Mapping[str, dict[str, Any] | None]) -> None:
        """Writes some values of a step, by their tags; a first one, or one of an earlier step, begins anew there."""
        import tensorflow as tf

        v1, now = tf.compat.v1, time.time()
        if self._file is None:
            name = f"events.out.tfevents.{now:.6f}.{platform.node()}.{os.getpid()}"
            self._file = tf.io.TFRecordWriter(str(self._folder / name))
            self._file.write(v1.Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
            self._step = step + 1
        if step < self._step:
            begin = v1.SessionLog(status=v1.SessionLog.START)
            self._file.write(v1.Event(wall_time=now, step=step, session_log=begin).SerializeToString())
        self._step = step
        summary = v1.Summary(value=[v1.Summary.Value(tag=tag, **one) for tag, one in values.items() if one is not None])
        self._file.write(v1.Event(wall_time=now, step=step, summary=summary).SerializeToString())
        self._file.flush()


def _tag(column: str) -> str:
    """The tag of a column of the history: those that belong together are shown together.

    Example:
        >>> _tag("val_bits_per_char"), _tag("learning_rate")
        ('bits_per_char/val', 'training/learning_rate')
    """
    first, _, rest = column.partition("_")
    return f"{rest}/{first}" if first in FIRST else f"training/{column}"


def _scalar(value: float) -> dict[str, Any] | None:
    return dict(simple_value=value) if math.isfinite(value) else None


def _text(text: str) -> dict[str, Any]:
    """A text as it is: four blanks at the beginning of a line keep it from being read as markup."""
    import tensorflow as tf

    plain = "".join(f"    {line}\n" for line in text.splitlines())
    plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="text")
    return dict(tensor=tf.make_tensor_proto(plain), metadata=tf.compat.v1.SummaryMetadata(plugin_data=plugin))


def _histogram(array: np.ndarray) -> dict[str, Any] | None:
    """How often values are how large; None of what is not finite."""
    import tensorflow as tf

    values = np.asarray(array, np.float64).ravel()
    values = values[:: 1 + values.size // MOST_VALUES]
    if not values.size or not np.isfinite(values).all():
        return None
    counts, edges = np.histogram(values, BINS)
    histogram = tf.compat.v1.HistogramProto(
        min=values.min(),
        max=values.max(),
        num=values.size,
        sum=values.sum(),
        sum_squares=np.square(values).sum(),
        bucket_limit=edges[1:],
        bucket=counts,
    )
    return dict(histo=histogram)
