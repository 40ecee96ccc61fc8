"""JSON of one value that is no array of objects: by columns, by index and the other forms in which pandas writes it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from textrnn.base.errors import DataError
from textrnn.text.encodings import BAD, REPLACEMENT
from textrnn.text.reader import opened
from textrnn.text.table.column_facts import column_facts
from textrnn.text.table.column_names import EXACT, label_hint, text_hint
from textrnn.text.table.header import has_header
from textrnn.text.table.json_labelled import SAID, are_objects, are_texts, is_object, labelled_texts
from textrnn.text.table.json_lines import flat, free_name, parse_object
from textrnn.text.table.name_words import PARTS
from textrnn.text.table.options import TableOptions
from textrnn.text.table.origin import NewRow, Origin, temporary_table
from textrnn.text.table.source import Encoding, encoding_remarks, inspect_table, table_lines

MAX_DEPTH = 4  # of objects around a list of records
MOST_AROUND = 6  # members of an object in which one holds such a list
LOOKED_AT = 20  # records, for their keys
MAX_FACT_ROWS = 2_000
FAR_LONGER = 5  # times as long as any other is a list of records that is meant
MOST_PROSE = 0.5  # share of keys with several words, from which on they are texts
_HEAD_BYTES = 1 << 10
_BEGIN = re.compile(rb'\{\s*"|\[\s*(?:["\[\d-]|null|true|false)')  # of JSON, but for an array of objects
_INTENTS = re.compile(rb'\[\s*\{[^\[\]{}]*"(?:' + "|".join(sorted(SAID)).encode() + rb')"\s*:\s*\[')
_BETWEEN = re.compile(r"\s*,?\s*")  # objects one behind the other
_TRAIN = frozenset({"train", "training", "训练", "训练集"})  # what the part of a data set to learn from is called
COLUMNS, INDEX, LISTS, SPLIT, RECORDS = "columns", "index", "lists", "split", "records"
VALUES, HEADED, TEXTS, OBJECT, LABELLED, PAIRS = "values", "headed", "texts", "object", "labelled", "pairs"
_WORDS = {
    COLUMNS: "a JSON object of columns",
    INDEX: "a JSON object of rows",
    LISTS: "a JSON object of lists",
    SPLIT: "JSON with columns, index and data",
    VALUES: "a JSON array of arrays, no header",
    HEADED: "a JSON array of arrays",
    TEXTS: "a JSON array of texts",
    RECORDS: "JSON with a list of records",
    OBJECT: "a JSON object",
    LABELLED: "a JSON object of texts by label",
    PAIRS: "a JSON object of labels by text",
}


@dataclass
class Frame:
    """Rows out of a JSON value.

    Attributes:
        orient: how they are in it: one of the constants of this file.
        names: of the columns; of VALUES their numbers, and none where rows are objects.
        rows: the cells of each; an object each of RECORDS and OBJECT.
        index: what the value calls each row, of COLUMNS and INDEX.
        path: of RECORDS the keys of the list.
        part: the key of all this, where a data set is in parts.
        left_out: of a data set in parts the keys of the others.
    """

    orient: str
    rows: Sequence[Any]
    names: Sequence[str] = ()
    index: Sequence[str] = ()
    path: tuple[str, ...] = ()
    part: str | None = None
    left_out: Sequence[str] = ()


def frame_of(value: Any, label: str) -> Frame | None:
    """The rows that a JSON value holds; None if it is an object that may be a row itself.

    Args:
        value: an object, or an array that does not begin with an object.
        label: what to call the file in messages.

    Raises:
        DataError: it holds no rows, or several lists that may be meant.

    Example:
        >>> found = frame_of({"text": {"0": "fine", "1": "bad"}, "label": {"0": 1, "1": 0}}, "a.json")
        >>> found.orient, found.names, found.rows
        ('columns', ['text', 'label'], [['fine', 1], ['bad', 0]])
        >>> frame_of({"columns": ["text"], "index": [7], "data": [["fine"]]}, "a.json").rows
        [['fine']]
    """
    train = None if isinstance(value, list) else _train_of(value)
    if train is None and (labelled := labelled_texts(value)) is not None:
        return Frame(LABELLED, labelled, ["text", "label"])
    if isinstance(value, list):
        return Frame(RECORDS, value) if all(map(is_object, value)) else _of_array(value, label)
    if train is not None and (frame := frame_of(value[train], label)) is not None:
        return replace(frame, part=train, left_out=[key for key in value if key != train])
    columns, data, schema = value.get("columns"), value.get("data"), value.get("schema")
    if isinstance(columns, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return Frame(SPLIT, data, _different([_name(column) for column in columns]))
    if isinstance(schema, dict) and "fields" in schema and isinstance(data, list) and all(map(is_object, data)):
        return Frame(RECORDS, data, path=("data",))
    own = list(value.values())
    is_nested = _is_around(own) and bool(dict(_lists_within(value, ())))
    if own and all(isinstance(part, dict) and part for part in own) and not is_nested:
        return _of_objects(value)
    if _are_pairs(value):
        return Frame(PAIRS, [[text, one] for text, one in value.items()], ["text", "label"])
    if _is_row(value):
        return Frame(OBJECT, [value])
    if listed := _lists_of_columns(value):
        return Frame(LISTS, list(map(list, zip(*listed.values(), strict=True))), list(listed))
    if (array := _array_within(value)) is not None:
        names = next((part for part in own if are_texts(part) and len(part) == len(array[0])), None)
        return _of_array(array, label) if names is None else Frame(HEADED, array, _different(names))
    return _records(value, label)


def _is_around(own: Sequence[Any]) -> bool:
    """Whether the members of an object stand around a list of rows, and are no rows or columns themselves."""
    if len(own) == 1:
        return True
    keys = [frozenset(part) for part in own if isinstance(part, dict)]
    return len(own) <= MOST_AROUND and len(set(keys)) == len(own) and not any(map(_is_row, own))


def _lists_of_columns(value: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The lists of the same length that hold a cell of each row; other members, such as names of classes, are shorter.

    Example:
        >>> _lists_of_columns({"texts": ["a", "b", "c"], "labels": [0, 1, 0], "names": ["bad", "good"], "n": 3})
        {'texts': ['a', 'b', 'c'], 'labels': [0, 1, 0]}
    """
    lists = {key: own for key, own in value.items() if isinstance(own, list) and own and not any(map(is_object, own))}
    most = max(map(len, lists.values()), default=0)
    found = {key: own for key, own in lists.items() if len(own) == most}
    is_table = len(found) > 1 and any(are_texts(own) for own in found.values())
    return found if is_table or len(found) == len(value) > 1 else {}


