"""A folder as a table: a text a file, its label the name of the subfolder that it is in.

Or a text a line, where the names of a folder's own files are labels, such as pos.txt and neg.txt; or sports.txt and
politics.txt, if labels are wanted and each has many lines.
"""

from __future__ import annotations

import contextlib
import csv
import os
import re
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from textrnn.base.errors import DataError
from textrnn.text.encodings import BAD, REPLACEMENT
from textrnn.text.lines import lines_of
from textrnn.text.table.name_words import OPINIONS, PARTS
from textrnn.text.table.source import inspect_table, table_lines

COLUMNS = ("file", "part", "label", "text")
UNLABELLED = frozenset({"unsup", "unlabelled", "unlabeled"})  # subfolders of texts without a label
TABLES = frozenset({".csv", ".tsv", ".tab", ".psv", ".json", ".jsonl", ".ndjson", ".xlsx", ".parquet"})
MAX_NAMED = 3
# With what the names of files begin that are no texts.
_ABOUT = ("readme", "license", "licence", "desktop.ini", "thumbs.db")
FEWEST_LINES, FILLED_SHARE, MAX_CLASSES = 10, 0.9, 100  # of files that have a text a line, and how many there are


class FolderTable(NamedTuple):
    """A folder that was made a table, for as long as it is open."""

    path: str  # of a CSV file in UTF-8 with COLUMNS, but for those that are the same in all rows
    remarks: list[str]  # what was left out


class _File(NamedTuple):
    """A file of a folder: its path there, the part of a data set that it is of, if any, and the folder of its label."""

    path: str
    part: str
    label: str
    has_lines: bool = False  # whether each line is a text


