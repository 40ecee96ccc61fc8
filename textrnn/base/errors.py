"""The exception tree: every error that a user can cause is a `TextRNNError`.

    TextRNNError
    ├── ConfigError      an option is out of range, unknown or at odds with another   (exit code 2)
    ├── DataError        a corpus or other input file cannot be used                  (exit code 1)
    ├── TokenizerError   a vocabulary cannot be built or read                         (exit code 1)
    └── RunError         a saved run is missing, damaged, in use or of another kind   (exit code 1)

A message says what happened with the values seen, what was expected, and what to do.
"""

import functools
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar


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


F = TypeVar("F", bound=Callable[..., Any])
# Keywords of Python that are not the names of their flags.
KEYWORDS = {
    "time": "time_s",
    "save-every": "save_every_s",
    "weight": "weights",
    "stop": "stops",
    "from": "from_run",
    "folds": "num_folds",
    "errors": "num_errors",
    "validation-file": "validation",
}
FLAG = re.compile(r"('textrnn .*?'(?=\W|$))|--([a-z][a-z-]*)")  # commands are left as they are


def in_keywords(message: str, names: Mapping[str, str] = KEYWORDS) -> str:
    """A message with the keywords of another interface in the place of flags.

    Args:
        message: as the command line says it.
        names: the keyword of each flag that has not its own name; by default those of Python.

    Example:
        >>> in_keywords("--time is '10s': leave out --top-k, or see 'textrnn train --help'")
        "time_s is '10s': leave out top_k, or see 'textrnn train --help'"
    """
    return FLAG.sub(
        lambda found: found[1] or names.get(found[2], found[2].replace("-", "_")),
        message,
    )


def for_python(function: F) -> F:
    """A function whose errors speak of keywords, for callers in Python; the command line calls what is below it."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TextRNNError as error:
            error.args = (in_keywords(str(error)),)
            raise

    return called  # type: ignore[return-value]


def warn(line: str) -> None:
    """Shows a warning on standard error."""
    print(f"warning: {line}", file=sys.stderr)
