"""What `textrnn generate` does besides writing: it reads seeds, and formats and stores texts."""

from __future__ import annotations

import codecs
import contextlib
import itertools
import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from textrnn.base.errors import DataError
from textrnn.language_model.generation import Generated
from textrnn.text.lines import lines_of
from textrnn.text.normalize import replace_surrogates

_SURROGATES = re.compile("[\ud800-\udfff]")


def read_seeds(source: str) -> list[str]:
    """Read seeds, one a line.

    Args:
        source: a path, or `-` for standard input; UTF-8, with or without a byte order mark, line ends LF, CRLF or CR.

    Returns:
        One for each line; an empty line is an empty seed.

    Raises:
        DataError: there is no such file, it is empty, or it is not UTF-8.
    """
    name = "standard input" if source == "-" else source
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        data = data.removeprefix(codecs.BOM_UTF8)
        text = data.decode()
    except UnicodeDecodeError as error:
        line = len(lines_of(data[: error.start].decode() + "?"))
        raise DataError(f"{name} is not UTF-8 in line {line}: save it as UTF-8, one seed a line") from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read seeds from {name}: {getattr(error, 'strerror', None) or error}") from None
    if not text:
        raise DataError(f"{name} is empty: expected one seed a line; an empty line is an empty seed")
    return lines_of(text)


def as_bytes(text: str) -> str:
    """A seed for a model that reads byte by byte: each byte of it in UTF-8 as the character of its number.

    Example:
        >>> as_bytes("é") == chr(0xC3) + chr(0xA9)
        True
    """
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def format_text(generated: Generated, number: int) -> str:
    """One of several texts for people: a line with its number, then the seed and its continuation.

    Args:
        generated: the text.
        number: which text it is, from 1.

    Example:
        >>> from textrnn.language_model.generation_loop import Continuation
        >>> print(format_text(Generated("To be", Continuation(" or not", 7, "length")), 2), end="")
        -------- 2 --------
        To be or not
    """
    return f"-------- {number} --------\n" + "".join(format_stream(generated.seed, [generated.continuation.text]))


def format_stream(seed: str, pieces: Iterable[str]) -> Iterator[str]:
    """A text for people, piece by piece: the seed, its continuation, and a line end if it has none.

    Example:
        >>> list(format_stream("To be", [" or", " not"]))
        ['To be', ' or', ' not', '\\n']
    """
    last = ""
    for piece in itertools.chain([replace_surrogates(seed)], pieces):
        if piece:
            last = piece
            yield piece
    if not last.endswith("\n"):
        yield "\n"


def format_jsonl(generated: Generated, run: str) -> str:
    """A text as one line of JSON, with the path of the run that wrote it.

    Example:
        >>> from textrnn.language_model.generation_loop import Continuation
        >>> print(format_jsonl(Generated("é", Continuation("t", 1, "length", 2.5)), "models/x"), end="")
        {"seed": "é", "text": "t", "tokens": 1, "stop_reason": "length", "bits_per_char": 2.5, "run": "models/x"}
    """
    continuation = generated.continuation
    values = {
        "seed": generated.seed,
        "text": continuation.text,
        "tokens": continuation.num_tokens,
        "stop_reason": continuation.stop_reason,
        "bits_per_char": continuation.bits_per_char,
        **({} if generated.condition is None else {"condition": generated.condition}),
        "run": run,
    }
    line = json.dumps(values, ensure_ascii=False)
    # Lone surrogates, which a shell's arguments may have, stand in JSON as escapes only.
    return _SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", line) + "\n"


def write_output(pieces: Iterable[str], path: str | os.PathLike[str], encoding: str = "utf-8") -> None:
    """Write text to a file so that there is the old file or the whole new one, never a part.

    Args:
        pieces: the text, with the line ends as they are.
        path: the file; a link is followed, and what is no plain file, such as /dev/null, is written to directly.
        encoding: how it is written; what it lacks becomes a question mark.

    Raises:
        DataError: it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_output(["first seed\\n", "second", " seed\\n"], folder + "/seeds.txt")
        ...     read_seeds(folder + "/seeds.txt")
        ['first seed', 'second seed']
    """
    target = os.path.realpath(path)
    try:
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, "w", encoding=encoding, newline="", errors="replace") as file:
                file.writelines(pieces)
        else:
            _replace(target, pieces, encoding)
    except OSError as error:
        raise DataError(f"cannot write to {path}: {error.strerror or error}; choose another file with -o") from None


def _replace(target: str, pieces: Iterable[str], encoding: str) -> None:
    """Write a file beside the target, with the rights that a new file gets, and move it into place."""
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "x", encoding=encoding, newline="", errors="replace") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
