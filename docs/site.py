"""The pages as a site of plain files: nothing comes from elsewhere, and only the search needs a script."""

from __future__ import annotations

import html
import json
import re
import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from docs import options
from docs.pages import DOCS, LANGUAGES, PICTURES, Page, chapters, differences, read_index, read_pages, with_contents

WORDS = {
    "en": {
        "lang": "en",
        "site": "textrnn: how recurrent networks work",
        "contents": "Contents",
        "search": "Search",
        "none": "nothing found",
    },
    "zh": {
        "lang": "zh-Hans",
        "site": "textrnn：循环网络的原理",
        "contents": "目录",
        "search": "搜索",
        "none": "没有找到",
    },
}
NAMES = {"en": "English", "zh": "中文"}


class PageError(Exception):
    """Something in the pages is not as it should be."""


def check(pages: dict[str, list[Page]]) -> None:
    """Looks for what a reader would stumble over.

    Args:
        pages: the pages of each language.

    Raises:
        PageError: the languages differ, or a link or a picture leads nowhere.
    """
    names = [[page.name for page in pages[language]] for language in LANGUAGES]
    if names[0] != names[1]:
        raise PageError(f"pages of one language only: {sorted(set(names[0]) ^ set(names[1]))}")
    english, chinese = (pages[language] for language in LANGUAGES)
    found = [line for pair in zip(english, chinese, strict=True) for line in differences(*pair)]
    for page in [*map(read_index, LANGUAGES), *english, *chinese]:
        for target in re.findall(r"\]\(([^)]+)\)", page.source):
            if not (page.path.parent / target).is_file():
                found.append(f"{page.path}: {target} is not there")
    if found:
        raise PageError("\n".join(found))


def soft_break(tokens: Sequence[Token], place: int, *_: Any) -> str:
    """A line end within a paragraph: a blank, but nothing where Chinese goes on."""
    before, after = tokens[place - 1].content[-1:], tokens[place + 1].content[:1]
    return "" if is_chinese(before) and is_chinese(after) else "\n"


def is_chinese(char: str) -> bool:
    """Whether a character, or none, stands without blanks around it.

    Example:
        >>> [is_chinese(char) for char in ("词", "。", "a", "")]
        [True, True, False, False]
    """
    return bool(char) and unicodedata.east_asian_width(char) in "WF"


def to_html(source: str) -> str:
    """The Markdown of a page as HTML; links between pages lead to `.html`.

    Example:
        >>> to_html("见[下\\n一页](12-gates.md)")
        '<p>见<a href="12-gates.html">下一页</a></p>\\n'
    """
    markdown = MarkdownIt("commonmark").enable("table")
    markdown.add_render_rule("softbreak", lambda self, *arguments: soft_break(*arguments))
    body = markdown.render(source)
    body = re.sub(r'href="([\w-]+)\.md"', r'href="\1.html"', body)
    body = body.replace("<pre><code>", '<pre class="formula"><code>')
    body = re.sub(r'<pre><code class="language-(\w+)">', r'<pre class="\1"><code>', body)
    return re.sub(r"<table>.*?</table>", r'<div class="table">\g<0></div>', body, flags=re.DOTALL)


def menu(index: Page, pages: list[Page], current: str) -> str:
    """Links to all pages of a language, by chapter."""
    parts = []
    for digit, title in chapters(index.source):
        items = [
            f'<li><a href="{page.name}.html"{" aria-current=page" if page.name == current else ""}>'
            f"{html.escape(page.title)}</a></li>"
            for page in pages
            if page.name.startswith(digit)
        ]
        parts.append(f"<p>{html.escape(title)}</p><ul>{''.join(items)}</ul>")
    return "".join(parts)


def neighbours(pages: list[Page], current: str) -> str:
    """Links to the page before and the page after."""
    names = [page.name for page in pages]
    place = names.index(current) if current in names else -1
    before = pages[place - 1] if place > 0 else None
    after = pages[place + 1] if place + 1 < len(pages) else None
    left = f'<a href="{before.name}.html">← {html.escape(before.title)}</a>' if before else "<span></span>"
    right = f'<a href="{after.name}.html">{html.escape(after.title)} →</a>' if after else "<span></span>"
    return left + right


def search_index(pages: list[Page]) -> str:
    """A script that holds title and text of pages, for search.js; a page opened from a disk may load no JSON.

    Example:
        >>> search_index([Page("en", "12-gates", "# Gates\\n\\nOne *two*.")])
        'SEARCH_INDEX = [{"name": "12-gates", "title": "Gates", "text": "Gates One two."}];\\n'
    """
    listed = []
    for page in pages:
        text = html.unescape(re.sub(r"<[^>]+>", "", to_html(page.source)))
        listed.append({"name": page.name, "title": page.title, "text": " ".join(text.split())})
    return f"SEARCH_INDEX = {json.dumps(listed, ensure_ascii=False)};\n"


def write_what_follows() -> None:
    """Writes into the pages what follows from others, the contents, and from the program, the help of all commands."""
    for language in LANGUAGES:
        reference = DOCS / language / f"{options.NAME}.md"
        reference.write_text(options.with_help(reference.read_text(encoding="utf-8")), encoding="utf-8")
        index = read_index(language)
        index.path.write_text(with_contents(index.source, read_pages(language)), encoding="utf-8")


def build(target: Path) -> int:
    """Writes the site into a folder, which is made anew.

    Returns:
        number of HTML pages.

    Raises:
        PageError: see `check`.
    """
    pages = {language: read_pages(language) for language in LANGUAGES}
    check(pages)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(PICTURES, target / "pictures")
    for name in ("style.css", "search.js", "index.html"):
        shutil.copy(DOCS / name, target)
    template = Template((DOCS / "page.html").read_text(encoding="utf-8"))
    for language in LANGUAGES:
        (target / language).mkdir()
        index, (other,) = read_index(language), set(LANGUAGES) - {language}
        (target / language / "search-index.js").write_text(search_index(pages[language]), encoding="utf-8")
        for page in [index, *pages[language]]:
            text = template.substitute(
                WORDS[language],
                title=html.escape(page.title),
                body=to_html(page.source),
                menu=menu(index, pages[language], page.name),
                neighbours=neighbours(pages[language], page.name),
                other=f'<a href="../{other}/{page.name}.html" lang="{WORDS[other]["lang"]}">{NAMES[other]}</a>',
            )
            (target / language / f"{page.name}.html").write_text(text, encoding="utf-8")
    return sum(len(pages[language]) + 1 for language in LANGUAGES)
