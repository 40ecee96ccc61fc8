"""The charts of `report.html`: marks of an inline SVG, which the template `macros.html` writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from textrnn.report.differences import MAJORITY
from textrnn.report.layout import percent
from textrnn.report.metrics import wilson_interval

# All charts are 460 wide: on a telephone they are drawn smaller, and their text has to stay readable.
WIDTH = 460
# A bin of fewer rows is shown, but no line leads through it: that would show nothing but its scatter.
STEADY_ROWS = 10
# Classes of the style sheet for the lines of different networks.
# What networks learn each kind of labels by.
LOSSES = {
    "classes": "log-loss (nats)",
    "multi": "log-loss of all labels (nats)",
    "grades": "log-loss of all borders between grades (nats)",
    "numbers": "Huber loss",
}
LINES = ("line", "other", "line dotted", "other dotted", "third")

Mark = tuple[str, dict[str, Any], str]


class Chart(NamedTuple):
    """A picture.

    Attributes:
        title: what it shows, in words, for screen readers.
        height: in pixels.
        marks: tag, attributes and text of each element of the SVG.
    """

    title: str
    height: int
    marks: Sequence[Mark]
    width: int = WIDTH


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str | None = "axis") -> Mark:
    return "text", {"x": round(x, 1), "y": round(y, 1), "text-anchor": anchor, "class": kind}, text


def _line(x: float, y: float, to_x: float, to_y: float, kind: str) -> Mark:
    ends = {"x1": round(x, 1), "y1": round(y, 1), "x2": round(to_x, 1), "y2": round(to_y, 1)}
    return "line", {**ends, "class": kind}, ""


def _dot(x: float, y: float, radius: float, kind: str) -> Mark:
    return "circle", {"cx": round(x, 1), "cy": round(y, 1), "r": round(radius, 1), "class": kind}, ""


def _path(points: Sequence[tuple[float, float]], kind: str) -> Mark:
    return "polyline", {"points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points), "class": kind}, ""


def _scale(low: float, high: float, begin: float, end: float) -> Callable[[float], float]:
    """Where values from low to high are between two coordinates; in the middle if low is high."""
    return lambda value: begin + ((value - low) / (high - low) if high > low else 0.5) * (end - begin)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from low to high, about as many as asked for.

    Example:
        >>> ticks(0.71, 0.93)
        [0.75, 0.8, 0.85, 0.9]
    """
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    return [round(k * step, 12) for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def accuracy_chart(models: Mapping[str, Mapping[str, Any]], chosen: str) -> Chart:
    """The accuracy of each model as a dot in its 95 % interval.

    If the most frequent label is far below all models, an arrow points to it: on its scale the models would not differ.

    Args:
        models: what `evaluate` gives for each.
        chosen: the model that is emphasised.
    """
    left, right, row = 92, 384, 30
    intervals = [test["accuracy_interval"] for name, test in models.items() if name != MAJORITY or len(models) == 1]
    low, high = min(interval[0] for interval in intervals), max(interval[1] for interval in intervals)
    pad = max(0.005, (high - low) * 0.15)
    low, high = max(0.0, low - pad), min(1.0, high + pad)
    across, bottom, marks = _scale(low, high, left, right), row * len(models) + 8, list[Mark]()
    for tick in ticks(low, high):
        x = across(tick)
        marks += [_line(x, 4, x, bottom, "grid"), _text(x, bottom + 18, f"{100 * tick:g} %", anchor="middle")]
    for number, (name, test) in enumerate(models.items()):
        y, kind = row * number + 20, "strong" if name == chosen else None
        marks.append(_text(left - 14, y + 4, name, anchor="end", kind=kind))
        marks.append(_text(right + 16, y + 4, percent(test["accuracy"]), kind=kind))
        begin, end = (across(limit) for limit in test["accuracy_interval"])
        if end < left:
            marks.append(("path", {"d": f"M{left + 2} {y} l9 -5 v10 z", "class": "plain"}, ""))
            continue
        stroke, dot = ("line", "dot") if name == chosen else ("plain", "plain")
        marks.append(_line(max(left, begin), y, min(right, end), y, stroke))
        if test["accuracy"] >= low:
            marks.append(_dot(across(test["accuracy"]), y, 5, dot))
    values = ", ".join(f"{name} {percent(test['accuracy'])}" for name, test in models.items())
    return Chart(f"accuracy with 95 % interval: {values}", bottom + 28, marks)


def reliability_chart(bins: Sequence[Mapping[str, Any]]) -> Chart:
    """How often predictions are right against how sure the model is, above the number of rows of each confidence.

    Args:
        bins: see `reliability`.
    """
    left, right, top, bottom, floor = 60, 420, 12, 312, 402
    begin = 0.4 if bins[0]["low"] >= 0.4 else 0.0  # two classes: nothing is below one half
    most = max(one["rows"] for one in bins)
    across, up, marks = _scale(begin, 1, left, right), _scale(0, 1, bottom, top), list[Mark]()
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1):
        marks += [_line(left, up(tick), right, up(tick), "grid")]
        marks += [_text(left - 8, up(tick) + 4, f"{100 * tick:g} %", anchor="end")]
        if tick >= begin:
            marks += [_line(across(tick), top, across(tick), bottom, "grid")]
            marks += [_text(across(tick), floor + 18, f"{100 * tick:g} %", anchor="middle")]
    marks.append(_line(across(begin), up(begin), across(1), up(1), "ideal"))
    steady = [one for one in bins if one["rows"] >= STEADY_ROWS]
    marks.append(_path([(across(one["confidence"]), up(one["accuracy"])) for one in steady], "line"))
    for one in bins:
        x, rows = across(one["confidence"]), one["rows"]
        low, high = wilson_interval(round(one["accuracy"] * rows), rows)
        marks.append(_line(x, up(low), x, up(high), "span"))
        kind = "dot" if rows >= STEADY_ROWS else "faint"
        marks.append(_dot(x, up(one["accuracy"]), 3 + 4 * math.sqrt(rows / most), kind))
        height, bar = max(1.5, rows / most * (floor - bottom - 18)), across(max(begin, one["low"])) + 1
        size = {"width": round(across(one["high"]) - 1 - bar, 1), "height": round(height, 1)}
        marks.append(("rect", {"x": round(bar, 1), "y": round(floor - height, 1), **size, "class": "bars"}, ""))
    marks.append(_line(left, floor, right, floor, "grid"))
    marks.append(_text((left + right) / 2, floor + 38, "how sure the model is", anchor="middle"))
    tag, attributes, text = _text(14, (top + bottom) / 2, "how often it is right", anchor="middle")
    marks.append((tag, {**attributes, "transform": f"rotate(-90 14 {(top + bottom) / 2})"}, text))
    marks.append(_text(left - 8, floor - 20, "rows", anchor="end"))
    title = "how often predictions are right for each level of confidence; see the table"
    return Chart(title, floor + 50, marks)