@contextlib.contextmanager
def folder_as_table(folder: str, *, wants_labels: bool = True) -> Iterator[FolderTable]:
    """Reads the files of a folder's subfolders, or its own if it has no subfolders; hidden ones do not count.

    Args:
        folder: where it is.
        wants_labels: whether any names of files may be labels, and not only those that are opinions.

    Raises:
        DataError: there is no text in it.
    """
    top = _top_of(folder)
    files, names, remarks = _files_of(top, wants_labels=wants_labels)
    if top != folder:
        remarks.insert(0, f"{folder}: of it, {os.path.relpath(top, folder)} is read, which has the folders of labels")
    left_out = list[str]()
    if tables := [file.path for file in files if os.path.splitext(file.path)[1].lower() in TABLES]:
        raise DataError(f"{folder} is a folder with {_files(tables)}: expected a table; name one of them")
    with tempfile.TemporaryDirectory(prefix="textrnn-") as place:
        path = os.path.join(place, "folder.csv")
        with open(path, "w", encoding="utf-8", errors="replace", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            for one in files:
                label = "" if one.label.lower() in UNLABELLED else one.label
                try:
                    text = _text(os.path.join(top, one.path))
                except DataError:  # empty, or no text
                    left_out.append(one.path)
                    continue
                for each in filter(str.strip, lines_of(text)) if one.has_lines else [text]:
                    row = {"file": one.path, "part": one.part, "label": label, "text": each}
                    writer.writerow([row[column] for column in names])
        if len(files) == len(left_out):
            raise DataError(
                f"{folder} is a folder without texts: expected a file with a table, or a folder with a subfolder of "
                "text files for each label, such as pos and neg"
            )
        if left_out:
            remarks.append(f"{folder}: {_files(left_out)} without text left out")
        yield FolderTable(path, remarks)


def _top_of(folder: str) -> str:
    """The folder whose subfolders, or files, are labels or parts of a data set: not one that has but such a folder."""
    while True:
        inner = [entry for entry in _visible(folder) if entry.is_dir()]
        if len(inner) != 1 or inner[0].name.casefold() in PARTS | OPINIONS:
            return folder
        within = _visible(inner[0].path)
        if sum(entry.is_dir() for entry in within) < 2 and not (
            within and all(label_of(entry.name) for entry in within)
        ):
            return folder
        folder = inner[0].path


def _files_of(folder: str, *, wants_labels: bool) -> tuple[list[_File], tuple[str, ...], list[str]]:
    """The files of a folder, the columns that its table has, and what was left out."""
    own = sorted(entry.name for entry in _visible(folder) if entry.is_file())
    subfolders = sorted(entry.name for entry in _visible(folder) if entry.is_dir())
    remarks = list[str]()
    paths = [
        os.path.relpath(os.path.join(root, name), folder)
        for subfolder in subfolders
        for root, _, names in sorted(os.walk(os.path.join(folder, subfolder)))
        for name in sorted(names)
        if not name.startswith(".")
    ]
    pairs = [(path, path.split(os.sep)) for path in paths]
    names: tuple[str, ...] = ("file", "label", "text")
    # As in train/pos/1.txt, where subfolders are parts of a data set and those within them the labels.
    if all(_is_part(subfolder) for subfolder in subfolders) and any(len(head) > 2 for _, head in pairs):
        files, names = [_File(path, head[0], head[1]) for path, head in pairs if len(head) > 2], COLUMNS
        own += [path for path, head in pairs if len(head) < 3]
        found = " and ".join(sorted({file.part for file in files}))
        remarks.append(
            f"{folder}: {found} are parts of a data set, and the folders in them are the labels; --split-column part "
            "keeps the parts apart"
        )
    else:
        files = [_File(path, "", head[0]) for path, head in pairs]
    told = {name: label_of(name) for name in own if not _is_about(name)}
    if wants_labels and not files and not any(told.values()) and _are_classes(folder, [*told]):
        told = {name: os.path.splitext(name)[0] for name in told}
    if not files and all(told.values()) and len(set(told.values())) > 1:
        files = [_File(name, "", label, has_lines=True) for name, label in told.items()]
        remarks.append(f"{folder}: each line is a text, its label is told by the name of its file: {_files([*told])}")
        if others := [name for name in own if name not in told]:
            remarks.append(f"{folder}: {_files(others)} left out")
    elif not files:
        files, names = [_File(name, "", "") for name in own], ("file", "text")
    elif own:
        remarks.append(f"{folder}: {_files(own)} beside the subfolders left out")
    return files, names, remarks


def _is_about(name: str) -> bool:
    """Whether a file tells of the others, by its name."""
    return name.casefold().startswith(_ABOUT)


def _is_part(name: str) -> bool:
    """Whether a folder is a part of a data set by a word of its name, as `20news-bydate-train` is."""
    return not PARTS.isdisjoint(re.split(r"[-_ .]", name.casefold()))


def _are_classes(folder: str, names: list[str]) -> bool:
    """Whether some files have many lines each, and names as classes do: without digits, and no part of a data set."""
    stems = {os.path.splitext(name)[0].casefold() for name in names}
    if len(names) > MAX_CLASSES or stems & PARTS or any(map(re.compile(r"\d").search, stems)):
        return False
    return all(_has_many_lines(os.path.join(folder, name)) for name in names)


def _has_many_lines(path: str) -> bool:
    """Whether a file has many lines, hardly one of them blank, and no columns."""
    try:
        text = _text(path)
    except DataError:
        return False
    lines = lines_of(text)
    filled = sum(bool(line.strip()) for line in lines)
    return filled >= max(FEWEST_LINES, FILLED_SHARE * len(lines)) and "\t" not in text


def label_of(name: str) -> str:
    """The label that the name of a file tells of all lines in it; "" if it tells none.

    Example:
        >>> label_of("neg.txt"), label_of("rt-polarity.pos"), label_of("reviews_Positive.txt"), label_of("notes.txt")
        ('neg', 'pos', 'Positive', '')
    """
    words = re.split(r"[-_ .]", name)
    return next((word for word in reversed(words) if word.casefold() in OPINIONS), "")


def _visible(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror or error}") from None


def _text(path: str) -> str:
    """All of a file, in its own encoding."""
    encoding = inspect_table(path, path)
    return "".join(table_lines(path, path, encoding)).replace(BAD, REPLACEMENT).rstrip("\r\n")


def _files(names: list[str]) -> str:
    shown = ", ".join(names[:MAX_NAMED]) + ", ..." * (len(names) > MAX_NAMED)
    return f"{len(names):,} file{'s' * (len(names) != 1)} ({shown})"
