"""The files of a run, written atomically and each with its own checksum.

So a truncated or bit-flipped file is told from a good one whatever order they were written in: JSON files have a
`sha256` key over the rest, safetensors files one in their metadata.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from textrnn.base.errors import RunError

if TYPE_CHECKING:
    import numpy as np

# 1 and 2 had other groups of options in run.json, 1 to 3 no cache beside counts, 1 to 4 no labels but classes.
FORMAT_VERSION = 5
RUN_FILE, TOKENIZER_FILE, MODEL_FILE, HISTORY_FILE = "run.json", "tokenizer.json", "model.safetensors", "history.csv"
SAMPLES_FILE = "samples.jsonl"  # what a language model wrote while it learnt
MOST_JSON_BYTES = 1 << 26  # of a file that is read whole
END = '"\n}'  # how an object written with indent ends, behind its last text
# As mkstemp names what is half written.
TEMPORARY = re.compile(r"\..+\.(jsonl?|safetensors|csv|png|ids|tflite)\.[a-z0-9_]{8}")
_ENDING, STALE_S = re.compile("[a-z0-9_]{8}"), 86_400.0
Weights = dict[str, "np.ndarray"]  # NumPy is imported when it is needed: completing the name of a run needs none


def run_head(kind: str, command: str, config: Mapping[str, Any], *, status: str = "training") -> dict[str, Any]:
    """What `run.json` begins with, whatever the run.

    Args:
        kind: of the run, such as `language_model`.
        command: that made it.
        config: all options, as JSON.
        status: how far it is.
    """
    return {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "status": status,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": command,
        "config": config,
    }


def umask() -> int:
    """The bits that new files and folders are not to have."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` when the block ends well.

    A reader, or a crash, sees the old content or the new, never a part.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old file is still there.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:  # which names a file that nobody has heard of
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(path.parent)


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file as `atomic_file` does, all at once."""
    with atomic_file(path) as file:
        file.write(data)


def _sync_folder(folder: Path) -> None:
    """Lets a new name outlive a power cut, on systems that can sync a folder."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_temporaries(folder: Path) -> None:
    """Removes what `atomic_file` had half written under a folder when a process was killed."""
    for left in folder.rglob(".*"):
        if TEMPORARY.fullmatch(left.name):
            with contextlib.suppress(OSError):
                left.unlink()


def remove_stale(path: Path) -> None:
    """Removes what `atomic_file` had half written for a file when a process was killed, if that was over a day ago."""
    begin = f".{path.name}."
    with contextlib.suppress(OSError):
        for left in path.parent.iterdir():
            is_ours = left.name.startswith(begin) and _ENDING.fullmatch(left.name, len(begin))
            if is_ours and time.time() - left.stat().st_mtime > STALE_S:
                left.unlink()


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Writes an object, readable by a person; its last key, `sha256`, is the digest of all bytes before its value."""
    rest = {key: value for key, value in values.items() if key != "sha256"}
    text = json.dumps({**rest, "sha256": ""}, ensure_ascii=False, indent=1)
    # Lone surrogates, as in the name of a file that is not UTF-8, cannot be encoded; backslashed they are JSON.
    head = text.removesuffix(END).encode("utf-8", "backslashreplace")
    write_atomically(path, head + hashlib.sha256(head).hexdigest().encode() + END.encode() + b"\n")


def read_json(path: Path) -> dict[str, Any]:
    """Reads what `write_json` wrote.

    Raises:
        RunError: the file is missing, is no JSON object, or its checksum does not fit.
    """
    data = _read_bytes(path, MOST_JSON_BYTES)
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {error}; restore it from a copy or train again") from None
    if not isinstance(values, dict):
        raise RunError(f"{path} is damaged: expected a JSON object, found {type(values).__name__}")
    version = values.get("format_version", FORMAT_VERSION)
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise RunError(
            f"{path} has format version {version}, this textrnn reads {FORMAT_VERSION}: install a newer textrnn"
        )
    head, digest, end = data[:-68], data[-68:-4], data[-4:]
    fits = digest == hashlib.sha256(head).hexdigest().encode() and end == END.encode() + b"\n"
    if not fits or values.get("sha256") != digest.decode() or version not in range(1, FORMAT_VERSION + 1):
        raise RunError(f"{path} is damaged: its content does not fit its checksum; restore it or train again")
    return values


def _read_bytes(path: Path, most: int | None = None) -> bytes:
    if not os.path.isfile(path):  # a pipe or a device would never end
        raise RunError(f"{path} is missing: the run is incomplete; restore it from a copy or train again")
    if most is not None and path.stat().st_size > most:
        raise RunError(f"{path} has {path.stat().st_size:,} bytes, expected {most:,} at most: it is damaged")
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from None


def _weights_digest(weights: Weights, metadata: Mapping[str, str]) -> str:
    import numpy as np

    digest = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(weights):
        array = np.asarray(weights[name], order="C")
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.view(np.uint8).data if array.size and array.ndim else array.tobytes())
    return digest.hexdigest()


def write_weights(path: Path, weights: Weights, metadata: Mapping[str, str] | None = None) -> None:
    """Writes named arrays as safetensors, with a checksum over names, shapes, values and metadata."""
    import numpy as np
    from safetensors.numpy import save

    metadata = dict(metadata or {})
    # Not ascontiguousarray, which turns a scalar, such as a step count, into an array of one dimension.
    arrays = {name: np.asarray(array, order="C") for name, array in weights.items()}
    data = save(arrays, {**metadata, "sha256": _weights_digest(arrays, metadata)})
    write_atomically(path, _with_sorted_metadata(data))


def _with_sorted_metadata(data: bytes) -> bytes:
    """A safetensors file whose metadata are in order: safetensors writes them in another one in each process."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the format wants the arrays to begin at a multiple of eight
    return len(text).to_bytes(8, "little") + text + data[end:]


def read_weights(path: Path) -> tuple[Weights, dict[str, str]]:
    """Reads what `write_weights` wrote: the arrays and the metadata.

    Raises:
        RunError: the file is missing, truncated or altered.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = _read_bytes(path)
    try:
        weights = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = dict(header.get("__metadata__") or {})
    except (SafetensorError, ValueError, KeyError, OverflowError) as error:
        raise RunError(f"{path} is damaged: {error}; restore it from a copy or train again") from None
    if metadata.pop("sha256", None) != _weights_digest(weights, metadata):
        raise RunError(f"{path} is damaged: its weights do not fit their checksum; restore it or train again")
    return weights, metadata


def weights_checksum(path: Path) -> str:
    """The checksum that `write_weights` put into a file; raises RunError where there is none."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return str(header["__metadata__"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError):
        raise RunError(f"{path} is damaged: it has no checksum; restore it from a copy or train again") from None
