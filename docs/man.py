r"""The manual page: `python -m docs.man` writes build/man/man1/textrnn.1, with the help of every command.

The commands write their help as they do for a terminal, with a formatter that makes roff of it: nothing is said twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

from docs.options import contexts
from docs.pages import DOCS

PAGE = DOCS.parent / "build" / "man" / "man1" / "textrnn.1"
# What roff would take for a command of its own, or print as another character than what is typed.
ESCAPES = str.maketrans({"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"})
OPTION = re.compile(r"(?<!\w)(?:\\-){1,2}\w(?:\w|\\-)*")  # escaped

# No hyphens of roff's own in the names of options, and lines of uneven length.
HEAD = r""".TH TEXTRNN 1 "" "textrnn {version}" "textrnn"
.nh
.ad l
.SH NAME
textrnn \- {about}
.SH SYNOPSIS
\fBtextrnn\fR COMMAND [OPTIONS] [ARGS]...
.SH EXIT STATUS
0: done. 1: a problem with data or a run. 2: wrong usage. 130: interrupted.
.SH COMMANDS
"""


def escaped(text: str) -> str:
    r"""A text as roff prints it unchanged.

    Example:
        >>> escaped(".it's\n\\n --x")
        '\\&.it\\(aqs\n\\en \\-\\-x'
    """
    return re.sub(r"^\.", r"\\&.", text.translate(ESCAPES), flags=re.MULTILINE)


class Roff(click.HelpFormatter):
    """Writes a help as a part of a manual page."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        self.write(f".SS {escaped(prog)}\n\\fB{escaped(prog)}\\fR {escaped(args)}\n")

    def write_heading(self, heading: str) -> None:
        self.write(f"\\fI{escaped(heading)}\\fR\n")

    def write_paragraph(self) -> None:
        self.write(".PP\n")

    def write_text(self, text: str) -> None:
        parts = []
        for part in text.split("\n\n"):
            if part.startswith("\b"):  # lines that are to stay as they are
                parts.append(f".nf\n{escaped(part.lstrip(chr(8)).strip(chr(10)))}\n.fi\n")
            else:
                parts.append(f"{escaped(' '.join(part.split()))}\n")
        self.write(".PP\n".join(parts))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        for name, text in rows:
            bold = OPTION.sub(lambda found: rf"\fB{found[0]}\fR", escaped(name))
            self.write(f".TP\n{bold}\n{escaped(' '.join(text.split()))}\n")


def page() -> str:
    """The manual page, as roff."""
    from textrnn import __version__
    from textrnn.cli.main import cli

    about = escaped((cli.help or "").rstrip("."))
    parts = [HEAD.format(version=escaped(__version__), about=about)]
    for context in contexts():
        formatter = Roff()
        context.command.format_help(context, formatter)
        parts.append(formatter.getvalue())
    return "".join(parts)


def main() -> None:
    """Writes the page."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
