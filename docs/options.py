"""The page of all options: the help of every command, as the program prints it.

It is a reference, to look things up in and not to be read through, and so the only page that may be longer than two
screens. Both languages hold the same English help between two marks; `python -m docs --no-run` writes it anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

NAME = "62-options"
WIDTH = 86  # columns of text that the site shows without breaking lines

_HELP = re.compile(r"(<!-- help -->\n).*?(<!-- end -->)", re.DOTALL)


def help_texts() -> dict[str, str]:
    """The help of each command and of each command within one, by its name.

    Example:
        >>> help_texts()["textrnn info"].splitlines()[0]
        'Usage: textrnn info [OPTIONS] [MODEL]'
    """
    return {context.command_path: context.command.get_help(context) for context in contexts()}


def contexts() -> Iterator[click.Context]:
    """A context of each command and of each command within one, whose help is the long one."""
    from textrnn.cli.main import cli

    yield from _inside(cli, click.Context(cli, info_name="textrnn", **cli.context_settings))


def _inside(group: click.Group, parent: click.Context) -> Iterator[click.Context]:
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        if command is None:
            continue
        context = click.Context(command, parent, name, terminal_width=WIDTH, max_content_width=WIDTH)
        context.meta["help_all"] = True
        yield context
        if isinstance(command, click.Group):
            yield from _inside(command, context)


def with_help(source: str) -> str:
    """A page with the help of today between its marks, a part of it for each command, which a click unfolds."""
    parts = (
        f"<details><summary><code>{name}</code></summary>\n\n```text\n{text}\n```\n\n</details>\n"
        for name, text in help_texts().items()
    )
    return _HELP.sub(lambda match: f"{match[1]}{chr(10).join(parts)}{match[2]}", source)


def without_help(source: str) -> str:
    """What a person wrote of that page.

    Example:
        >>> without_help("# A\\n\\n<!-- help -->\\nUsage: ...\\n<!-- end -->\\n")
        '# A\\n\\n<!-- help -->\\n<!-- end -->\\n'
    """
    return _HELP.sub(r"\1\2", source)