def _array_within(value: Mapping[str, Any]) -> list[list[Any]] | None:
    """The only member that is a list of rows, each a list; None if there is none, or several."""
    arrays = [own for own in value.values() if isinstance(own, list) and own and all(isinstance(r, list) for r in own)]
    return arrays[0] if len(arrays) == 1 and len(arrays[0][0]) > 1 else None


def _train_of(value: Mapping[str, Any]) -> str | None:
    """The key of what to learn from in an object of the parts of a data set; None for others."""
    parts = [key for key, own in value.items() if key.casefold().rpartition("_")[2] in PARTS and own]
    train = [key for key in parts if key.casefold() in _TRAIN]
    others = [own for key, own in value.items() if key not in parts]  # such as the names of the labels
    is_whole = len(parts) > 1 and len(train) == 1 and not any(are_objects(own) for own in others)
    return train[0] if is_whole and all(isinstance(value[key], (list, dict)) for key in parts) else None


def _are_pairs(value: Mapping[str, Any]) -> bool:
    """Whether keys are texts, and the values a few labels that come again and again."""
    if not all(isinstance(own, (str, int)) for own in value.values()):
        return False
    rows = [(text, str(label)) for text, label in islice(value.items(), MAX_FACT_ROWS)]
    texts, labels = column_facts(rows, 2)
    return texts.prose >= MOST_PROSE and labels.is_few


