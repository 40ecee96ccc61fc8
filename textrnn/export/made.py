"""A file or folder that TensorFlow writes, put in place once it is whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from textrnn.base.native import standard_error_kept_back


def make(target: Path, write: Callable[[Path], None]) -> None:
    """Starts TensorFlow, lets it write, and puts what it wrote in the place of the target.

    Args:
        target: the file or folder.
        write: writes to a path with the same ending.
    """
    from textrnn.training.backend import start_tensorflow

    start_tensorflow()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        made = Path(folder) / f"made{target.suffix}"
        with standard_error_kept_back():
            write(made)
        if target.is_dir():
            shutil.rmtree(target)
        os.replace(made, target)
