"""Command-line flags from the fields of the option groups: name, type, range, default and help stand there once."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from textrnn.base.config import Checked, expected, flag_of

MODELS_DIR = click.option(
    "--models-dir", type=Path, default=Path("models"), show_default=True, help="Folder that holds saved runs."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of prose.")
QUIET = click.option("--quiet", "-q", is_flag=True, help="Print warnings and the result only.")
RESUME = click.option("--resume", metavar="NAME", help="Go on with a run: weights, optimizer, schedule and position.")
MODEL = click.option("--model", "model", metavar="NAME_OR_PATH", help="Saved run.  [default: the newest]")
ENCODING = click.option("--encoding", help="Encoding of the files.  [default: UTF-8, UTF-16 or GB18030, as they show]")
OUTPUT = {"Output": ("name", "models_dir", "overwrite", "samples", "as_json", "quiet")}  # a section of the help
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Duration(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A length of time such as `90s`, `10m` or `1h30m`; a bare number is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        text = str(value).strip().lower()
        parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            self.fail(f"{value!r} is no length of time: expected one such as 90s, 10m or 1h30m", param, context)
        return sum(float(number) * UNITS[unit] for number, unit in parts)


class OneOf(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A word of a list, which is only gone through for the help; the group itself checks the value.

    Args:
        choices: the words.
    """

    name = "choice"

    def __init__(self, choices: Iterable[str]) -> None:
        self._choices = choices

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "[" + "|".join(self._choices) + "]"


def name_option(whose: str) -> Callable[[Any], Any]:
    """The flag for the name of a new run, which is made from the name of something if it is not given."""
    return click.option("--name", help=f"Name of the run.  [default: made from {whose} name]")


def names_of(*groups: type[Checked], without: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of all options of some groups, in order."""
    return tuple(item.name for group in groups for item in dataclasses.fields(group) if item.name not in without)


def config_options(*groups: type[Checked]) -> Callable[[Any], Any]:
    """Decorates a command with a flag for each field of some option groups, in order."""

    def decorate(command: Any) -> Any:
        for group in reversed(groups):
            hints = typing.get_type_hints(group)
            for item in reversed(dataclasses.fields(group)):
                command = _flag(item, hints[item.name])(command)
        return command

    return decorate


def _flag(item: dataclasses.Field[Any], kind: Any) -> Callable[[Any], Any]:
    """One flag; ranges are checked by the group itself, so that Python callers get the same message."""
    text, flag = item.metadata["help"], flag_of(item)
    shows_default: bool | str = item.default is not None
    if kind is bool:
        return click.option(flag, item.name, is_flag=True, default=item.default, help=text)
    types = [t for t in typing.get_args(kind) or (kind,) if t is not type(None)]
    parser: Any = types[0]
    if item.metadata["unit"] == "seconds":
        parser = Duration()
        shows_default = f"{typing.cast(float, item.default) / 60:g}m" if item.default is not None else False
    elif item.metadata["choices"]:
        parser = OneOf(item.metadata["choices"])
    elif parser is int or parser is float:
        limits = expected(item.metadata)
        text += f"  [{limits}]" if limits else ""
    return click.option(flag, item.name, type=parser, default=item.default, help=text, show_default=shows_default)


def _show_all(context: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        context.meta["help_all"] = True
        click.echo(context.get_help(), color=context.color)
        context.exit()


class SectionedCommand(click.Command):
    """A command whose help shows its most used options, and with `--help-all` all of them in sections.

    Args:
        sections: for each title the names of the options below it, in order; the first section is that of the most used
            ones. Options that are in none come last.
        renamed: flags of the version before, and what they are called now; they still work, with a warning.
    """

    def __init__(
        self,
        *args: Any,
        sections: Mapping[str, Sequence[str]],
        renamed: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        self._sections, self._renamed = sections, dict(renamed or {})
        self.params.append(
            click.Option(
                ["--help-all"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_show_all,
                help="Show all options and exit.",
            )
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [self._current(word) for word in args])

    def _current(self, word: str) -> str:
        flag, sign, value = word.partition("=")
        if flag not in self._renamed:
            return word
        click.echo(f"warning: {flag} is called {self._renamed[flag]} now, and will go in the next version", err=True)
        return self._renamed[flag] + sign + value

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        records = {option.name: record for option in options if (record := option.get_help_record(ctx))}
        last = [records.pop(name) for name, record in [*records.items()] if "--help" in record[0]]
        (title, most_used), *others = self._sections.items()
        with formatter.section(title):
            formatter.write_dl([records.pop(name) for name in most_used])
        if not ctx.meta.get("help_all"):
            formatter.write_paragraph()
            formatter.write_text(f"{len(records)} more options: {ctx.command_path} --help-all")
            return
        for title, names in others:
            with formatter.section(title):
                formatter.write_dl([records.pop(name) for name in names if name in records])
        with formatter.section("Other options"):
            formatter.write_dl([*records.values(), *last])


def typed_flags(context: click.Context, names: Iterable[str]) -> list[str]:
    """The flags of those of some options that were typed."""
    typed = {name for name in names if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE}
    return [param.opts[0] for param in context.command.params if param.name in typed]


def given_options(context: click.Context, options: dict[str, Any]) -> dict[str, Any]:
    """The options that were typed, without those that only have their default."""
    typed = click.core.ParameterSource.COMMANDLINE
    return {name: value for name, value in options.items() if context.get_parameter_source(name) is typed}
