"""What a saved classifier says of itself, checked once where it is opened: a checksum can be right over nonsense."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from textrnn.classifier.kinds import CostClasses, Grades, Several
from textrnn.classifier.label_kind import NUMBERS, SEVERAL, LabelKind


def check_kind(kind: LabelKind) -> None:
    """Raises ValueError where a kind of labels out of `run.json` is none: names that are no texts, values that miss."""
    names: Any = kind.names
    if kind.task == NUMBERS:
        _numbers("middle and spread", [getattr(kind, name) for name in ("middle", "spread")], 2)
        return
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise ValueError(f"the labels are {names!r:.60}")
    if not names or kind.num_outputs < 1:
        raise ValueError(f"there are {len(names)} labels")
    if isinstance(kind, Grades):
        _numbers("values", kind.values, len(names))
    elif isinstance(kind, CostClasses):
        _numbers("costs", kind.costs, len(names))
    elif isinstance(kind, Several) and not isinstance(kind.separator, str):
        raise ValueError(f"the separator is {kind.separator!r:.60}")


def check_parts(model: Any) -> None:
    """Raises ValueError where the parts of a `TextClassifier` do not belong together."""
    width = len(model.kind.names) or 1
    there = {"linear": model.linear is not None, "rnn": model.networks is not None}
    there["combined"] = all(there.values()) and model.mixture is not None
    if not there.get(model.chosen):
        raise ValueError(f"chosen is {model.chosen!r:.40}, where there is {[name for name in there if there[name]]}")
    if model.networks is not None and not model.networks.members:
        raise ValueError("there are no networks")
    if model.linear is not None and len(model.linear.bias) != model.kind.num_outputs:
        raise ValueError(f"the linear model has {len(model.linear.bias)} outputs, expected {model.kind.num_outputs}")
    if model.mixture is not None and len(model.mixture.weights) != 2:
        raise ValueError(f"the mixture has {len(model.mixture.weights)} weights, expected 2")
    _numbers("shares", model.mean.tolist(), width)
    for name, value in model.temperatures.items():
        if not 0 < value < math.inf:
            raise ValueError(f"the temperature of {name!r:.40} is {value}")
    if model.kind.task in (SEVERAL, NUMBERS):
        _numbers("decisions", model.decision_of(model.chosen).tolist(), width)


def _numbers(what: str, values: Any, count: int) -> None:
    """Raises ValueError unless there are so many finite numbers."""
    are_numbers = isinstance(values, list) and all(isinstance(value, int | float) for value in values)
    if not are_numbers or len(values) != count or not np.isfinite(np.array(values, np.float64)).all():
        raise ValueError(f"{what} are {values!r:.60}, expected {count} numbers")
