"""The machinery of option groups: fields that know their help, range and choices, and are checked when made."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import types
import typing
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from textrnn.base.errors import ConfigError

C = TypeVar("C", bound="Checked")
NUMBERS = Mapping[str, float]  # the type of an option that may be given several times, as NAME=NUMBER

# The sections of the help of a command, in order.
TEXT, NETWORK, ECHO, LEARNING, STOP, MACHINES, PREDICTING, OUTPUT = SECTIONS = (
    "Text",
    "Network",
    "Echo state network (--arch esn)",
    "Learning",
    "Stop and save",
    "Machines",
    "Predicting",
    "Output",
)
ABBREVIATED = {"lr": "learning_rate"}
# What is known of an option beside its default and help, if nothing is said.
FACTS: dict[str, Any] = dict(
    low=None, high=None, above=None, choices=None, flag=None, unit=None, section=None, first=False, was=None
)


def option(default: Any, help: str, **facts: Any) -> Any:
    """A dataclass field that knows all that the checks and the command line have to know of it.

    Args:
        default: its value when nothing is said.
        help: what it does, in a sentence.
        facts: some of `FACTS`: the range (`low` and `high` belong to it, `above` does not), `choices`, the `flag` that
            sets it when that is not its name, the `unit`, the `section` of the help when it is not that of its group,
            whether it is among the `first` that the help shows, and what its name `was` in the version before.

    Raises:
        TypeError: a fact is of none of these names.
    """
    if unknown := facts.keys() - FACTS.keys():
        raise TypeError(f"option(): unknown {', '.join(sorted(unknown))}")
    return field(default=default, metadata={**FACTS, "help": help, **facts})


@dataclass(frozen=True)
class Checked:
    """Base of the option groups: checks types and ranges when made, converts to and from JSON.

    Attributes:
        section: the section of the help that its options stand in.

    Raises:
        ConfigError: a value is of the wrong type, out of range or not among the choices.
    """

    section: typing.ClassVar[str] = LEARNING

    def __init_subclass__(cls) -> None:
        cls.__repr__ = Checked.__repr__  # type: ignore[method-assign]  # or each dataclass makes one that shows all

    def __repr__(self) -> str:
        """The options that are not as they are when nothing is said."""
        pairs = ((item, getattr(self, item.name)) for item in dataclasses.fields(self))
        shown = (f"{item.name}={value!r}" for item, value in pairs if value != _default(item))
        return f"{type(self).__name__}({', '.join(shown)})"

    def __post_init__(self) -> None:
        for item, kind in fields_with_types(type(self)):
            _check_value(item, kind, getattr(self, item.name))

    def to_json(self) -> dict[str, Any]:
        """The options as a dictionary that the json module writes."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls: type[C], values: Any) -> C:
        """The inverse of `to_json`; unknown names and wrong types raise ConfigError."""
        if not isinstance(values, dict):
            raise ConfigError(f"{cls.__name__}: expected an object with options, found {values!r:.60}")
        known = dict(fields_with_types(cls))
        names = {item.name: kind for item, kind in known.items()}
        if unknown := sorted(set(values) - set(names)):
            raise ConfigError(f"{cls.__name__}: unknown option {', '.join(map(repr, unknown))}{_meant(unknown, names)}")
        converted = {}
        for name, value in values.items():
            kind = names[name]
            nested = isinstance(kind, type) and issubclass(kind, Checked)
            converted[name] = kind.from_json(value) if nested else value
        return cls(**converted)

    @classmethod
    def from_options(cls: type[C], options: Mapping[str, Any]) -> C:
        """For a group of groups: sorts options, named as the fields of the groups, into their groups.

        An option under its name of the version before is taken, with a FutureWarning.

        Raises:
            ConfigError: an option is unknown or its value cannot be used.

        Example:
            >>> from textrnn.language_model.options import Config
            >>> Config.from_options({"units": 128, "level": "word"}).model.units
            128
        """
        rest, groups = dict(options), {}
        for old, new in renamed_options(*(kind for _, kind in fields_with_types(cls))).items():
            if old in rest:
                warnings.warn(f"{old} is called {new} now, and will go in the next version", FutureWarning, 2)
                rest.setdefault(new, rest.pop(old))
        for group, kind in fields_with_types(cls):
            names = {item.name for item in dataclasses.fields(kind)}
            groups[group.name] = kind(**{name: rest.pop(name) for name in names & rest.keys()})
        if rest:
            known = [item.name for _, kind in fields_with_types(cls) for item in dataclasses.fields(kind)]
            groups_of = ", ".join(kind.__name__ for _, kind in fields_with_types(cls))
            meant = _meant(sorted(rest), known) or f": expected fields of {groups_of}"
            raise ConfigError(f"unknown option {', '.join(sorted(rest))}{meant}")
        return cls(**groups)

    def options(self) -> dict[str, Any]:
        """For a group of groups, all options in one flat dictionary: the inverse of `from_options`."""
        return {name: value for group in dataclasses.asdict(self).values() for name, value in group.items()}


