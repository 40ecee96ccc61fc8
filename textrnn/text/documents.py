"""Documents: the texts of a table or the parts of a file, with their conditions, and the ids that mark their starts.

In a stream of ids, each document stands behind an id that is no token. With a vocabulary of `end_id` tokens and
`num` conditions these are:

- `end_id`: a document begins, in the condition there is; what is predicted at the end of every document.
- `end_id + 1 + number`: a document begins in the condition of this number.
- `end_id + 1 + num`: a document begins without a condition.

As a target and as an input token, all of them are `end_id`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from textrnn.base.errors import DataError, RunError
from textrnn.base.escapes import unescape
from textrnn.text.document_options import DocumentConfig
from textrnn.text.lines import LINE_END
from textrnn.text.normalize import normalize
from textrnn.text.options import NormalizeConfig
from textrnn.text.reader import Source, pieces

MAX_DOCUMENT_CHARS = 1 << 24  # a document is held in memory
WITH_BLANK = ("word", "bpe")  # levels at which a word has the blank before it
MOST_LISTED = 12  # conditions that a line names

Warn = Callable[[str], None]


class Document(NamedTuple):
    """A normalised text, without white space around it, and its condition, if it has one."""

    text: str
    condition: str | None


@dataclass(frozen=True)
class Documents:
    """What a run knows of its documents.

    Attributes:
        end_id: the token that ends a document; the largest one of the network's vocabulary.
        train: documents to learn from.
        valid: documents held out.
        conditions: their names, in order.
        counts: documents to learn from in each of them.
    """

    end_id: int
    train: int
    valid: int
    conditions: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()

    @property
    def num_ids(self) -> int:
        """Tokens, and ids that mark the start of a document.

        Example:
            >>> Documents(5, 2, 1).num_ids, Documents(5, 2, 1, ("bad", "good"), (1, 1)).num_ids
            (6, 9)
        """
        return self.end_id + 1 + (len(self.conditions) + 1 if self.conditions else 0)

    def start_id(self, condition: str | None) -> int:
        """The id before a document.

        Example:
            >>> documents = Documents(5, 2, 1, ("bad", "good"), (1, 1))
            >>> documents.start_id("good"), documents.start_id(None), Documents(5, 2, 1).start_id(None)
            (7, 8, 5)
        """
        if not self.conditions:
            return self.end_id
        place = len(self.conditions) if condition is None else self.conditions.index(condition)
        return self.end_id + 1 + place

    def to_json(self) -> dict[str, Any]:
        """For `run.json`."""
        return dict(
            end_id=self.end_id,
            train=self.train,
            valid=self.valid,
            conditions=list(self.conditions),
            counts=list(self.counts),
        )

    @classmethod
    def from_json(cls, values: Any, end_id: int) -> Documents | None:
        """The inverse of `to_json`; None for a run without documents.

        Args:
            values: what `run.json` has.
            end_id: the size of the tokenizer's vocabulary, which it has to be.

        Raises:
            RunError: it is something else.
        """
        if values is None:
            return None
        keys = {"end_id", "train", "valid", "conditions", "counts"}
        if not isinstance(values, dict) or set(values) != keys or values["end_id"] != end_id:
            raise RunError(f"its documents are {values!r:.80}, expected those of {end_id} tokens")
        names, counts = values["conditions"], values["counts"]
        numbers = [values["train"], values["valid"], *(counts if isinstance(counts, list) else ["no list"])]
        are_numbers = all(isinstance(number, int) and number >= 0 for number in numbers)
        are_names = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
        if not are_numbers or not are_names or len(set(names)) != len(names) or len(counts) != len(names):
            raise RunError(f"its conditions are {names!r:.80} with counts {counts!r:.80}")
        if names and not sum(counts):
            raise RunError(f"its conditions have no documents: {counts!r:.80}")
        return cls(end_id, values["train"], values["valid"], tuple(names), tuple(counts))


def spelled(text: str, level: str) -> str:
    """A document as it is cut into tokens: its first word too has the blank that all others have.

    Example:
        >>> spelled("the end", "word"), spelled("the end", "char")
        (' the end', 'the end')
    """
    return " " + text if level in WITH_BLANK else text


def read_documents(
    sources: Sequence[Source], config: DocumentConfig, normalization: NormalizeConfig, warn: Warn = lambda line: None
) -> Iterator[Document]:
    """The documents of some files, in order; those without text are left out.

    Args:
        sources: the files; the end of a file ends a document.
        config: how documents are told apart.
        normalization: the preprocessing.
        warn: told what is wrong with a table, in a line.

    Raises:
        DataError: a file is no such table, or a document is too long.
    """
    for source in sources:
        separator = unescape(config.document_separator or "")
        found = _rows(source, config, warn) if config.is_table else _parts(source, separator)
        for text, condition in found:
            if document := normalize(text, normalization).strip():
                yield Document(document, condition)


def _rows(source: Source, config: DocumentConfig, warn: Warn) -> Iterator[tuple[str, str | None]]:
    from textrnn.text.table.table import TableOptions, open_table  # much to import for who only writes a text

    wants = config.condition is not None
    options = TableOptions(config.delimiter, config.text_column, config.condition, source.encoding, config.header)
    try:
        with open_table(source.place, options, needs_label=wants) as table:
            for row in table.rows():
                yield row.text, normalize(row.label, NormalizeConfig()) if wants and row.label is not None else None
            for line in [*table.warnings, *filter(None, [table.summary()])]:
                warn(_plain(line, source))
    except DataError as error:
        raise DataError(_plain(str(error), source)) from None


def _plain(message: str, source: Source) -> str:
    """A message about a table in the words of this command; a copy of a pipe has no name that anybody knows."""
    return message.replace(source.place, source.name).replace("--label-column", "--condition")


def _parts(source: Source, separator: str) -> Iterator[tuple[str, None]]:
    """What stands between two separators; line ends may be of any kind."""
    pattern = re.compile(LINE_END.join(map(re.escape, separator.split("\n"))))
    rest, searched = "", 0
    for piece in pieces(source):
        rest += piece
        begin = 0
        for match in pattern.finditer(rest, searched):
            yield rest[begin : match.start()], None
            begin = match.end()
        rest = rest[begin:]
        searched = max(0, len(rest) - 2 * len(separator))
        if len(rest) > MAX_DOCUMENT_CHARS:
            raise DataError(
                f"{source.name} has a document of more than {MAX_DOCUMENT_CHARS:,} characters: is "
                f"--document-separator {separator!r:.60} what parts its documents?"
            )
    yield rest, None


def in_order(condition: str) -> tuple[float, str]:
    """The key that sorts conditions: numbers by their size, then everything else."""
    try:
        number = float(condition)
    except ValueError:
        return float("inf"), condition
    return (number, condition) if number == number else (float("inf"), condition)


def describe_documents(documents: Documents, column: str | None) -> str:
    """The documents of a corpus in a line.

    Example:
        >>> describe_documents(Documents(5, 4, 1, ("bad", "good"), (3, 1)), "label")
        'documents: 4 to learn from, 1 held out; conditions of label: bad (3), good (1)'
    """
    words = f"documents: {documents.train:,} to learn from, {documents.valid:,} held out"
    if not documents.conditions:
        return words
    pairs = list(zip(documents.conditions, documents.counts, strict=True))
    listed = ", ".join(f"{name:.40} ({count:,})" for name, count in pairs[:MOST_LISTED])
    more = f" and {len(pairs) - MOST_LISTED} more" if len(pairs) > MOST_LISTED else ""
    return f"{words}; conditions of {column}: {listed}{more}"
