"""Exports of Label Studio in JSON: tasks with the annotations of several people, as texts with labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

CHOICES = {"choices"}  # the only key of an object that holds several labels of a row
LABELS = "annotations"
_OLD_LABELS = "completions"  # until 2021


def is_task(values: Mapping[str, Any]) -> bool:
    """Whether an object is a task: what is to be labelled in `data`, beside a list of annotations."""
    return isinstance(values.get("data"), dict) and isinstance(values.get(LABELS, values.get(_OLD_LABELS)), list)


def plain_task(values: Mapping[str, Any]) -> dict[str, Any]:
    """A task as an object whose columns are the texts and the labels; its other columns say nothing of either.

    Of several annotations the choices that most people made count, those of the first where they differ alike; one
    that is marked as the truth goes before all, and one that was cancelled does not count.

    Example:
        >>> result = [{"from_name": "mood", "type": "choices", "value": {"choices": ["good"]}}]
        >>> plain_task({"id": 7, "data": {"text": "fine"}, "annotations": [{"result": result}]})
        {'id': 7, 'data': {'text': 'fine'}, 'annotations': {'mood': ['good']}}
    """
    made = [one for one in values.get(LABELS, values.get(_OLD_LABELS)) or [] if isinstance(one, dict)]
    made = [one for one in made if not one.get("was_cancelled")]
    made = [one for one in made if one.get("ground_truth")] or made
    votes: dict[str, Counter[tuple[str, ...]]] = {}
    for annotation in made:
        for result in annotation.get("result") or ():
            choices = result.get("value", {}).get("choices") if isinstance(result, dict) else None
            if isinstance(choices, list):
                own = votes.setdefault(str(result.get("from_name", "choice")), Counter())
                own[tuple(str(choice) for choice in choices if choice is not None)] += 1
    labels = {name: list(counts.most_common(1)[0][0]) for name, counts in votes.items()}
    return {"id": values.get("id"), "data": values["data"], LABELS: labels or None}


def annotate(task: dict[str, Any], name: str, labels: list[str]) -> None:
    """Adds an annotation with choices to a task, as Label Studio imports it."""
    key = LABELS if LABELS in task else _OLD_LABELS
    text = next((key for key, value in task["data"].items() if isinstance(value, str)), "text")
    result = {"from_name": name, "to_name": text, "type": "choices", "value": {"choices": labels}}
    task[key] = [*task[key], {"result": [result]}]
