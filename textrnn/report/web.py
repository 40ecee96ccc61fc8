"""Pages and pieces of HTML in which nothing from a user's file can act: every string is escaped here."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence

from textrnn.report.layout import num_columns
from textrnn.report.style import style_sheet

# No script, no request: even a mistake in escaping could not make the page act.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

# Control characters and lone surrogates have no place in HTML; the last two of each plane are no characters.
UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef]|["
    + "".join(chr(plane + end) for plane in range(0, 0x110000, 0x10000) for end in (0xFFFE, 0xFFFF))
    + "]"
)
SHORT_COLUMNS = 24
KANA, HANGUL, HAN = re.compile("[\u3040-\u30ff]"), re.compile("[\uac00-\ud7af]"), re.compile("[\u3400-\u9fff]")


def page(title: str, parts: Sequence[str], *, style: str = "", script: str = "") -> str:
    """A whole page: no script but our own, no request to anywhere, light or dark as the reader prefers.

    Args:
        title: plain text.
        parts: HTML of its parts; empty ones are left out.
        style: what this page adds to the style sheet.
        script: ours, for pages that need one. The policy names its digest, so that no other can run.
    """
    policy, active = POLICY, ""
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy, active = f"{POLICY}; script-src 'sha256-{digest}'", f"<script>{script}</script>\n"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{style_sheet()}{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + f"\n</main>\n{active}</body>\n</html>\n"
    )


def section(title: str, *parts: str) -> str:
    """A part of a page under a heading of its own."""
    return f"<section><h2>{escaped(title)}</h2>{''.join(parts)}</section>"


def paragraph(content: str, kind: str = "") -> str:
    """A paragraph of content that is HTML already."""
    return f"<p{kind_of(kind)}>{content}</p>"


def escaped(text: str) -> str:
    """A text that is shown as it is, in elements and in quoted attributes.

    Example:
        >>> escaped('<b title="x">&' + chr(0))
        '&lt;b title=&quot;x&quot;&gt;&amp;�'
    """
    return html.escape(UNFIT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n")), quote=True)


def language_of(text: str) -> str:
    """The attribute that names the language of Chinese, Japanese and Korean glyphs; nothing for others."""
    language = "ja" if KANA.search(text) else "ko" if HANGUL.search(text) else "zh" if HAN.search(text) else ""
    return f' lang="{language}"' if language else ""


def isolated(text: str, kind: str = "") -> str:
    """A text from a user's file inside of a line: its direction of writing stays its own, its glyphs fit its language.

    Example:
        >>> isolated("好 & bad")
        '<bdi lang="zh">好 &amp; bad</bdi>'
    """
    return f"<bdi{kind_of(kind)}{language_of(text)}>{escaped(text)}</bdi>"


def label_of(text: str) -> str:
    """A label: in one line if it is short; Chinese could else be broken after each character in a narrow column."""
    return isolated(text, "short" if num_columns(text) <= SHORT_COLUMNS else "long")


def kind_of(kind: str) -> str:
    """The attribute that gives an element its class; nothing without one."""
    return f' class="{kind}"' if kind else ""


def cell(content: str, kind: str = "", head: str = "") -> str:
    """A cell of a table, of content that is HTML already; `head` is said before it where there is no room for heads."""
    attribute = f' data-head="{escaped(head)}"' if head else ""
    return f"<td{kind_of(kind)}{attribute}>{content}</td>"


def counted(count: int) -> str:
    """A cell with a number of rows."""
    return cell(f"{count:,}", "n")


def table(
    heads: Sequence[str], rows: Sequence[str], *, caption: str, numbers: Sequence[int] = (), kind: str = ""
) -> str:
    """A table that scrolls by itself when it is wider than the page.

    Args:
        heads: plain text of the column heads.
        rows: HTML of the rows.
        caption: plain text above it.
        numbers: which columns hold numbers.
        kind: class of the table.
    """
    cells = "".join(
        f'<th scope="col"{kind_of("n" if k in numbers else "")}>{escaped(head)}</th>' for k, head in enumerate(heads)
    )
    body = f"<thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return scrolling(f"<table{kind_of(kind)}>{body}</table>", caption)


def scrolling(content: str, caption: str) -> str:
    """A region that can be scrolled with the keyboard as well, below what is said of it.

    It is no <caption>: that would be as narrow as its table.
    """
    name = escaped(caption)
    return (
        f'<div><p class="soft">{name}</p>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">{content}</div></div>'
    )
