"""Options of texts that consist of documents, each with a start and an end and perhaps a condition."""

from __future__ import annotations

from dataclasses import dataclass

from textrnn.base.config import TEXT, Checked, option
from textrnn.base.errors import ConfigError


@dataclass(frozen=True)
class DocumentConfig(Checked):
    """What the documents of a corpus are; without any of these options, a corpus is one running text."""

    section = TEXT

    text_column: str | None = option(
        None,
        "The corpus is a table (CSV, TSV, JSON lines, ...), and each text in this column, a name or a number from 1, "
        "is a document.",
    )
    condition: str | None = option(
        None,
        "Column of the table with the condition of each text, such as its label: the network learns what texts are "
        "like in each condition.",
        first=True,
    )
    condition_dropout: float = option(
        0.1,
        "Share of documents whose condition is hidden from the network while training, so that it learns what they "
        "have in common too; generate --guidance needs some.",
        low=0,
        high=0.95,
    )
    document_separator: str | None = option(
        None, r"The corpus is text, and what stands between two of these is a document; \n is a line end, \t a tab."
    )
    delimiter: str | None = option(
        None, "Between the cells of the table: a character, or tab, comma, semicolon, pipe, at, jsonl, lines."
    )
    header: bool | None = option(
        None, "Whether the first row of the table names the columns.", flag="--header/--no-header"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.document_separator == "":
            raise ConfigError("--document-separator is empty: expected the text that parts two documents")
        if self.document_separator is not None and self.is_table:
            raise ConfigError(
                "--document-separator parts documents in plain text, and the other options say that the corpus is a "
                "table, in which each row is one: leave out one of them"
            )

    @property
    def is_table(self) -> bool:
        """Whether the corpus is read as a table."""
        return any(value is not None for value in (self.text_column, self.condition, self.delimiter, self.header))

    @property
    def has_documents(self) -> bool:
        """Whether the corpus consists of documents at all."""
        return self.is_table or self.document_separator is not None


NO_DOCUMENTS = DocumentConfig()