def _default(item: dataclasses.Field[Any]) -> Any:
    return item.default if item.default_factory is dataclasses.MISSING else item.default_factory()


def nearest(wrong: str, names: Sequence[str]) -> str | None:
    """The name that is begun, or the one that is most like what was written; None if none is."""
    begun = [name for name in names if name.startswith(wrong)]
    return next(iter(begun or difflib.get_close_matches(wrong, names, n=1)), None)


def _meant(wrong: typing.Iterable[str], names: typing.Iterable[str]) -> str:
    """Which options may have been meant, as the end of a sentence; "" if none is like them."""
    names = list(names)
    near = [nearest(name, names) or ABBREVIATED.get(name) for name in wrong]
    found = [name for name in near if name is not None and name in names]
    return f": did you mean {', '.join(found)}?" if found else ""


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def fields_with_types(cls: type) -> list[tuple[dataclasses.Field[Any], Any]]:
    """The fields of an option group, each with its type."""
    hints = _hints(cls)
    return [(item, hints[item.name]) for item in dataclasses.fields(cls)]


def renamed_options(*groups: type[Checked]) -> dict[str, str]:
    """The names that options had in the version before, each with its name of today."""
    items = [item for group in groups for item in dataclasses.fields(group)]
    return {item.metadata["was"]: item.name for item in items if item.metadata.get("was")}


def flag_of(item: dataclasses.Field[Any]) -> str:
    """The command-line flag that sets a field, for example `--top-k`."""
    return item.metadata.get("flag") or "--" + item.name.replace("_", "-")


def expected(metadata: Mapping[str, Any]) -> str:
    """The range of an option in words, for example `from 1 to 65536`."""
    if metadata.get("choices"):
        choices = metadata["choices"]
        return "one of " + (", ".join(choices) if isinstance(choices, tuple) else str(choices))
    low, high, above = (_plain(metadata.get(name)) for name in ("low", "high", "above"))
    begin = f"above {above}" if above else f"at least {low}" if low else ""
    if not high:
        return begin
    if low:
        return f"from {low} to {high}"
    return f"{begin} and at most {high}".removeprefix(" and ")


def _plain(limit: float | None) -> str:
    """A limit as a person writes it: 1,000,000 and not 1e+06."""
    return "" if limit is None else f"{int(limit):,}" if limit == int(limit) else f"{limit:g}"


def _check_value(item: dataclasses.Field[Any], kind: Any, value: Any) -> None:
    allowed = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if value is None and type(None) in allowed:
        return
    metadata, name = item.metadata, flag_of(item)
    if isinstance(kind, type) and issubclass(kind, Checked):
        if not isinstance(value, kind):
            raise ConfigError(f"{item.name}: expected {kind.__name__}, found {value!r:.60}")
        return
    if NUMBERS in allowed:
        _check_numbers(name, metadata, value)
        return
    allowed = tuple(typing.get_origin(each) or each for each in allowed)  # of Sequence[str] what can be told
    accepted = (*allowed, int) if float in allowed else allowed
    if (bool not in allowed and isinstance(value, bool)) or not isinstance(value, accepted):
        names: dict[Any, str] = {
            int: "a whole number",
            float: "a number",
            str: "a word",
            bool: "true or false",
            Sequence: "a list",
        }
        wanted = " or ".join(names.get(k, k.__name__) for k in allowed if k is not type(None))
        wanted += " of seconds" * (metadata.get("unit") == "seconds")
        raise ConfigError(f"{name} is {value!r:.60}: expected {wanted} {expected(metadata)}".rstrip())
    if metadata.get("choices") and value not in metadata["choices"]:
        raise ConfigError(f"{name} is {value!r:.60}: expected {expected(metadata)}")
    if isinstance(value, int | float) and not isinstance(value, bool) and not _in_range(value, metadata):
        raise ConfigError(f"{name} is {value!r:.60}: expected a number {expected(metadata)}")


def _check_numbers(name: str, metadata: Mapping[str, Any], values: Any) -> None:
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ConfigError(f"{name} is {values!r:.60}: expected a dictionary of names and numbers {expected(metadata)}")
    for key, value in values.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and _in_range(value, metadata)):
            raise ConfigError(f"{name} of {key!r:.60} is {value!r:.60}: expected a number {expected(metadata)}")


def _in_range(value: float, metadata: Mapping[str, Any]) -> bool:
    low, high, above = metadata.get("low"), metadata.get("high"), metadata.get("above")
    if isinstance(value, float) and not math.isfinite(value):  # an int may be too large to be a float
        return False
    return (low is None or value >= low) and (above is None or value > above) and (high is None or value <= high)
