"""The exception tree: every error that a user can cause is a `TextRNNError`.

    TextRNNError
    ├── ConfigError      an option is out of range, unknown or at odds with another   (exit code 2)
    ├── DataError        a corpus or other input file cannot be used                  (exit code 1)
    ├── TokenizerError   a vocabulary cannot be built or read                         (exit code 1)
    └── RunError         a saved run is missing, damaged, in use or of another kind   (exit code 1)

A message says what happened with the values seen, what was expected, and what to do.
"""

import sys


class TextRNNError(Exception):
    """Base of all errors raised on purpose; the command line prints its message as one line."""

    exit_code = 1


class ConfigError(TextRNNError):
    """An option is out of range, unknown, or at odds with another one."""

    exit_code = 2


class DataError(TextRNNError):
    """A corpus or another input cannot be used."""


class TokenizerError(TextRNNError):
    """A vocabulary cannot be built, read or applied."""


class RunError(TextRNNError):
    """A saved run is missing, damaged, in use, or of another kind."""


def warn(line: str) -> None:
    """Shows a warning on standard error."""
    print(f"warning: {line}", file=sys.stderr)
