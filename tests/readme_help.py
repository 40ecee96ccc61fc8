"""Writes the help of each command into README.md: `python tests/readme_help.py`; a test looks whether it is true."""

import re
import sys
from pathlib import Path

import click

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- help: written by tests/readme_help.py -->\n", "<!-- end of help -->\n"


def help_texts() -> str:
    """The help of each command, in Markdown."""
    from textrnn.cli import cli

    parts = []
    group = click.Context(cli, info_name="textrnn", **cli.context_settings)
    for name, command in cli.commands.items():
        context = click.Context(command, parent=group, info_name=name, terminal_width=100, max_content_width=100)
        parts.append(_details(context))
        for inner in command.commands.values() if isinstance(command, click.Group) else ():
            parts.append(_details(click.Context(inner, parent=context, info_name=inner.name)))
    return "\n".join(parts)


def _details(context: click.Context) -> str:
    return (
        f"<details><summary><code>{context.command_path}</code></summary>\n\n"
        f"```text\n{context.command.get_help(context)}\n```\n\n</details>\n"
    )


def with_help(readme: str) -> str:
    """A README with the help of today."""
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    return re.sub(pattern, lambda _: f"{BEGIN}{help_texts()}{END}", readme, flags=re.DOTALL)


if __name__ == "__main__":
    sys.path.insert(0, str(README.parent))
    README.write_text(with_help(README.read_text(encoding="utf-8")), encoding="utf-8")
