"""Pairs out of JSON: an object or a list of two texts on each line, or a list of such."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from textrnn.base.errors import DataError
from textrnn.report.layout import in_a_line

SOURCES = ("source", "src", "user", "instruction", "input", "question", "prompt", "original", "from")
TARGETS = ("target", "tgt", "trg", "assistant", "output", "answer", "completion", "response", "translation", "to")
TALKS = ("messages", "conversations", "conversation")  # keys of lists of what was said in turn
SAYS, ANSWERS = ("user", "human"), ("assistant", "gpt", "bot")  # who says it
SAMPLE = 1000  # records whose keys are looked at


def read_json(lines: Sequence[str], label: str, wanted: Sequence[str | None]) -> tuple[list[tuple[str, str]], int, str]:
    """The pairs of a file.

    Args:
        lines: of the file.
        label: what to call it.
        wanted: keys of source and target, with dots for those within objects (`translation.en`); None to choose.

    Returns:
        the pairs, how many records are none, and the keys in words.

    Raises:
        DataError: it is no JSON, or which keys are meant is not clear.

    Example:
        >>> read_json(['{"translation": {"en": "tea", "fr": "thé"}}', '{"id": 3}'], "a.jsonl", (None, None))
        ([('tea', 'thé')], 1, 'translation.en to translation.fr')
    """
    records = [_texts(one, "") for value in _values(lines, label) for one in _exchanges(value)]
    counts = Counter(key for record in records[:SAMPLE] for key in record)
    source, target = _keys(list(counts), label, wanted)
    whole = [record for record in records if source in record and target in record]
    return [(one[source], one[target]) for one in whole], len(records) - len(whole), f"{source} to {target}"


def _values(lines: Sequence[str], label: str) -> list[Any]:
    """What the lines hold, or the list that all of them are."""
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                try:
                    whole = json.loads("\n".join(lines))
                except (ValueError, RecursionError):
                    raise DataError(f"{label}, line {number} is no JSON: {error!s:.80}") from None
                found = [whole]
                break
    if len(found) == 1 and isinstance(found[0], Mapping):  # such as {"version": 1, "data": [...]}
        lists = [each for key, each in found[0].items() if isinstance(each, list) and each and key not in TALKS]
        found = lists if len(lists) == 1 and isinstance(lists[0][0], Mapping) else found
    return found[0] if len(found) == 1 and isinstance(found[0], list) and not _texts(found[0], "") else found


def _exchanges(value: Any) -> list[Any]:
    """What a record comes to: each thing that was said in a talk with the answer to it, or the record itself.

    Example:
        >>> _exchanges({"messages": [{"role": "user", "content": "tea?"}, {"role": "assistant", "content": "yes"}]})
        [{'user': 'tea?', 'assistant': 'yes'}]
        >>> _exchanges({"instruction": "Add.", "input": "1 2", "output": "3"})
        [{'instruction': 'Add. 1 2', 'output': '3'}]
    """
    if not isinstance(value, Mapping):
        return [value]
    talk = next((value[key] for key in TALKS if isinstance(value.get(key), list)), None)
    if talk is None:
        if isinstance(value.get("instruction"), str) and isinstance(value.get("input"), str):
            more = {key: each for key, each in value.items() if key != "input"}
            return [{**more, "instruction": f"{value['instruction']} {value['input']}".strip()}]
        return [value]
    turns = [
        (one.get("role", one.get("from")), one.get("content", one.get("value")))
        for one in talk
        if isinstance(one, Mapping)
    ]
    return [
        dict(user=said, assistant=answer)
        for (who, said), (other, answer) in itertools.pairwise(turns)
        if who in SAYS and other in ANSWERS
    ]


def _texts(value: Any, path: str) -> dict[str, str]:
    """All texts within a value by their paths; those of a list of two are 1 and 2."""
    if isinstance(value, str):
        return {path: value}
    if isinstance(value, Mapping):
        items = [(str(key), each) for key, each in value.items()]
    elif isinstance(value, list) and len(value) == 2:
        items = [("1", value[0]), ("2", value[1])]
        if not all(isinstance(each, str) for each in value):
            return {}
    else:
        return {}
    found: dict[str, str] = {}
    for key, each in items:
        found |= _texts(each, f"{path}.{key}" if path else key)
    return found


def _keys(keys: Sequence[str], label: str, wanted: Sequence[str | None]) -> tuple[str, str]:
    """The keys of source and target."""
    found = []
    for name, known, flag in zip(wanted, (SOURCES, TARGETS), ("--source-column", "--target-column"), strict=True):
        names = known if name is None else (name,)
        found.append(next((key for each in names for key in keys if each in (key, key.rpartition(".")[2])), None))
        if name is not None and found[-1] is None:
            raise DataError(f"{label} has no text {name!r:.40} as {flag}: there are {in_a_line(keys)}")
    rest = [key for key in keys if key not in found]
    if found.count(None) == len(rest):
        found = [rest.pop(0) if key is None else key for key in found]
    if None in found or found[0] == found[1]:
        raise DataError(
            f"{label}: its texts are {in_a_line(keys) or 'none'}; name two by --source-column and --target-column"
        )
    return str(found[0]), str(found[1])
