"""Arrays that grow on disk, for what is too large for memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import RunError


class Column:
    """An array of one dimension in a file: appended to at its end, read in pieces."""

    def __init__(self, path: Path, dtype: Any) -> None:
        self.path, self.dtype, self.size = path, np.dtype(dtype), 0

    def append(self, values: np.ndarray) -> None:
        """Adds values at the end.

        Raises:
            RunError: the disk is full or cannot be written.
        """
        try:
            with open(self.path, "ab") as file:
                file.write(np.ascontiguousarray(values, self.dtype).tobytes())
        except OSError as error:
            raise RunError(f"cannot write the counts to {self.path}: {error.strerror}") from None
        self.size += len(values)

    def read(self, begin: int = 0, end: int | None = None) -> np.ndarray:
        """The values of a range, in memory."""
        count = (self.size if end is None else end) - begin
        if count <= 0:
            return np.zeros(0, self.dtype)
        return np.fromfile(self.path, self.dtype, count, offset=begin * self.dtype.itemsize)

    def remove(self) -> None:
        """Removes the file."""
        self.path.unlink(missing_ok=True)
