"""Labels in several columns: each says yes or no to the label that it is named for, or holds one of those of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textrnn.base.errors import DataError
from textrnn.text.table.column_facts import ColumnFacts
from textrnn.text.table.column_names import alike_but_for_numbers, speaks_against
from textrnn.text.table.name_words import OPINIONS

YES = frozenset(
    {"1", "1.0", "true", "t", "yes", "y", "x", "checked", "selected", "✓", "✔", "✔️", "√", "☑", "○", "是", "有"}
)
YES |= {"ja", "wahr", "oui", "vrai", "sí", "si", "verdadero", "sim", "да"}
NO = frozenset({"0", "0.0", "false", "f", "no", "n", "-", "unchecked", "not selected", "×", "✗", "☐", "否", "无"})
NO |= {"nein", "falsch", "non", "faux", "falso", "não", "нет"}
NOTHING = frozenset({"na", "n/a", "nan", "none", "null", "-"})  # of cells that say that there is no further label
_BETWEEN = (";", "|", "/", "\t")  # signs of which one stands between the labels of a row
FEWEST = 3  # columns of yes and no that are taken for labels without being named


def is_yes_or_no(facts: ColumnFacts) -> bool:
    """Whether a column holds both yes and no, and nothing else."""
    found = {value.casefold() for value in facts.counts}
    return bool(found & YES) and bool(found & NO) and found <= YES | NO


def yes_or_no_columns(names: Sequence[str], facts: Sequence[ColumnFacts], columns: Sequence[int]) -> list[int]:
    """Those of some columns that hold yes and no; no may be blank where no other column has a few values.

    Args:
        names: of all columns.
        facts: of all columns.
        columns: of which some may be labels.
    """
    found = [column for column in columns if is_yes_or_no(facts[column])]
    marked = [column for column in columns if _is_yes_or_blank(facts[column])]
    others = [c for c in columns if c not in marked and facts[c].is_few and not speaks_against(names[c])]
    return found if others else marked


def _is_yes_or_blank(facts: ColumnFacts) -> bool:
    found = {value.casefold() for value in facts.counts}
    return bool(found) and found <= YES and facts.filled < facts.num_rows


def says_no(facts: ColumnFacts) -> bool:
    """Whether a column holds no alone, in words or as False: a column of zeros may be of anything."""
    found = {value.casefold() for value in facts.counts}
    return bool(found) and found <= NO - {"0", "0.0", "-"}


@dataclass(frozen=True)
class OneHot:
    """How a row's labels are read.

    Attributes:
        columns: their indexes.
        names: the label that each stands for.
        blank_is_no: whether a row that is blank in all columns has none of the labels, and is not without a label.

    Example:
        >>> one_hot = OneHot((1, 2), ["art", "food"])
        >>> [one_hot.label(cells, "a.csv") for cells in (["x", "1", "1"], ["x", "0", ""], ["x", "", ""])]
        ['art; food', ';', '']
    """

    columns: tuple[int, ...]
    names: Sequence[str]
    blank_is_no: bool = False

    @property
    def separator(self) -> str:
        """Between several labels of a row: what is in none of them."""
        return next(sign for sign in _BETWEEN if not any(sign in name for name in self.names))

    def label(self, cells: Sequence[str], table: str) -> str:
        """The labels of a row with their separator between them; that alone for none, and nothing for no label.

        Raises:
            DataError: there is something else than yes or no in one of the columns.
        """
        found, filled = list[str](), self.blank_is_no
        for column, name in zip(self.columns, self.names, strict=True):
            cell = cells[column].strip().casefold()
            filled = filled or bool(cell)
            if cell in YES:
                found.append(name)
            elif cell and cell not in NO:
                raise DataError(
                    f"{table} has {cells[column].strip()!r:.40} in column {name!r:.60}: of several columns of labels, "
                    "each holds 1 and 0, or yes and no; name one column of labels with --label-column"
                )
        return f"{self.separator} ".join(found) if found else self.separator * filled


@dataclass(frozen=True)
class Numbered:
    """How a row's labels are read from columns such as `label1` and `label2`, of which each holds one, or nothing.

    Attributes:
        columns: their indexes.
        separator: between several labels of a row: what is in none of them.
        blank_is_no: False: a row that is blank in all columns is without a label.

    Example:
        >>> numbered = Numbered((1, 2), ";")
        >>> [numbered.label(cells, "a.csv") for cells in (["x", "art", "food"], ["x", "art", ""], ["x", "", ""])]
        ['art; food', 'art', '']
    """

    columns: tuple[int, ...]
    separator: str
    blank_is_no: bool = False

    def label(self, cells: Sequence[str], table: str) -> str:
        """The labels of a row with their separator between them."""
        found = (cells[column].strip() for column in self.columns)
        return f"{self.separator} ".join(
            dict.fromkeys(cell for cell in found if cell and cell.casefold() not in NOTHING)
        )


def are_numbered(names: Sequence[str]) -> bool:
    """Whether columns are named alike but for a number.

    Example:
        >>> are_numbered(["label1", "label2"]), are_numbered(["label1", "topic2"])
        (True, False)
    """
    return len(names) > 1 and all(alike_but_for_numbers(names[0], name) for name in names[1:])


def numbered_labels(facts: Sequence[ColumnFacts], rows: Sequence[Sequence[str]], columns: Sequence[int]) -> bool:
    """Whether columns that are named alike hold several labels of a row, the first one first.

    Those behind have fewer cells, labels that stand before as well, and no label twice in a row: what two people say
    of a row has not.
    """
    filled = [facts[column].filled for column in columns]
    labels = [set(facts[column].counts) for column in columns]
    cells = [[row[column].strip() for column in columns if column < len(row) and row[column].strip()] for row in rows]
    are_fewer = filled[0] > filled[-1] > 0 and filled == sorted(filled, reverse=True)
    are_again = all(2 * len(own & labels[0]) >= len(own) for own in labels)
    are_again = are_again and 2 * len(labels[0] & set().union(*labels[1:])) >= len(labels[0])
    are_words = all(facts[column].numbers < 0.5 for column in columns)
    are_opposite = {label.casefold() for label in labels[0]} <= OPINIONS
    is_twice = any(len(set(own)) < len(own) for own in cells)
    return are_fewer and are_again and are_words and not (are_opposite or is_twice)


def are_members(names: Sequence[str]) -> bool:
    """Whether columns of these names are the members of one object in JSON.

    Example:
        >>> are_members(["cats.good", "cats.bad"]), are_members(["good", "bad"]), are_members(["a.good", "b.bad"])
        (True, False, False)
    """
    parents = {name.rpartition(".")[0] for name in names}
    return len(parents) == 1 and "" not in parents


def has_marks_alone(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> bool:
    """Whether columns hold yes and blanks alone, and most rows have a yes.

    Example:
        >>> has_marks_alone([["x", ""], ["", "x"], ["", ""]], [0, 1]), has_marks_alone([["x", "0"]], [0, 1])
        (True, False)
        >>> has_marks_alone([["x", ""], ["", ""], ["", ""]], [0, 1])
        False
    """
    found = [{row[column].strip().casefold() for column in columns if column < len(row)} - {""} for row in rows]
    return YES.issuperset(set().union(*found)) and 2 * sum(map(bool, found)) > len(rows)


def several_columns(columns: Sequence[int], header: Sequence[str], rows: Sequence[Sequence[str]]) -> OneHot | Numbered:
    """How labels are read from some columns, by the cells of some rows."""
    names = [header[column] for column in columns]
    cells = {row[column].strip() for row in rows for column in columns if column < len(row)} - {""}
    if are_numbered(names) and not {cell.casefold() for cell in cells} <= YES | NO:
        return Numbered(tuple(columns), next(sign for sign in _BETWEEN if not any(sign in cell for cell in cells)))
    return one_hot_of(columns, header, blank_is_no=has_marks_alone(rows, columns))


def one_hot_of(columns: Sequence[int], header: Sequence[str], *, blank_is_no: bool = False) -> OneHot:
    """How labels are read from some columns: each stands for its name, or its number if it has none.

    Example:
        >>> one_hot_of((1, 2), ["text", "cats.good", "cats.bad"]).names
        ['good', 'bad']
    """
    names = [header[column].strip() or str(column + 1) for column in columns]
    if are_members(names):
        names = [name.rpartition(".")[2] for name in names]
    return OneHot(tuple(columns), names, blank_is_no)