def _of_array(value: Sequence[Any], label: str) -> Frame:
    if all(isinstance(row, list) for row in value):
        width = max(map(len, value))
        cells = [[*("" if cell is None else str(cell) for cell in row), *[""] * (width - len(row))] for row in value]
        if width and has_header(cells[0], column_facts(cells[1:][:MAX_FACT_ROWS], width)):
            return Frame(HEADED, value[1:], _different(cells[0]))
        return Frame(VALUES, value, [str(number) for number in range(1, width + 1)])
    if all(isinstance(row, str) for row in value):
        return Frame(TEXTS, [[row] for row in value], ["text"])
    raise DataError(f"{label} is a JSON array of different things: expected objects, such as {_EXAMPLE}")


_EXAMPLE = '[{"text": "...", "label": "..."}, ...]'


def _of_objects(value: Mapping[str, Mapping[str, Any]]) -> Frame | None:
    """The rows of an object of objects: either the outer keys name its columns, or the inner ones do."""
    outer, inner = list(value), list(dict.fromkeys(key for own in value.values() for key in own))
    is_whole = all(len(own) == len(inner) for own in value.values())
    if not is_whole and (len(outer) < 2 or any(2 * len(own) < len(inner) for own in value.values())):
        return None
    if not is_whole or _names_columns(inner) > _names_columns(outer):
        rows = [[own.get(key) for key in inner] for own in value.values()]
        return Frame(INDEX, rows, inner, outer)
    if _names_columns(outer) == _names_columns(inner) and len(outer) > len(inner):
        return Frame(INDEX, [[own[key] for key in inner] for own in value.values()], inner, outer)
    return Frame(COLUMNS, [[own[key] for own in value.values()] for key in inner], outer, inner)


def _names_columns(keys: Sequence[str]) -> tuple[float, bool]:
    """How much keys look like names of columns: those that are known, else those that are no numbers."""
    known = max(map(text_hint, keys)) + max(map(label_hint, keys)) if len(keys) <= 1_000 else 0.0
    return known, not all(key.lstrip("-").isdigit() for key in keys)


def _records(value: Mapping[str, Any], label: str) -> Frame | None:
    """The only list of objects in an object, or that whose keys are known for texts and labels, or much the longest."""
    found = dict(_lists_within(value, ()))
    if not found:
        return None
    weights = {path: _names_columns(_keys(rows))[0] for path, rows in found.items()}
    best = [path for path in found if weights[path] == max(weights.values())]
    longest = max(best, key=lambda path: len(found[path]))
    if any(FAR_LONGER * len(found[path]) > len(found[longest]) for path in best if path != longest):
        shown = ", ".join(f"{'.'.join(path)!r} ({len(found[path]):,})" for path in best[:5])
        raise DataError(
            f"{label} holds several lists of records ({shown}): expected one; write the one you mean to a file alone"
        )
    return Frame(RECORDS, found[longest], path=longest)


def _lists_within(value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for key, own in value.items():
        if isinstance(own, list) and own and all(map(is_object, own)):
            yield (*path, key), own
        elif isinstance(own, dict) and len(path) < MAX_DEPTH:
            yield from _lists_within(own, (*path, key))


def _keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows[:LOOKED_AT] for key in flat(row))) or [""]


def _different(names: Sequence[str]) -> list[str]:
    """Names of columns, those that come again with a number."""
    found = list[str]()
    for name in names:
        found.append(free_name(name, found))
    return found


def _name(column: Any) -> str:
    """The name of a column, which pandas gives as a list where it has several levels."""
    return ".".join(map(str, column)) if isinstance(column, list) else str(column)


