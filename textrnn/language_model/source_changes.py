"""Files that are not what a run learnt from any more: which they are, how they changed, and what can be done."""

from __future__ import annotations

import contextlib
import hashlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textrnn.base.errors import DataError
from textrnn.base.run import models_dir_flag
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.given import GIVEN
from textrnn.text.reader import BLOCK_BYTES, Source

KEYS = ("files", "validation_files")
MOST_LISTED = 3
COPIED = {"standard input": STANDARD_INPUT, GIVEN: "CORPUS"}  # what to write in the place of a copy of these


def check_same_text(details: Mapping[str, Any], sources: Sequence[Source], held: Sequence[Source], path: Path) -> None:
    """Compares the files that were named with those that a run learnt from; none need be named.

    Args:
        details: of the run.
        sources: the corpus that was named.
        held: the validation files that were.
        path: the folder of the run.

    Raises:
        DataError: they are others; its line says how, and what can be done.
    """
    for given, key in zip((sources, held), KEYS, strict=True):
        known = details["corpus"][key]
        if given and [source.sha256 for source in given] != [file["sha256"] for file in known]:
            files = [COPIED.get(source.name, source.path) for source in sources]
            raise DataError(f"{_difference(known, given, path)}: {_ways_on(path, files)}")


def changed_since(details: Mapping[str, Any], path: Path) -> str:
    """What became of the files that a run learnt from, where they are still found: a line, or "" if nothing did.

    A run knows the names of its files and the command that made it. They are looked for where that command names them,
    seen from the current folder, or else in the current folder. A file is read only if its size tells nothing.
    """
    words = shlex.split(details["command"])
    found = dict[str, str]()
    for file in (file for key in KEYS for file in details["corpus"][key]):
        named = [word for word in words if Path(word).name == file["name"]]
        place = next(filter(Path.is_file, map(Path, [*named, file["name"]])), None)
        with contextlib.suppress(OSError):  # it says nothing of a text that is not needed here
            if place is not None and (how := _how(place, file)):
                found[str(place)] = f"{place} {how}"
    if not found:
        return ""
    return f"{', '.join(found.values())} since {path} learnt from it: {_ways_on(path, list(found))}"


def _how(path: Path, file: Mapping[str, Any]) -> str:
    """How a file differs from the one that is known of; "" if it does not.

    Raises:
        OSError: it cannot be read.
    """
    before, now = file["bytes"], path.stat().st_size
    begins_alike = now >= before and _sha256(path, before) == file["sha256"]
    if begins_alike and now == before:
        return ""
    return f"has {'grown' if begins_alike else 'changed'} ({before:,} bytes then, {now:,} now)"


def _sha256(path: Path, num_bytes: int) -> str:
    """Hexadecimal digest of the first bytes of a file, read in blocks."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while num_bytes and (block := stream.read(min(BLOCK_BYTES, num_bytes))):
            digest.update(block)
            num_bytes -= len(block)
    return digest.hexdigest()


def _difference(known: Sequence[Mapping[str, Any]], given: Sequence[Source], path: Path) -> str:
    """How files that were named differ from those that a run learnt from."""
    found = [(source.name, _how(Path(source.path), file)) for file, source in zip(known, given, strict=False)]
    grown = [f"{name} {how}" for name, how in found if how.startswith("has grown")]
    if len(known) == len(given) and len(grown) == sum(how != "" for _, how in found):
        return f"{', '.join(grown)} since {path} learnt from it"
    before = _listed([(file["name"], file["bytes"]) for file in known])
    now = _listed([(source.name, source.num_bytes) for source in given])
    return f"{path} was trained on other text ({before} then, {now} now; the SHA-256 differs)"


def _listed(files: Sequence[tuple[str, int]]) -> str:
    """Names and sizes of some files, the first few by name."""
    listed = [f"{name} with {num_bytes:,} bytes" for name, num_bytes in files[:MOST_LISTED]]
    more = [f"{len(files) - MOST_LISTED} more"] if len(files) > MOST_LISTED else []
    return ", ".join([*listed, *more]) or "no file"


def _ways_on(path: Path, files: Sequence[str]) -> str:
    """What can be done with a run and files that it did not learn from."""
    named = shlex.quote(path.name) + models_dir_flag(path)
    corpus = (shlex.join(files[:MOST_LISTED]) or "CORPUS") + " ..." * (len(files) > MOST_LISTED)
    return (
        f"'textrnn train --resume {named}' goes on with the text that is stored in the run, "
        f"'textrnn train {corpus} --from {named}' begins a new run on the new text with these weights"
    )
