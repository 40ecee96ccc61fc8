"""JSON lines: an object a line, its values as strings as they are written."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from textrnn.text.encodings import REPLACEMENT
from textrnn.text.table.chats import LABEL, answer, chat_key, plain_chat
from textrnn.text.table.column_names import label_hint, names_aspect
from textrnn.text.table.label_studio import CHOICES, LABELS, annotate, is_task, plain_task
from textrnn.text.table.prodigy import accept, is_answered, plain_answered
from textrnn.text.table.records import Record

MAX_DEPTH = 8  # of objects within objects whose keys are columns
_NAMES = frozenset({"name", "displayname", "label", "tag"})  # members that say what an object of a list stands for
_PLACE = re.compile(r"(?:^|_|(?<=[a-z])(?=[A-Z]))(?i:start|begin|end|offset|from|to)(?![a-z])")  # in a text
_TEXTS = frozenset({"text", "body", "content"})  # members of an object that is more than a label
_SURROGATE = re.compile("[\ud800-\udfff]")
# Numbers stay as they are written: 1, 1.0 and 1e0 are three labels.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str, strict=False)


def parse_object(line: str) -> dict[str, Any] | None:
    """The object that a line holds, its numbers as strings; None if it holds something else."""
    try:
        value = _DECODER.decode(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _plain(line: str) -> dict[str, Any] | None:
    """The object that a line holds, as one with columns."""
    values = parse_object(line)
    if values is None or is_task(values):
        return values and plain_task(values)
    if is_answered(values):
        return plain_answered(values)
    key = chat_key(values)
    return values if key is None else plain_chat(values, key)


def keys_of(lines: Iterable[str]) -> list[str]:
    """The keys of all objects, in the order in which they first come; those within others as paths."""
    has_value = dict[str, bool]()
    for line in lines:
        for key, value in flat(_plain(line) or {}).items():
            has_value[key] = has_value.get(key, False) or value not in (None, [], {})
    # Nothing in the place of an object is no column beside those within it.
    objects = {key[:at] for key in has_value for at in range(len(key)) if key[at] == "."}
    return [key for key, has in has_value.items() if has or key not in objects]


def flat(values: Mapping[str, Any], depth: int = MAX_DEPTH) -> dict[str, Any]:
    """An object with the values of those within it by their paths.

    A list of one is what is in it. A list that is called one of labels, of objects that have names, is an object with
    lists of these names. Other lists stay whole, also of objects that mark parts of a text or hold texts.

    Example:
        >>> flat({"id": 1, "review": {"body": "fine", "tags": [1, 2]}, "label": [{"name": "good"}]})
        {'id': 1, 'review.body': 'fine', 'review.tags': [1, 2], 'label.name': 'good'}
        >>> flat({"labels": [{"id": 1, "name": "good"}, {"id": 2, "name": "long"}], "spans": [{"start": 3}]})
        {'labels.name': ['good', 'long'], 'spans': [{'start': 3}]}
        >>> flat({"reviews": [{"name": "Ann", "body": "a fine film"}]})
        {'reviews.name': 'Ann', 'reviews.body': 'a fine film'}
    """
    found = dict[str, Any]()
    for key, value in values.items():
        if isinstance(value, dict) and value.keys() == CHOICES:
            value = value["choices"]
        while isinstance(value, list) and len(value) == 1 and not (_marks_part(value[0]) or _are_labels(key, value)):
            value = value[0]
        if _are_labels(key, value):
            members = dict.fromkeys(name for one in value for name in one if _is_name(name))
            value = {name: [one[name] for one in value if one.get(name) is not None] for name in members}
        if isinstance(value, dict) and value and depth:
            for path, inner in flat(value, depth - 1).items():
                found.setdefault(f"{key}.{path}", inner)
        else:
            found[key] = value
    return found


def _are_labels(key: str, value: Any) -> bool:
    """Whether it is a list of labels by its key: of objects that have names, hold no texts and mark no parts of one."""
    if not isinstance(value, list) or not (label_hint(key) or names_aspect(key)):
        return False
    if not all(isinstance(one, dict) and not _marks_part(one) and _TEXTS.isdisjoint(one) for one in value):
        return False
    return any(_is_name(name) for one in value for name in one)


def _is_name(member: str) -> bool:
    return member.casefold().replace("_", "") in _NAMES


def _marks_part(value: Any) -> bool:
    """Whether it is an object that says where in a text something is."""
    return isinstance(value, dict) and any(_PLACE.search(key) and str(own).isdigit() for key, own in value.items())


def are_numbers(lines: Iterable[str], path: str) -> bool:
    """Whether the values at a path of some objects, see `flat`, are numbers, but for those that are missing.

    Example:
        >>> are_numbers(['{"label": 1}', '{"label": null}'], "label"), are_numbers(['{"label": "1"}'], "label")
        (True, False)
    """
    found = [
        flat(values).get(path) for line in lines if parse_object(line) for values in [json.loads(line, strict=False)]
    ]
    filled = [value for value in found if value not in (None, "")]
    return bool(filled) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in filled)


def read_json_records(lines: Iterable[str], keys: Sequence[str]) -> Iterator[Record]:
    """Read objects as records.

    Args:
        lines: with their ends.
        keys: whose values become the cells, or paths such as `review.body`; a missing value or null is an empty cell.

    Yields:
        Records. A blank line has no cells; a line that holds no object has none either, and is stray.

    Example:
        >>> [record.cells for record in read_json_records(['{"label": true, "text": "fine"}'], ["text", "label"])]
        [['fine', 'true']]
    """
    for number, raw in enumerate(lines, 1):
        values = _plain(raw)
        if values is None:
            yield Record(raw, [], number, bool(raw.strip()))
        else:
            by_path = flat(values)
            yield Record(raw, [_as_written(by_path.get(key), raw) for key in keys], number)


def with_members(raw: str, members: Mapping[str, Any]) -> str:
    """A line with an object, and members added at its end; names that it has already get a number.

    Example:
        >>> with_members('{"text": "fine" }\\n', {"text": 1, "sure": 0.5})
        '{"text": "fine", "text_2": 1, "sure": 0.5 }\\n'
    """
    values = parse_object(raw)
    if values is None:
        return raw
    head = raw[: raw.rindex("}")].rstrip()
    added = {free_name(name, values): value for name, value in members.items()}
    return f"{head}{', ' if values else ''}{json.dumps(added, ensure_ascii=False)[1:-1]}{raw[len(head) :]}"


def with_value(raw: str, path: str, value: Any) -> str:
    """An object with another value at a path, see `flat`, written on one line.

    Example:
        >>> with_value('{"id": 1.0, "meta": {"label": null}}\\n', "meta.label", "good")
        '{"id": 1.0, "meta": {"label": "good"}}\\n'
    """
    values = json.loads(raw, strict=False)
    chat = chat_key(values)
    if is_task(values) and path.startswith(f"{LABELS}."):
        annotate(values, path.removeprefix(f"{LABELS}."), value if isinstance(value, list) else [value])
    elif chat is not None and path == f"{chat}.{LABEL}":
        answer(values[chat], value)
    else:
        _set(values, path, value)
    if is_answered(values):
        accept(values)
    return json.dumps(values, ensure_ascii=False) + raw[len(raw.rstrip("\r\n")) :]


def _set(place: Any, name: Any, value: Any) -> None:
    """Puts a value into an object at a path."""
    while name not in place and (key := next((key for key in place if str(name).startswith(f"{key}.")), None)):
        inner, rest = _within(place, key), str(name)[len(key) + 1 :]
        if place[key] == [] or (_are_labels(key, place[key]) and any(rest in one for one in place[key])):
            name, value = key, _objects_named(place[key], rest, value)
            break
        if not isinstance(inner[0][inner[1]], dict):
            break
        place, name = inner[0][inner[1]], rest
    if isinstance(value, list) or place.get(name) == []:
        place[name] = value if isinstance(value, list) else [value]
    else:
        place, name = _within(place, name) if name in place else (place, name)
        place[name] = value


def _objects_named(objects: Sequence[dict[str, Any]], member: str, value: Any) -> list[dict[str, Any]]:
    """Objects with these values as a member: those that there are, and others that have nothing else."""
    known = {str(one.get(member)): one for one in objects}
    return [known.get(one, {member: one}) for one in (value if isinstance(value, list) else [value])]


def _within(place: Any, key: Any) -> tuple[Any, Any]:
    """Where a value is: its list and 0 if it is in a list of one, see `flat`, else as it is given."""
    while isinstance(place[key], list) and len(place[key]) == 1:
        place, key = place[key], 0
    return place, key


def free_name(wanted: str, taken: Container[str]) -> str:
    """A name that is not taken: the one wanted, or that with a number."""
    names = itertools.chain([wanted], (f"{wanted}_{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)


def _as_written(value: Any, raw: str) -> str:
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, bool):
        value = "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # An escape can stand for half a character, which no file can hold, or for NUL.
    return _SURROGATE.sub(REPLACEMENT, text).replace("\0", "") if "\\u" in raw else text
