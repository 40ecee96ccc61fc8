"""Pages of the learning material: read from Markdown, taken apart, compared between languages.

A page is `docs/en/NN-name.md` and `docs/zh/NN-name.md`; the first digit of NN is its chapter. It begins with a title
and a paragraph of one sentence, which the contents repeat. Blocks marked `sh` and `python` are run; a block marked
`text` right after one of them holds what it prints; other blocks are shown only. To add a page, write these two files
and run `make docs`.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parent
LANGUAGES = ("en", "zh")
PICTURES = DOCS / "pictures"
SCREENSHOTS = {  # of pages in a browser, see `docs.screens`
    "serve.png",
    "report.png",
    "explained.png",
    *(f"serve-{name}.png" for name in ("score", "classify", "translate", "answer", "runs")),
}
SHOWN = ("text", "yaml", "bash")  # kinds of blocks that are not run and are the same in both languages

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"!\[([^\]]*)\]\(\.\./pictures/([^)]+)\)")
_CONTENTS = re.compile(r"(<!-- chapter (\d) -->\n).*?(<!-- end -->)", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Page:
    """One page in one language.

    Attributes:
        language: `en` or `zh`.
        name: file name without `.md`, the same in both languages.
        source: its Markdown.
    """

    language: str
    name: str
    source: str

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return DOCS / self.language / f"{self.name}.md"

    @property
    def title(self) -> str:
        """Its first line."""
        return self.source.partition("\n")[0].removeprefix("# ")

    @property
    def summary(self) -> str:
        """Its first paragraph, in one line."""
        lines = self.source.split("\n\n")[1].splitlines()
        return (" " if self.language == "en" else "").join(lines)

    @property
    def drawn(self) -> list[str]:
        """File names of the pictures that its commands draw, in order."""
        return [name for name in self.pictures if name not in SCREENSHOTS]

    @property
    def pictures(self) -> list[str]:
        """File names of its pictures, in order."""
        return [name for _, name in _PICTURE.findall(self.source)]

    @property
    def prose(self) -> str:
        """The page without its blocks."""
        return _BLOCK.sub("", self.source)


@dataclass(frozen=True)
class Step:
    """A block that is run.

    Attributes:
        kind: `sh` or `python`.
        code: its content.
        output: what the page says that it prints; None when it says nothing.
        span: begin and end of that output in the page's source.
    """

    kind: str
    code: str
    output: str | None
    span: tuple[int, int]

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block; the whole of a Python block."""
        if self.kind == "python":
            return [self.code]
        return [line for line in self.code.replace("\\\n", "").splitlines() if line.strip()]


def steps(source: str) -> list[Step]:
    """The blocks of a page that are run, with the output that follows them.

    Example:
        >>> [(s.kind, s.commands, s.output) for s in steps("```sh\\na\\nb\\n```\\n\\n```text\\nc\\n```\\n")]
        [('sh', ['a', 'b'], 'c\\n')]
    """
    found = list(_BLOCK.finditer(source))
    result = []
    for block, after in itertools.zip_longest(found, found[1:]):
        if block[1] not in ("sh", "python"):
            continue
        if after is not None and after[1] == "text" and not source[block.end() : after.start()].strip():
            result.append(Step(block[1], block[2], after[2], after.span(2)))
        else:
            result.append(Step(block[1], block[2], None, (0, 0)))
    return result


def examples(source: str, kind: str) -> list[str]:
    """The blocks of a page of one kind, such as `yaml`; an equation has none.

    Example:
        >>> examples("```\\nx = y\\n```\\n\\n```yaml\\na: 1\\n```\\n", "yaml")
        ['a: 1\\n']
    """
    return [block[2] for block in _BLOCK.finditer(source) if block[1] == kind]


def numbers(text: str) -> list[str]:
    """All numbers of a text in rising order of their digits, written without commas.

    Example:
        >>> numbers("2.41 of 1,001, and 7.")
        ['1001', '2.41', '7']
    """
    return sorted(number.replace(",", "") for number in _NUMBER.findall(text))


def read_pages(language: str) -> list[Page]:
    """The pages of a language in order, without its contents."""
    paths = sorted(path for path in (DOCS / language).glob("[0-9]*.md"))
    return [Page(language, path.stem, path.read_text(encoding="utf-8")) for path in paths]


def read_index(language: str) -> Page:
    """The first page of a language, which holds the contents."""
    return Page(language, "index", (DOCS / language / "index.md").read_text(encoding="utf-8"))


def with_contents(index: str, pages: list[Page]) -> str:
    """The first page with the list of today's pages under each chapter."""

    def chapter(match: re.Match[str]) -> str:
        listed = [page for page in pages if page.name.startswith(match[2])]
        lines = [f"- [{page.title}]({page.name}.md): {page.summary}\n" for page in listed]
        return f"{match[1]}{''.join(lines)}{match[3]}"

    return _CONTENTS.sub(chapter, index)


def chapters(index: str) -> list[tuple[str, str]]:
    """Digit and title of each chapter, in order."""
    return [(digit, title) for title, digit in re.findall(r"^## (.+)\n\n<!-- chapter (\d) -->", index, re.MULTILINE)]


def differences(english: Page, chinese: Page) -> list[str]:
    """What the two languages of a page do not have in common, though they should."""
    pairs = [
        ("commands", *([(s.kind, s.code) for s in steps(page.source)] for page in (english, chinese))),
        ("outputs", *([s.output for s in steps(page.source)] for page in (english, chinese))),
        ("equations", *(examples(page.source, "") for page in (english, chinese))),
        ("examples", *([examples(page.source, kind) for kind in SHOWN] for page in (english, chinese))),
        ("pictures", english.pictures, chinese.pictures),
        ("figures", numbers(english.prose), numbers(chinese.prose)),
    ]
    return [f"{english.name}: {what} differ: {ours} and {theirs}" for what, ours, theirs in pairs if ours != theirs]
