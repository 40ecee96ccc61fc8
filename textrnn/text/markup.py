"""The text of web pages and EPUB books, taken out by Beautiful Soup, which is an extra: `pip install 'textrnn[html]'`.

An EPUB is a zip archive of pages: `META-INF/container.xml` names a list of its files and their order.
"""

from __future__ import annotations

import importlib.util
import logging
import posixpath
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import unquote

from textrnn.base.errors import DataError
from textrnn.base.install import pip_install
from textrnn.text.encodings import NoTextError

SUFFIXES = (".html", ".htm", ".xhtml")
CONTAINER, PAGE = "META-INF/container.xml", "application/xhtml+xml"
MOST_BYTES = 1 << 28  # of what is in an archive, unpacked: a book is held in memory
_NO_TEXT = ("head", "title", "script", "style", "template", "noscript", "svg", "math")
_BLOCKS = (
    *("address", "article", "aside", "blockquote", "caption", "dd", "div", "dl", "dt", "figcaption", "figure"),
    *("footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre"),
    *("section", "table", "tr", "ul"),
)
_BLANKS, _LINES = re.compile(r"[ \t\r\n\f]+"), re.compile(r" *\n *")


def text_of(stream: BinaryIO, path: str, encoding: str | None = None) -> tuple[str | None, str]:
    """The text of a web page or an EPUB book, and a note of that, to be said behind its name.

    Args:
        stream: the file, at its begin before and after.
        path: its name: pages are told by their suffix.
        encoding: of a page; None if it tells.

    Returns:
        None for any other file, and for a page that is to be read with its tags, as nothing can take its text out.

    Raises:
        NoTextError: it is a book, and nothing can take its text out.
        DataError: it is a book, and damaged.
    """
    is_book, is_page = is_epub(stream.read(64)), path.lower().endswith(SUFFIXES)
    stream.seek(0)
    if not (is_book or is_page):
        return None, ""
    if importlib.util.find_spec("bs4") is None:
        if is_book:
            raise NoTextError(path, "is an EPUB book", f"{pip_install('html')} has what takes its text out")
        return None, f"is read with its tags: {pip_install('html')} has what takes its text out"
    text = "\n".join(texts_of_epub(stream, path)) if is_book else text_of_page(stream.read(), encoding)
    stream.seek(0)
    return text, f"is {'an EPUB book' if is_book else 'a web page'}, whose text alone is read (--keep-tags)"


def is_epub(head: bytes) -> bool:
    """Whether a file begins as an EPUB book does: with a file that names its type, which is not packed."""
    return head[:4] == b"PK\x03\x04" and head[30:58] == b"mimetypeapplication/epub+zip"


def text_of_page(page: bytes, encoding: str | None = None) -> str:
    """The text of a web page: a block of it in each line, blank lines between paragraphs.

    Args:
        page: its bytes.
        encoding: of these; None if the page tells.
    """
    from bs4 import NavigableString

    soup = _soup(page, encoding)
    for element in soup(_NO_TEXT):
        element.decompose()
    for string in list(soup.find_all(string=True)):
        if type(string) is NavigableString and string.find_parent("pre") is None:  # others are comments and the like
            string.replace_with(_BLANKS.sub(" ", string))
    for element in soup("br"):
        element.replace_with("\n")
    for element in soup(_BLOCKS):
        end = "\n\n" if element.name == "p" else "\n"
        element.insert_before("\n")
        element.append(end)
    lines = _LINES.sub("\n", soup.get_text())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


def texts_of_epub(stream: BinaryIO, label: str) -> Iterator[str]:
    """The texts of the pages of an EPUB, in their order.

    Raises:
        DataError: it is damaged, encrypted, or too large.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            if sum(file.file_size for file in archive.infolist()) > MOST_BYTES:
                raise DataError(f"{label} has more than {MOST_BYTES:,} bytes in it: expected a book")
            for name in _pages(archive):
                yield text_of_page(archive.read(name))
    except (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError, EOFError, TypeError) as error:
        raise DataError(f"{label} is no whole EPUB book: {error!s:.120}") from None


def _pages(archive: zipfile.ZipFile) -> list[str]:
    """The names of the pages of a book in their order; KeyError or TypeError where the list is damaged."""
    place = _soup(archive.read(CONTAINER)).find("rootfile")["full-path"]
    listed = _soup(archive.read(place))
    items = {item["id"]: item for item in listed.find_all(re.compile(r"^(opf:)?item$"))}
    found = [items[each["idref"]] for each in listed.find_all(re.compile(r"^(opf:)?itemref$"))]
    pages = [item["href"] for item in found if item.get("media-type") == PAGE and item.get("properties") != "nav"]
    return [posixpath.normpath(posixpath.join(posixpath.dirname(place), unquote(href))) for href in pages]


def _soup(page: bytes, encoding: str | None = None) -> Any:
    from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning

    logging.getLogger("bs4.dammit").setLevel(logging.ERROR)  # it would write to the terminal what it replaced
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        return BeautifulSoup(page, "html.parser", from_encoding=encoding)