def learning_chart(history: Sequence[Mapping[str, Any]], loss: str = LOSSES["classes"]) -> Chart | None:
    """The loss of each network over its epochs. None if no network made two of them.

    Args:
        history: a row for each epoch of each network: `network`, `epoch`, `train_nats`.
        loss: what it is called.
    """
    curves: dict[int, list[tuple[float, float]]] = {}
    for row in history:
        point = (float(row["epoch"]), float(row["train_nats"]))
        if math.isfinite(sum(point)):
            curves.setdefault(int(row["network"]), []).append(point)
    curves = {network: points for network, points in curves.items() if len(points) > 1}
    if not curves:
        return None
    left, right, top, bottom = 60, 440, 40, 250
    xs, ys = ([point[k] for points in curves.values() for point in points] for k in (0, 1))
    begin, end, high = min(xs), max(xs), max(*ys, 0.01) * 1.04
    across, up = _scale(begin, end, left, right), _scale(0, high, bottom, top)
    marks = [_text(8, 18, loss)]
    for tick in ticks(0, high):
        marks += [_line(left, up(tick), right, up(tick), "grid")]
        marks += [_text(left - 8, up(tick) + 4, f"{tick:g}", anchor="end")]
    marks += [_text(across(tick), bottom + 18, f"{tick:g}", anchor="middle") for tick in ticks(begin, end, 8)]
    marks.append(_text((left + right) / 2, bottom + 38, "passes over the rows (epochs)", anchor="middle"))
    for number, (network, points) in enumerate(curves.items()):
        kind, x = LINES[number % len(LINES)], right - 52.0 * (len(curves) - number)
        marks += [_line(x, 14, x + 24, 14, kind), _text(x + 30, 18, f"{network}")]
        marks.append(_path([(across(epoch), up(nats)) for epoch, nats in points], kind))
    marks.append(_text(right - 52.0 * len(curves) - 8, 18, "network", anchor="end"))
    values = "; ".join(
        f"network {network} from {points[0][1]:.3g} to {points[-1][1]:.3g}" for network, points in curves.items()
    )
    return Chart(f"{loss} of the rows learnt from, over epochs: {values}", bottom + 48, marks)
