"""The table of labels that are most surely wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError
from textrnn.base.files import write_atomically
from textrnn.classifier.label_kind import NUMBERS, SEVERAL
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.table.forms import output_codec
from textrnn.text.table.joined import JoinedTable
from textrnn.text.table.other_forms import delimited
from textrnn.text.table.table import Table

SURE = ("confidence", "label_probability")
OF_KIND = {SEVERAL: ("worst", "status", *SURE), NUMBERS: ("difference", "half_width")}
SUFFIX = ".errors.csv"


def errors_place(paths: Sequence[str], *, overwrite: bool) -> Path:
    """Where the table of likely errors goes, looked at before anything is learnt: beside the first table.

    Raises:
        ConfigError: something is there already, or the table is standard input.

    Example:
        >>> errors_place(["data/reviews.csv.gz"], overwrite=True).as_posix()
        'data/reviews.errors.csv'
    """
    if paths[0] == STANDARD_INPUT:
        raise ConfigError("--errors writes a table beside the one that is read, which is no file here: name a file")
    table = Path(os.path.normpath(paths[0]))
    name = table.name.removesuffix(".gz")
    place = table.with_name((name if table.is_dir() else Path(name).stem) + SUFFIX)
    if place.exists() and not overwrite:
        raise ConfigError(f"{place} exists: replace it with --overwrite, or move it away")
    return place


def write_errors(place: Path, found: Mapping[str, Any], table: Table, task: str) -> int:
    """Writes the rows whose labels are most surely wrong, surest first.

    Args:
        place: the file.
        found: see `textrnn.classifier.findings.suspected_labels`.
        table: that they are of, in whose encoding they are written.
        task: the kind of labels.

    Returns:
        how many rows that are.
    """
    rows = found["listed"]
    if isinstance(table, JoinedTable):
        table.locate_rows(rows)
    left_out = {"file": not isinstance(table, JoinedTable), "line": not table.has_lines}
    columns = ("file", "row", "line", "label", "suggested", *OF_KIND.get(task, SURE), "text")
    heads, form = [name for name in columns if not left_out.get(name)], ".6g" if task == NUMBERS else ".4f"
    lines = [delimited(heads, ",")]
    for one in rows:
        values = {name: f"{value:{form}}" if isinstance(value, float) else value for name, value in one.items()}
        values["suggested"] = one["predicted"]
        lines.append(delimited([values.get(name, "") for name in heads], ","))
    codec, bom = output_codec(table, heads, None)
    write_atomically(
        place, ("\ufeff" * bom + "".join(lines)).encode(codec, "surrogatepass" if codec == "utf-8" else "replace")
    )
    return len(rows)
