"""A saved run: the folder `models/<name>/`, found by its name, held by one training at a time, moved into place.

Nothing in a run is code: a hostile folder costs a RunError, never more. Its files are those of `run_files`.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import glob
import os
import re
import shlex
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import FORMAT_VERSION, RUN_FILE, read_json, umask
from textrnn.base.tasks import TASKS


def read_run(path: Path, kind: str | None = None) -> dict[str, Any]:
    """The content of `run.json`, checked.

    Args:
        path: the folder of the run.
        kind: what the run has to be, such as `language_model`; None for anything.

    Raises:
        RunError: there is no run, it is damaged or of another kind.
    """
    if not os.path.isfile(path / RUN_FILE):
        raise RunError(f"{path} is not a saved run: it has no {RUN_FILE}; 'textrnn info' lists the runs there are")
    values = read_json(path / RUN_FILE)
    if kind and values.get("kind") != kind:
        raise RunError(f"{path} is {_a(values.get('kind'))}, expected {_a(kind)}: name another run with --model")
    return migrated(values)


def migrated(details: dict[str, Any]) -> dict[str, Any]:
    """The content of a `run.json` in today's format.

    Earlier formats had the options in other groups: they are put into today's by their names, of which few have
    changed.
    What cannot be read is left as it is: whoever opens the run says what is wrong with it.
    """
    config, task = details.get("config"), TASKS.get(str(details.get("kind")))
    if details.get("format_version") == FORMAT_VERSION or task is None or not isinstance(config, dict):
        return details
    options: dict[str, Any] = {}
    for group in config.values():
        options.update(group if isinstance(group, dict) else {})
    with contextlib.suppress(ConfigError, TypeError), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of options that have another name now
        config = task.get(task.options).from_options(options).to_json()
        return {**details, "format_version": FORMAT_VERSION, "config": config}
    return details


def _a(kind: Any) -> str:
    """A kind as part of a sentence."""
    return f"{'an' if str(kind)[:1] in tuple('aeiou') else 'a'} {kind!r:.60}"


def list_runs(models_dir: Path) -> list[Path]:
    """The folders under `models_dir` that hold a run, newest first."""
    found = []
    with contextlib.suppress(OSError):
        for path in models_dir.iterdir():
            with contextlib.suppress(OSError):  # no run, or one that is just being replaced
                if path.name[0] != "." and os.path.isfile(path / RUN_FILE):
                    found.append(((path / RUN_FILE).stat().st_mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)]


def find_run(name: str | None, models_dir: Path, kind: str) -> Path:
    """The run that `--model` means: a folder, a name under `models_dir`, or the newest of its kind.

    Args:
        name: the folder or name of the run; None for the newest.
        models_dir: where runs are kept.
        kind: of the newest run; a run that is named may be of any kind.

    Raises:
        RunError: there is none.
    """
    if name is not None:
        return named_run(name, models_dir)
    if (newest := newest_run(models_dir, kind)) is not None:
        return newest
    raise RunError(f"no {TASKS[kind].noun} in {models_dir}: train one with '{TASKS[kind].maker.usage}'")


def newest_run(models_dir: Path, kind: str) -> Path | None:
    """The newest run of a kind under `models_dir`, if there is one."""
    for path in list_runs(models_dir):
        with contextlib.suppress(RunError):
            read_run(path, kind)
            return path
    return None


def named_run(name: str, models_dir: Path) -> Path:
    """The run of a name under `models_dir`, or in a folder.

    Raises:
        RunError: there is none.
    """
    for path in (models_dir / name, Path(name)):
        if os.path.isfile(path / RUN_FILE):
            return path
    if name and os.path.isdir(models_dir / name):
        read_run(models_dir / name)  # which says what is missing
    raise RunError(f"no run named {name!r:.120} in {models_dir} {_known_runs(models_dir, name)}")


def load(model: str | Path, models_dir: str | Path = "models") -> Any:
    """Opens a saved run; TensorFlow is not needed and not imported.

    Args:
        model: the folder of the run, or its name under `models_dir`.
        models_dir: where runs are kept.

    Returns:
        what the task of the run makes of it, with methods such as `generate`, `classify`, `translate` or `answer`.

    Raises:
        RunError: there is no such run, it is damaged, of a kind that is not known, or its parts do not belong together.
    """
    path = named_run(str(model), Path(models_dir))
    kind = read_run(path).get("kind")
    if kind not in TASKS:
        raise RunError(f"{path} is of the kind {kind!r:.60}: expected one of {', '.join(TASKS)}")
    return TASKS[kind].get(TASKS[kind].opens)(path)


def _known_runs(models_dir: Path, wanted: str) -> str:
    """The runs that there are, or the one whose name is nearest to what was wanted."""
    names = [path.name for path in list_runs(models_dir)]
    if near := difflib.get_close_matches(wanted, names, n=1):
        return f"(did you mean {near[0]!r}?)"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return (
        f"(there: {', '.join(names[:MOST_NAMED])}{more})"
        if names
        else "(it holds no runs: 'textrnn info' says what makes one)"
    )


MOST_NAMED = 8  # runs that an error names
LOCKS = ".locks"  # the folder, beside the runs
MAX_NAME_BYTES = 200  # file systems allow 255, and temporary names are longer
EDGES = "+-._"
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # on Windows, whatever comes after a dot


def models_dir_flag(path: Path) -> str:
    """What to put behind the name of a run in a command that is shown, if the run is not where it is looked for.

    Example:
        >>> models_dir_flag(Path("models/x")), models_dir_flag(Path("my runs/x"))
        ('', " --models-dir 'my runs'")
    """
    return "" if path.parent == Path("models") else f" --models-dir {shlex.quote(str(path.parent))}"


def check_name(name: str) -> str:
    """The name of a run, if it can be a folder's on every system.

    Raises:
        ConfigError: it is empty, hidden, too long or has a separator in it.
    """
    fits = re.fullmatch(r"[^\W_][\w.+ -]{0,99}", name) and len(name.encode()) <= MAX_NAME_BYTES
    if not fits or name.endswith((" ", ".")) or DEVICES.fullmatch(name):
        raise ConfigError(
            f"--name is {name!r:.120}: expected letters, digits, '_', '-', '.', '+' and blanks, "
            "beginning with a letter or digit, 100 characters (200 bytes of UTF-8) at most, and no "
            "device of Windows such as CON"
        )
    return name


def possible_name(wanted: str) -> str:
    """`wanted` made the name of a folder on any system."""
    stem = re.sub(r"[^\w.+-]+", "-", wanted).strip(EDGES)[:80].encode()[: MAX_NAME_BYTES - 8].decode(errors="ignore")
    stem = stem.strip(EDGES) or "run"
    return f"{stem}-run" if DEVICES.fullmatch(stem) else stem


def free_name(wanted: str, models_dir: Path) -> str:
    """`wanted` made a possible folder name, with a number behind it when a run of that name exists."""
    stem = possible_name(wanted)
    numbered = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 1_000_000))
    return next(name for name in numbered if not (models_dir / name).exists())


def resume_command(path: Path) -> str | None:
    """The command that goes on with a run; None if there is none, or no run."""
    with contextlib.suppress(RunError):
        task = TASKS.get(str(read_run(path).get("kind")))
        if task is not None and task.resumes:
            return f"textrnn {task.maker.name} --resume {shlex.quote(path.name)}{models_dir_flag(path)}"
    return None


@contextlib.contextmanager
def locked(models_dir: Path, name: str) -> Iterator[None]:
    """Holds a name for one training at a time; the lock ends with the process, however that ends.

    Raises:
        RunError: another process holds it, or the folder cannot be made or written.
    """
    path = models_dir / LOCKS / name
    with contextlib.ExitStack() as stack:
        while True:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(open(path, "ab"))
                is_held = not _try_lock(file.fileno())
            except OSError as error:
                raise RunError(f"cannot write to {models_dir}: {error.strerror}; choose another --models-dir") from None
            if is_held:
                raise RunError(f"{models_dir / name} is held by another training: wait for it, or give another --name")
            with contextlib.suppress(OSError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    break  # else a run was deleted with its lock in between
        _clean_up(models_dir, name)
        yield


def status_of(path: Path, run: Mapping[str, Any]) -> str | None:
    """The status of a run; of one that says it is being trained, `interrupted` where no process holds its name.

    Args:
        path: of its folder.
        run: what its `run.json` says.
    """
    status: str | None = run.get("status")
    if status != "training":
        return status
    try:
        with open(path.parent / LOCKS / path.name, "r+b") as file:
            return "interrupted" if _try_lock(file.fileno()) else status
    except FileNotFoundError:
        return "interrupted"
    except OSError:  # no right to look, or no locks
        return status


def _clean_up(models_dir: Path, name: str) -> None:
    """Puts back a run that `publish` had moved away, and removes what was half done, when a process was killed."""
    path, begin, anything = models_dir / name, f".{glob.escape(name)}", "?" * 8  # as long as mkdtemp makes it
    for old in models_dir.glob(f"{begin}.old-{anything}"):
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                os.replace(old, path)
    for left in models_dir.glob(f"{begin}.new-{anything}"):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def staged(models_dir: Path, name: str) -> Iterator[Path]:
    """A hidden folder in which a run is put together; it is removed unless `publish` has moved it into place.

    Raises:
        RunError: it cannot be made.
        KeyboardInterrupt: with the words that nothing was saved, if there was one before `publish`.
    """
    _clean_up(models_dir, name)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{name}.new-", dir=models_dir))
    except OSError as error:
        raise RunError(f"cannot write to {models_dir}: {error.strerror}; choose another --models-dir") from None
    try:
        yield folder
    except KeyboardInterrupt:
        if folder.exists():
            raise KeyboardInterrupt("nothing was saved") from None
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, path: Path) -> None:
    """Moves a complete run to its name; a run that has the name already goes only then.

    Raises:
        RunError: the folder cannot be moved.
    """
    old = folder.with_name(folder.name.replace(".new-", ".old-"))
    try:
        folder.chmod(0o777 & ~umask())
        if path.exists():
            os.replace(path, old)
        os.replace(folder, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.replace(old, path)
        raise RunError(f"cannot write {path}: {error.strerror}") from None
    shutil.rmtree(old, ignore_errors=True)


def publish_written(folder: Path, path: Path, write: Callable[[], None]) -> None:
    """Writes an untrained run and moves it to its name: from here on the folder always loads.

    Args:
        folder: where it is put together.
        path: where it ends up.
        write: writes all files.

    Raises:
        RunError: it cannot be written.
    """
    try:
        write()
    except OSError as error:
        reason = error.strerror or error
        raise RunError(f"could not save to {folder}: {reason}; make room, or choose another --models-dir") from None
    publish(folder, path)


def _try_lock(handle: int) -> bool:
    """Whether the lock of a file was free; raises OSError where the file system has no locks."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            raise
        return False
    return True