@contextlib.contextmanager
def json_as_table(path: str, label: str, name: str, options: TableOptions) -> Iterator[Origin | None]:
    """Reads a file of one JSON value that is no stream of objects, as a table; None if the file is none.

    Args:
        path: where it is.
        label: what to call it in messages.
        name: of the file; its suffix tells whether it has to be JSON.
        options: what is known of it.

    Raises:
        DataError: it is JSON, and no table; or it should be JSON and is none.
    """
    found = _whole_value(path, label, name, options)
    frame = None if found is None else frame_of(found.value, label)
    if found is None or (frame is None and not found.is_indented):
        yield None
        return
    frame = frame or Frame(OBJECT, [found.value])
    with temporary_table(".jsonl") as (file, place):
        for row in frame.rows:
            cells = row if isinstance(row, dict) else dict(zip(frame.names, row, strict=False))
            file.write(json.dumps(cells, ensure_ascii=False) + "\n")
        file.flush()
        words = _WORDS[frame.orient]
        if found.is_lines:
            words = "JSON lines of arrays" if frame.orient != RECORDS else "JSON objects one behind the other"
        keys = [*([] if frame.part is None else [frame.part]), *frame.path]
        words += f" in {'.'.join(keys)!r:.60}" if keys else ""

        def write(file: BinaryIO, names: Sequence[str], rows: Iterator[NewRow]) -> None:
            made = _written(found.value, frame, names, list(rows))
            for one in made if found.is_lines else [made]:
                text = json.dumps(one, ensure_ascii=False, indent=2 if found.is_indented else None)
                file.write(f"{text}\n".encode("utf-8", "replace"))

        remarks = encoding_remarks(name, found.encoding)
        if frame.left_out:
            others = ", ".join(f"{key!r:.60}" for key in frame.left_out)
            remarks.append(f"{name}: {frame.part!r} is read, and {others} left out: write a part to a file to read it")
        yield Origin(place, words, write, encoding=found.encoding.name, remarks=remarks)


class _File(NamedTuple):
    """What a file of JSON holds: one value; an array a line, or objects over several lines, which together are one."""

    value: Any
    encoding: Encoding
    is_indented: bool
    is_lines: bool = False


def _whole_value(path: str, label: str, name: str, options: TableOptions) -> _File | None:
    """What a file of JSON holds; None for other files.

    Those are: what is no JSON, JSON lines, and what is read as a stream: an array of objects, also alone in an object.
    """
    with opened(path, label) as stream:
        head = stream.read(_HEAD_BYTES).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if not (_BEGIN.match(head) or _INTENTS.match(head)):
        return None
    found = inspect_table(path, label, options.encoding, strict=options.strict_encoding)
    with contextlib.closing(table_lines(path, label, found)) as source:
        lines = (line for line in source if not line.isspace())
        first = list(islice(lines, 2))
        if len(first) == 2 and any(parse_object(line) is not None for line in first) and not _ends_with_comma(first[0]):
            return None
        text = "".join([*first, *lines]).replace(BAD, REPLACEMENT)
    if len(first) == 2 and all(map(_is_array, first)):
        rows = [json.loads(line, strict=False) for line in text.split("\n") if _is_array(line)]
        return _File(rows, found, False, True)
    try:
        value = json.loads(text, strict=False)
    except RecursionError:
        raise DataError(f"{label} holds JSON that is nested too deep: expected objects of texts and labels") from None
    except ValueError as error:
        if objects := _objects_in(text):
            return _File(objects, found, text.count("\n") > len(objects), True)
        if name.lower().endswith(".json"):
            raise DataError(f"{label} is no whole JSON ({error}): save it again, or name its form with -d") from None
        return None
    return None if _is_stream(value) else _File(value, found, len(first) > 1)


