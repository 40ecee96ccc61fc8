"""Rows of Prodigy in JSON: labels that a person has accepted, rejected or ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ANSWER, _ACCEPT = "answer", "accept"  # `accept` is also the member with the labels that were chosen from several
_ANSWERS = frozenset({_ACCEPT, "reject", "ignore"})


def is_answered(values: Mapping[str, Any]) -> bool:
    """Whether an object has a label, or labels that were chosen from several, and an answer of Prodigy to it."""
    answer = values.get(_ANSWER)
    return isinstance(answer, str) and answer in _ANSWERS and ("label" in values or _has_choices(values))


def plain_answered(values: Mapping[str, Any]) -> dict[str, Any]:
    """An object without the label that was not accepted; the answer is left where a label of its own can be meant.

    Example:
        >>> plain_answered({"text": "fine", "label": "good", "answer": "reject"})
        {'text': 'fine', 'label': None, 'answer': 'reject'}
        >>> plain_answered({"text": "fine", "options": [], "accept": ["good"], "answer": "accept"})
        {'text': 'fine', 'options': [], 'accept': ['good']}
    """
    key = _ACCEPT if _has_choices(values) else "label"
    found = {**values, key: values[key] if values[_ANSWER] == _ACCEPT else None}
    if key == _ACCEPT:
        del found[_ANSWER]
    return found


def accept(values: dict[str, Any]) -> None:
    """Marks the label of an object as accepted."""
    values[_ANSWER] = _ACCEPT


def _has_choices(values: Mapping[str, Any]) -> bool:
    return _ACCEPT in values and isinstance(values.get("options"), list)
