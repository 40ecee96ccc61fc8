"""What can be done with a saved run as a whole: giving it another name, deleting it, measuring it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from textrnn.base.errors import RunError
from textrnn.base.files import MODEL_FILE, RUN_FILE
from textrnn.base.run import LOCKS, check_name, locked


def rename_run(path: Path, name: str) -> Path:
    """Gives a run another name in its folder of runs; its new path.

    Args:
        path: of the run.
        name: the new one.

    Raises:
        ConfigError: that can be no name of a run.
        RunError: there is something of that name, a training holds one of both, or the folder cannot be moved.
    """
    new = path.parent / check_name(name)
    with locked(path.parent, path.name), locked(path.parent, name):
        if new.exists():
            raise RunError(f"{new} exists: delete it first ('textrnn delete {name}'), or give another name")
        _check_run(path)
        try:
            os.rename(path, new)
        except OSError as error:
            raise RunError(f"cannot rename {path}: {error.strerror}") from None
        _forget_lock(path)
    return new


def delete_run(path: Path) -> None:
    """Deletes a run: at once gone from its name, then file by file.

    Raises:
        RunError: a training holds it, or it cannot be moved.
    """
    with locked(path.parent, path.name):
        _check_run(path)
        try:
            # Of the form that `staged` makes: if this process is killed, the next one that takes the name removes it.
            gone = Path(tempfile.mkdtemp(prefix=f".{path.name}.new-", dir=path.parent))
            os.rename(path, gone / path.name)
        except OSError as error:
            raise RunError(f"cannot delete {path}: {error.strerror}") from None
        _forget_lock(path)
        shutil.rmtree(gone, ignore_errors=True)


def size_on_disk(path: Path) -> int:
    """Bytes of all files of a run."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def weights_on_disk(path: Path) -> int | None:
    """Bytes of the weights of a run, None where there are none."""
    file = path / MODEL_FILE
    return file.stat().st_size if file.is_file() else None


def size_in_words(parameters: int, num_bytes: int | None) -> str:
    """How large a network is.

    Example:
        >>> size_in_words(1200, 4800), size_in_words(1_200_000, 4_800_000)
        ('1,200 parameters, 5 kB', '1,200,000 parameters, 4.8 MB')
    """
    size = (num_bytes or 0) / 1e6
    return f"{parameters:,} parameters, " + (f"{size:.1f} MB" if size >= 0.1 else f"{size * 1000:.0f} kB")


def _check_run(path: Path) -> None:
    """Raises RunError where no run is: it may be gone since it was looked for."""
    if path.is_symlink() or not (path / RUN_FILE).is_file():
        raise RunError(f"{path} is not a saved run: it is left alone")


def _forget_lock(path: Path) -> None:
    """Removes the lock of a name that is no run's any more; whoever waits for it sees that it is another file."""
    with contextlib.suppress(OSError):
        (path.parent / LOCKS / path.name).unlink()