def _objects_in(text: str) -> list[Any]:
    """The objects of a text that has nothing else in it but commas, as jq writes them; none of other texts.

    Example:
        >>> _objects_in('{"text": "a"},\\n{\\n "text": "b"}'), _objects_in('{"text": "a"} b')
        ([{'text': 'a'}, {'text': 'b'}], [])
    """
    decoder, place, found = json.JSONDecoder(strict=False), 0, list[Any]()
    text = text.strip()
    while place < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return []
        found.append(value)
        between = _BETWEEN.match(text, place)
        place = between.end() if between else place
    return found if all(map(is_object, found)) else []


def _ends_with_comma(line: str) -> bool:
    return line.rstrip().endswith(",")


def _is_array(line: str) -> bool:
    try:
        return isinstance(json.loads(line, strict=False), list)
    except (ValueError, RecursionError):
        return False


def _is_row(value: Mapping[str, Any]) -> bool:
    """Whether an object has a text of its own, beside lists of labels and the like."""
    return any(isinstance(own, str) and text_hint(key) == EXACT for key, own in value.items())


def _is_stream(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(map(is_object, value)) and labelled_texts(value) is None
    if not isinstance(value, dict):
        return True
    if _is_row(value) or labelled_texts(value) is not None:
        return False
    filled = [own for own in value.values() if isinstance(own, (list, dict)) and own]
    return len(filled) == 1 and isinstance(filled[0], list) and all(map(is_object, filled[0]))


def _written(value: Any, frame: Frame, names: Sequence[str], rows: Sequence[NewRow]) -> Any:
    """The value with the new columns, of these rows alone."""
    if frame.part is not None:
        return {**value, frame.part: _written(value[frame.part], replace(frame, part=None), names, rows)}
    objects = [json.loads(new.raw) for new in rows]
    if not frame.names:
        records = [{**one, **dict(zip(names, new.added, strict=True))} for one, new in zip(objects, rows, strict=True)]
        return _of_records(value, frame, records, names)
    made: list[Any] = [[*map(one.get, frame.names), *new.added] for one, new in zip(objects, rows, strict=True)]
    header, places = [*frame.names, *names], [new.place for new in rows]
    if frame.orient in (VALUES, HEADED):
        return made if frame.orient == VALUES else [header, *made]
    if frame.orient in (TEXTS, LABELLED, PAIRS):
        return [dict(zip(header, row, strict=True)) for row in made]
    if frame.orient == LISTS:
        return {**value, **{name: [row[column] for row in made] for column, name in enumerate(header)}}
    if frame.orient == SPLIT:
        kept = {"index": [value["index"][place] for place in places]} if "index" in value else {}
        return {**value, "columns": [*value["columns"], *names], **kept, "data": made}
    index = [frame.index[place] for place in places]
    if frame.orient == INDEX:
        return {key: dict(zip(header, row, strict=True)) for key, row in zip(index, made, strict=True)}
    return {name: {key: row[at] for key, row in zip(index, made, strict=True)} for at, name in enumerate(header)}


def _of_records(value: Any, frame: Frame, made: list[dict[str, Any]], names: Sequence[str]) -> Any:
    """The value with other records; the schema of pandas names the new columns too."""
    if not frame.path:
        return made if isinstance(value, list) else made[0] if made else {}
    whole = _with_list(value, frame.path, made)
    schema = value.get("schema")
    if isinstance(schema, dict) and isinstance(schema.get("fields"), list):
        kinds = ["number" if all(isinstance(row[name], (int, float)) for row in made) else "string" for name in names]
        added = [{"name": name, "type": kind} for name, kind in zip(names, kinds, strict=True)]
        whole["schema"] = {**schema, "fields": [*schema["fields"], *added]}
    return whole


def _with_list(value: Mapping[str, Any], path: Sequence[str], made: list[Any]) -> dict[str, Any]:
    first, *rest = path
    return {**value, first: _with_list(value[first], rest, made) if rest else made}
