"""Pages as HTML: templates that escape every value, with style and script inside, and nothing fetched from anywhere."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from textrnn.base.errors import TextRNNError
from textrnn.base.files import write_atomically
from textrnn.report.layout import decimals, num_columns, percent

if TYPE_CHECKING:
    from jinja2 import Environment

NO_JINJA = "pages are made with Jinja2, which is not installed: pip install Jinja2"
# Control characters and lone surrogates have no place in HTML; the last two of each plane are no characters.
UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef]|["
    + "".join(chr(plane + end) for plane in range(0, 0x110000, 0x10000) for end in (0xFFFE, 0xFFFF))
    + "]"
)
LANGUAGES = {
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af]"),
    "zh": re.compile("[\u3400-\u9fff]"),
}


class Span(NamedTuple):
    """A part of a text in a page.

    Attributes:
        text: as written.
        kind: the class of its colour, if it has one.
        title: what is shown when the pointer rests on it; None if the part is not marked.
    """

    text: str
    kind: str | None = None
    title: str | None = None


def check_pages() -> None:
    """Raises TextRNNError if pages cannot be made: to be called before long work that ends with one."""
    if not _has_jinja():
        raise TextRNNError(NO_JINJA)


def _has_jinja() -> bool:
    try:
        import jinja2  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def write_page(place: Path, page: Callable[[], str], warn: Callable[[str], None]) -> str | None:
    """Writes a page that is not all there is to a result.

    Args:
        place: its path.
        page: makes it.
        warn: is called with a line if Jinja2 is not installed.

    Returns:
        the path; None if Jinja2 is not installed, and then nothing is written.
    """
    if not _has_jinja():
        warn(f"{place} is left out: {NO_JINJA}")
        return None
    write_atomically(place, page().encode())
    return str(place)


def render(template: str, **values: Any) -> str:
    """Makes a page from a template in the folder `templates`.

    Args:
        template: the name of its file.
        values: what the template shows. Every string is escaped.

    Returns:
        HTML, to be written as UTF-8. Line ends become `\\n`, and characters that HTML cannot hold become `\ufffd`.

    Raises:
        TextRNNError: Jinja2 is not installed.
    """
    page = _environment().get_template(template).render(**values)
    return UNFIT.sub("\ufffd", page.replace("\r\n", "\n").replace("\r", "\n"))


@functools.cache
def _environment() -> Environment:
    check_pages()
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("textrnn.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "decimals": decimals,
        "language": language_of,
        "num_columns": num_columns,
        "percent": percent,
        "sha256": lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode(),
        "thousands": "{:,}".format,
        "unbroken": lambda text: re.sub("(?<=[=<]) | (?=[%=<])", "\N{NO-BREAK SPACE}", text),
    }
    return environment


def language_of(text: str) -> str | None:
    """The language whose glyphs a text needs: `ja`, `ko` or `zh`; None for all others.

    Example:
        >>> language_of("\u597d & bad"), language_of("good")
        ('zh', None)
    """
    return next((language for language, chars in LANGUAGES.items() if chars.search(text)), None)
