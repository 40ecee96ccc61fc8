"""Web pages and EPUB books: their text in order, without tags; and what is said where nothing can take it out."""

import hashlib
import importlib.util
import zipfile

import pytest

from textrnn.base.errors import DataError
from textrnn.text.markup import text_of_page, texts_of_epub
from textrnn.text.reader import Reading, open_sources, pieces

needs_soup = pytest.mark.skipif(importlib.util.find_spec("bs4") is None, reason="Beautiful Soup is an extra")
PAGE = """<!DOCTYPE html><html><head><meta charset="{}"/><title>No</title><style>p {{}}</style></head>
<body><h1>Tea &amp; caf\u00e9</h1><p>One <b>good</b>
 cup,<br>two.</p><script>no()</script><ul><li>a<li>b</ul><pre>x
  y</pre></body></html>"""
TEXT = "Tea & caf\u00e9\n\nOne good cup,\ntwo.\n\na\nb\n\nx\ny\n"


def written(path, *, damaged=""):
    """An EPUB of two pages, which its list has in another order than its files."""
    rootfile = '<rootfile full-path="OEBPS/book.opf"/>'
    listed = (("two", "2.xhtml", ""), ("one", "p%201.xhtml", ""), ("nav", "n.xhtml", 'properties="nav"'))
    pages = "".join(
        f'<item id="{name}" href="{href}" media-type="application/xhtml+xml" {more}/>' for name, href, more in listed
    )
    order = "".join(f'<itemref idref="{name}"/>' for name in ("nav", "one", "two", *damaged.split()))
    files = {
        "META-INF/container.xml": f"<container><rootfiles>{rootfile}</rootfiles></container>",
        "OEBPS/book.opf": f"<package><manifest>{pages}</manifest><spine>{order}</spine></package>",
        "OEBPS/2.xhtml": "<html><body><p>Two \u4e8c.</p></body></html>",
        "OEBPS/p 1.xhtml": '<?xml version="1.0" encoding="utf-8"?><html><title>t</title><p>One.<!-- no --></p></html>',
        "OEBPS/n.xhtml": "<html><body><p>Contents</p></body></html>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        for name, text in files.items():
            archive.writestr(name, text, zipfile.ZIP_DEFLATED)
    return str(path)


@needs_soup
@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
def test_text_of_a_page_has_its_blocks_in_lines(encoding):
    page = PAGE.format(encoding).encode(encoding)
    assert text_of_page(page) == TEXT
    assert text_of_page(PAGE.format("").encode("cp1252"), "cp1252") == TEXT


@needs_soup
def test_pages_of_a_book_are_read_in_its_order(tmp_path):
    with open(written(tmp_path / "b.epub"), "rb") as stream:
        assert list(texts_of_epub(stream, "b.epub")) == ["One.\n", "Two \u4e8c.\n"]


@needs_soup
def test_open_sources_reads_the_text_of_pages_and_books(tmp_path):
    written(tmp_path / "b.epub")
    (tmp_path / "a.HTML").write_bytes(PAGE.format("utf-8").encode())
    (tmp_path / "c.html.txt").write_bytes(b"<p>tags</p>")
    with open_sources([str(tmp_path)], warn=(lines := []).append) as sources:
        assert ["".join(pieces(source)) for source in sources] == [TEXT, "One.\n\nTwo \u4e8c.\n", "<p>tags</p>"]
        for source in sources:
            content = (tmp_path / source.name).read_bytes()
            assert (source.num_bytes, source.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert lines == [
        "a.HTML is a web page, whose text alone is read (--keep-tags)",
        "b.epub is an EPUB book, whose text alone is read (--keep-tags)",
    ]
    with open_sources([str(tmp_path / "a.HTML")], Reading(keep_tags=True), warn=(lines := []).append) as (source,):
        assert "<h1>" in "".join(pieces(source)) and lines == []


@needs_soup
def test_damaged_books_are_refused(tmp_path, monkeypatch):
    path = written(tmp_path / "b.epub", damaged="missing")
    cut = tmp_path / "cut.epub"
    cut.write_bytes((tmp_path / "b.epub").read_bytes()[:-60])
    for name in (path, str(cut)):
        with pytest.raises(DataError, match=r"epub is no whole EPUB book"), open_sources([name]):
            pass
    monkeypatch.setattr("textrnn.text.markup.MOST_BYTES", 99)
    with pytest.raises(DataError, match="more than 99 bytes"), open_sources([path]):
        pass


def test_without_beautiful_soup_a_line_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    path = written(tmp_path / "b.epub")
    (tmp_path / "a.html").write_bytes(b"<p>tags</p>")
    with (
        pytest.raises(DataError, match=r"b\.epub is an EPUB book: pip install 'textrnn\[html\]'"),
        open_sources([path]),
    ):
        pass
    with open_sources([str(tmp_path)], warn=(lines := []).append) as (page,):
        assert "".join(pieces(page)) == "<p>tags</p>"
    assert lines == [
        f"1 of 2 files was left out: {path} is an EPUB book",
        "a.html is read with its tags: pip install 'textrnn[html]' has what takes its text out",
    ]
