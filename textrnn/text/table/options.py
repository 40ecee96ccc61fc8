"""What the user says about a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class TableOptions:
    """What the user says about a table; None is to be found out."""

    delimiter: str | None = None  # see `textrnn.text.table.dialect.parse_delimiter`
    # Name of the column with the texts, a path such as `review.body` in JSON, or a number from 1; several are joined.
    text_column: str | Sequence[str] | None = None
    label_column: str | Sequence[str] | None = None  # several hold yes or no, each for the label that it is named for
    encoding: str | None = None  # name of a Python codec
    header: bool | None = None  # whether the first record names the columns
    quotes: bool | None = None  # whether cells can be in quotes; if not, quotes are text
    sheet: str | None = None  # name of a sheet of Excel, or its number from 1
    all_rows: bool = False  # whether each line below the first is a row: also a repeated header, a ruler, a total
    strict_encoding: bool = False  # whether to refuse bytes that cannot be decoded, and a guess
    keep_labels: tuple[str, ...] = ()  # labels as they are written, though they look missing or like another one
    missing_labels: tuple[str, ...] = ()  # what stands where there is no label
    side_columns: tuple[tuple[str, str], ...] = ()  # those that hold neither texts nor labels, each with its flag
    usual_text: str | Sequence[str] | None = None  # names of the columns that have the texts, if there are such
    usual_label: str | Sequence[str] | None = None

    def like(self, text: str | Sequence[str] | None, label: str | Sequence[str] | None) -> TableOptions:
        """The same for a table that goes with another one, whose columns have these names."""
        return replace(self, usual_text=text, usual_label=label)
