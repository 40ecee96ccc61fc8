"""Command-line flags from the fields of the option groups: name, type, range, default and help stand there once."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
import shlex
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
from click.shell_completion import CompletionItem

from textrnn.base.config import LEARNING, NUMBERS, OUTPUT, SECTIONS, STOP, TEXT, Checked, expected, flag_of
from textrnn.base.errors import warn
from textrnn.base.escapes import unescape
from textrnn.cli.complete import RUN, folders

if typing.TYPE_CHECKING:
    from textrnn.text.reader import Reading

Decorator = Callable[[Any], Any]
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


class NamedNumber(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A name and a number, such as `b.txt=3`; the group itself checks the number.

    Args:
        form: how it is written.
        example: one such.
    """

    name = "name=number"

    def __init__(self, form: str = "FILE=NUMBER", example: str = "b.txt=3") -> None:
        self.form, self.example = form, example

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> tuple[str, float]:
        name, _, number = str(value).rpartition("=")
        with contextlib.suppress(ValueError):
            if name:
                return name, float(number)
        self.fail(f"{value!r} is no name and number: expected {self.form}, such as {self.example}", param, context)


def by_name(context: click.Context, param: click.Parameter, pairs: Sequence[tuple[str, float]]) -> Any:
    """The numbers of an option that was given several times, by their names."""
    names = [name for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise click.BadParameter(f"{twice[0]!r} is named twice", context, param)
    return dict(pairs) or None


class Typed(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    r"""A text in which \n, \t and \\ stand for a line end, a tab and a backslash."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> str:
        return unescape(str(value))


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

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        return [CompletionItem(choice) for choice in self._choices if choice.startswith(incomplete)]


class Flag(click.Option):
    """An option that knows its place in the help.

    Args:
        section: one of `textrnn.base.config.SECTIONS`.
        first: whether it is among the few that the help shows first.
        was: what its name was in the version before.
    """

    def __init__(
        self, *names: Any, section: str = OUTPUT, first: bool = False, was: str | None = None, **settings: Any
    ) -> None:
        super().__init__(*names, **settings)
        self.section, self.first, self.was = section, first, was


def flag(*names: str, **settings: Any) -> Decorator:
    """Decorates a command with a `Flag`."""
    return click.option(*names, cls=Flag, **settings)


MODELS_DIR = flag(
    "--models-dir",
    type=Path,
    default=Path("models"),
    show_default=True,
    shell_complete=folders,
    help="Folder that holds saved runs.",
)
JSON = flag("--json", "as_json", is_flag=True, help="Print one JSON object instead of prose.")
MODEL = flag("--model", type=RUN, metavar="NAME_OR_PATH", help="Saved run.  [default: the newest]")


def say_newest(name: str | None, path: Path | None) -> None:
    """Says on standard error which run is used where none was named."""
    if name is None:
        click.echo(f"using {path}, the newest run of its kind; --model names another", err=True)


USE = flag(
    "--use",
    type=click.Choice(["mixture", "network", "counts"]),
    help="What predicts: the network with its counts, or one of them alone.  [default: mixture, or network where there "
    "are no counts]",
)
RESUME = flag(
    "--resume",
    type=RUN,
    metavar="NAME",
    section=STOP,
    first=True,
    help="Go on with a run: weights, optimizer, schedule and position; learning rate and dropout may be given anew.",
)
TENSORBOARD = flag(
    "--tensorboard",
    metavar="FOLDER",
    help="Write curves, samples and weights for TensorBoard into a folder of the run's name in this one.",
)


def from_flag(of: str, what: str) -> Decorator:
    """Decorates a command with the flag that names a run to begin with.

    Args:
        of: which kinds of runs that may be.
        what: what is learnt then.
    """
    help = f"Begin with the weights, tokens and options of {of}, which stays as it is, and learn {what}."
    return flag("--from", "from_run", type=RUN, metavar="NAME", section=LEARNING, help=help)


def reading_flags(what: str = "files") -> Decorator:
    """Decorates a command with the flags for how texts are read; `reading_of` takes them."""
    default = "as the bytes show: UTF-8, UTF-16, GB18030, an old one of East Asia, or cp1252"
    encoding = flag("--encoding", section=TEXT, help=f"Encoding of the {what}.  [default: {default}]")
    strict = flag(
        "--strict-encoding",
        is_flag=True,
        section=TEXT,
        help=f"Refuse {what} with bytes that do not decode, instead of replacing a few of them.",
    )
    return lambda command: encoding(strict(command))


def tags_flag() -> Decorator:
    """Decorates a command that has `reading_flags` with the flag for web pages and books."""
    text = "Read web pages and EPUB books as they are, tags and all.  [default: their text alone]"
    return flag("--keep-tags", is_flag=True, section=TEXT, help=text)


def reading_of(asked: SimpleNamespace) -> Reading:
    """How texts are read, from the flags of a command."""
    from textrnn.text.reader import Reading

    return Reading(asked.encoding, asked.strict_encoding, keep_tags=getattr(asked, "keep_tags", False))


def new_run_flags(whose: str, what: str = "a run of that name") -> Decorator:
    """Decorates a command with the flags that say where a new run goes, and what is printed about it.

    Args:
        whose: name of what the name of the run is made from if it is not given, in the genitive.
        what: what may be replaced.
    """
    flags = (
        flag("--name", first=True, help=f"Name of the run.  [default: made from {whose} name]"),
        MODELS_DIR,
        flag("--overwrite", is_flag=True, help=f"Replace {what}."),
        JSON,
        flag("--quiet", "-q", is_flag=True, help="Print warnings and the result only."),
    )

    def decorate(command: Any) -> Any:
        for each in reversed(flags):
            command = each(command)
        return command

    return decorate


def names_of(*groups: type[Checked]) -> tuple[str, ...]:
    """The names of all options of some groups, in order."""
    return tuple(item.name for group in groups for item in dataclasses.fields(group))


def config_flags(*groups: type[Checked]) -> Decorator:
    """Decorates a command with a flag for each field of some option groups, in order."""

    def decorate(command: Any) -> Any:
        for group in reversed(groups):
            hints = typing.get_type_hints(group)
            for item in reversed(dataclasses.fields(group)):
                command = _flag(item, hints[item.name], group.section)(command)
        return command

    return decorate


def _flag(item: dataclasses.Field[Any], kind: Any, section: str) -> Decorator:
    """One flag; ranges are checked by the group itself, so that Python callers get the same message."""
    facts, default, text = item.metadata, item.default, item.metadata["help"]
    settings: dict[str, Any] = dict(section=facts["section"] or section, first=facts["first"], was=facts["was"])
    if kind is bool:
        return flag(flag_of(item), item.name, is_flag=True, default=default, help=text, **settings)
    types = [t for t in typing.get_args(kind) or (kind,) if t is not type(None)]
    parser: Any = types[0]
    shows_default = default is not None
    if facts["unit"] == "seconds":
        parser, shows_default = Duration(), False
        text += "" if default is None else f"  [default: {typing.cast(float, default) / 60:g}m]"
    elif facts["choices"]:
        parser = OneOf(facts["choices"])
    elif parser == NUMBERS:
        parser = NamedNumber()
        settings.update(multiple=True, callback=by_name, metavar="FILE=NUMBER")
        text += f"  [{expected(facts)}]"
    elif parser is int or parser is float:
        limits = expected(facts)
        text += f"  [{limits}]" if limits else ""
    return flag(
        flag_of(item), item.name, type=parser, default=default, help=text, show_default=shows_default, **settings
    )


def _show_all(context: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        context.meta["help_all"] = True
        click.echo(context.get_help(), color=context.color)
        context.exit()


# What options of other tools are called here, where their names are not alike.
MEANT = {"--prompt": "--seed", "--text": "--seed", "--lr": "--learning-rate", "--label": "--label-column"}


class Command(click.Command):
    """A command that refuses what would go unheard, and says what may have been meant.

    Args:
        if_extra: says what was meant by words that are no arguments of the command.
    """

    def __init__(self, *args: Any, if_extra: Callable[[list[str]], str] | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.if_extra = if_extra

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            self._check(ctx, args)
        return super().parse_args(ctx, args)

    def _check(self, ctx: click.Context, args: list[str]) -> None:
        """Raises UsageError for unknown options, for extra words, and where one value is given twice."""
        try:
            _, extra, given = self.make_parser(ctx).parse_args(list(args))
        except click.NoSuchOption as error:
            meant = MEANT.get(error.option_name)
            if any(meant in param.opts for param in self.params):
                raise click.NoSuchOption(error.option_name, f"{error.message} Did you mean {meant}?", ctx=ctx) from None
            raise
        single = [param for param in given if isinstance(param, click.Option) and not param.multiple]
        for param in single:
            if not (param.is_flag or param.count) and single.count(param) > 1:
                raise click.UsageError(f"{param.opts[0]} is given twice: it takes one value", ctx)
        if extra and self.if_extra is not None:
            raise click.UsageError(self.if_extra(extra), ctx)


class SectionedCommand(Command):
    """A command whose help shows its first options, and with `--help-all` all of them in sections.

    A flag by its name of the version before is understood, with a warning.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        help_all = functools.partial(click.Option, is_flag=True, is_eager=True, expose_value=False, callback=_show_all)
        self.params.append(help_all(["--help-all"], help="Show all options and exit."))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        flags = [param for param in self.params if isinstance(param, Flag) and param.was]
        renamed = {f"--{param.was.replace('_', '-')}": param.opts[0] for param in flags if param.was}
        return super().parse_args(ctx, [_current(word, renamed) for word in args])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        flags = [param for param in self.params if isinstance(param, Flag)]
        with formatter.section("Most used"):
            formatter.write_dl(_records(ctx, [each for each in flags if each.first]))
        if not ctx.meta.get("help_all"):
            formatter.write_paragraph()
            others = sum(not each.first for each in flags)
            formatter.write_text(f"{others} more options: {ctx.command_path} --help-all")
            return
        for section in SECTIONS:
            if own := [each for each in flags if each.section == section and not each.first]:
                with formatter.section(section):
                    formatter.write_dl(_records(ctx, own))
        with formatter.section("Help"):
            rest = [param for param in self.get_params(ctx) if not isinstance(param, Flag | click.Argument)]
            formatter.write_dl(_records(ctx, rest))


def _current(word: str, renamed: Mapping[str, str]) -> str:
    """A word of the command line, with the flag of today if it has one of the version before."""
    name, sign, value = word.partition("=")
    if name not in renamed:
        return word
    warn(f"{name} is called {renamed[name]} now, and will go in the next version")
    return renamed[name] + sign + value


def _records(context: click.Context, params: Iterable[click.Parameter]) -> list[tuple[str, str]]:
    """What the help says of some options."""
    return [record for param in params if (record := param.get_help_record(context))]


def typed_flags(context: click.Context, names: Iterable[str]) -> list[str]:
    """The flags of those of some options that were typed."""
    typed = {name for name in names if _is_typed(context, name)}
    return [param.opts[0] for param in context.command.params if param.name in typed]


def split_options(
    context: click.Context, options: Mapping[str, Any], *groups: type[Checked]
) -> tuple[SimpleNamespace, dict[str, Any]]:
    """Parts the options of a command.

    Args:
        context: of the command.
        options: all of them, by name.
        groups: the option groups whose flags it has.

    Returns:
        the command's own options, as attributes, and those of the groups that were typed, by name.
    """
    names = names_of(*groups)
    own = SimpleNamespace(**{name: value for name, value in options.items() if name not in names})
    return own, {name: options[name] for name in options if name in names and _is_typed(context, name)}


def call_of(context: click.Context, asked: SimpleNamespace) -> dict[str, Any]:
    """The fields of `textrnn.base.run_target.TrainingCall`: those of `new_run_flags`, the command and its begin."""
    begin, arguments = context.obj
    own = {name: getattr(asked, name) for name in ("name", "models_dir", "overwrite", "quiet")}
    return dict(command=shlex.join(["textrnn", *arguments]), begin=begin, **own)


def _is_typed(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
