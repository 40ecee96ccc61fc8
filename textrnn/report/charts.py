"""The pictures of `report.html` as inline SVG: text stays text, readable in any script; colours follow the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from textrnn.report.layout import percent
from textrnn.report.metrics import wilson_interval
from textrnn.report.verdict import MAJORITY
from textrnn.report.web import escaped

# All pictures are about 450 wide: on a telephone they are drawn smaller, and their text has to stay readable.
# A bin of fewer rows is shown, but no line leads through it.
STEADY_ROWS = 10
# Lines of networks that are told apart: kinds of the style sheet.
LINES = ("line", "other", "line dotted", "other dotted", "third")


def svg(parts: Sequence[str], width: int, height: int, title: str) -> str:
    """A picture with a title for those who hear the page."""
    return (
        f'<svg role="img" aria-label="{escaped(title)}" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def text_at(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "axis") -> str:
    """Text in a picture; `anchor` is start, middle or end."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escaped(text)}</text>'


def line_at(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    """A straight line in a picture."""
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" class="{kind}"/>'


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


def accuracy_picture(models: Mapping[str, Mapping[str, Any]], chosen: str | None) -> str:
    """The accuracy of each model as a dot in its 95 % interval.

    A most frequent label that is far below all models is only pointed to: in scale, the models would not differ.

    Args:
        models: what `evaluate` gives for each.
        chosen: which of them is drawn strong.
    """
    left, right, row, width = 92, 384, 30, 460
    trained = [test for name, test in models.items() if name != MAJORITY] or list(models.values())
    low: float = min(test["accuracy_interval"][0] for test in trained)
    high: float = max(test["accuracy_interval"][1] for test in trained)
    pad = max(0.005, (high - low) * 0.15)
    low, high = max(0.0, low - pad), min(1.0, high + pad)
    bottom = row * len(models) + 8

    def place(share: float) -> float:
        return left + (share - low) / (high - low) * float(right - left)

    parts = []
    for tick in ticks(low, high):
        x = place(tick)
        parts += [line_at(x, 4, x, bottom, "grid"), text_at(x, bottom + 18, f"{100 * tick:g} %", anchor="middle")]
    for number, (name, test) in enumerate(models.items()):
        y, kind = row * number + 20, "strong" if name == chosen else ""
        parts.append(text_at(left - 14, y + 4, name, anchor="end", kind=kind))
        parts.append(text_at(right + 16, y + 4, percent(test["accuracy"]), kind=kind))
        begin, end = (place(limit) for limit in test["accuracy_interval"])
        if end < left:
            parts.append(f'<path d="M{left + 2} {y} l9 -5 v10 z" class="plain"/>')
            continue
        stroke, dot = ("line", "dot") if name == chosen else ("plain", "plain")
        parts.append(line_at(max(left, begin), y, min(right, end), y, stroke))
        if test["accuracy"] >= low:
            parts.append(f'<circle cx="{place(test["accuracy"]):.1f}" cy="{y}" r="5" class="{dot}"/>')
    told = ", ".join(f"{name} {percent(test['accuracy'])}" for name, test in models.items())
    return svg(parts, width, bottom + 28, f"accuracy with 95 % interval: {told}")


def reliability_picture(bins: Sequence[Mapping[str, Any]]) -> str:
    """How often predictions are right against how sure they are, and below how many rows are that sure.

    Args:
        bins: see `reliability`.
    """
    left, right, top, bottom, floor = 60, 420, 12, 312, 402
    begin = 0.4 if bins[0]["low"] >= 0.4 else 0.0  # two classes: nothing is below one half
    most = max(one["rows"] for one in bins)

    def across(share: float) -> float:
        return left + (share - begin) / (1 - begin) * (right - left)

    def up(share: float) -> float:
        return bottom - share * (bottom - top)

    parts = []
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1):
        parts += [line_at(left, up(tick), right, up(tick), "grid")]
        parts += [text_at(left - 8, up(tick) + 4, f"{100 * tick:g} %", anchor="end")]
        if tick >= begin:
            parts += [line_at(across(tick), top, across(tick), bottom, "grid")]
            parts += [text_at(across(tick), floor + 18, f"{100 * tick:g} %", anchor="middle")]
    parts.append(line_at(across(begin), up(begin), across(1), up(1), "ideal"))
    # A line through points of few rows would show nothing but their scatter.
    steady = [one for one in bins if one["rows"] >= STEADY_ROWS]
    points = " ".join(f"{across(one['confidence']):.1f},{up(one['accuracy']):.1f}" for one in steady)
    parts.append(f'<polyline points="{points}" class="line"/>')
    for one in bins:
        x, y = across(one["confidence"]), up(one["accuracy"])
        limits = wilson_interval(round(one["accuracy"] * one["rows"]), one["rows"])
        parts.append(line_at(x, up(limits[0]), x, up(limits[1]), "span"))
        dot = "dot" if one["rows"] >= STEADY_ROWS else "faint"
        radius = 3 + 4 * math.sqrt(one["rows"] / most)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="{dot}"/>')
        height = max(1.5, one["rows"] / most * (floor - bottom - 18))
        begin_x, end_x = across(max(begin, one["low"])), across(one["high"])
        parts.append(
            f'<rect x="{begin_x + 1:.1f}" y="{floor - height:.1f}" width="{end_x - begin_x - 2:.1f}" '
            f'height="{height:.1f}" class="bars"/>'
        )
    parts.append(line_at(left, floor, right, floor, "grid"))
    parts.append(text_at((left + right) / 2, floor + 38, "how sure the model is", anchor="middle"))
    turned = f'transform="rotate(-90 14 {(top + bottom) / 2})"'
    parts.append(f"<g {turned}>{text_at(14, (top + bottom) / 2, 'how often it is right', anchor='middle')}</g>")
    parts.append(text_at(left - 8, floor - 20, "rows", anchor="end"))
    return svg(parts, 460, floor + 50, "how often predictions are right for each level of confidence; see the table")


def learning_picture(history: Sequence[Mapping[str, Any]]) -> str:
    """How training went: the loss of each network over its passes; nothing if no network made two of them.

    Args:
        history: a row for each pass of each network: `network`, `epoch`, `train_nats`.
    """
    lines: dict[int, list[tuple[float, float]]] = {}
    for row in history:
        point = (float(row["epoch"]), float(row["train_nats"]))
        if math.isfinite(sum(point)):
            lines.setdefault(int(row["network"]), []).append(point)
    drawn = {network: points for network, points in lines.items() if len(points) > 1}
    return _curves(drawn) if drawn else ""


def _curves(lines: Mapping[int, Sequence[tuple[float, float]]]) -> str:
    left, right, top, bottom, width = 60, 440, 40, 250, 460
    xs, ys = ([point[k] for points in lines.values() for point in points] for k in (0, 1))
    begin, end, high = min(xs), max(xs), max(*ys, 0.01) * 1.04

    def place(x: float, y: float) -> tuple[float, float]:
        share = (x - begin) / (end - begin) if end > begin else 0.5
        return left + share * (right - left), bottom - y / high * (bottom - top)

    parts = [text_at(8, 18, "log-loss (nats)")]
    for tick in ticks(0, high):
        y = place(begin, tick)[1]
        parts += [line_at(left, y, right, y, "grid"), text_at(left - 8, y + 4, f"{tick:g}", anchor="end")]
    for tick in ticks(begin, end, 8):
        parts.append(text_at(place(tick, 0)[0], bottom + 18, f"{tick:g}", anchor="middle"))
    parts.append(text_at((left + right) / 2, bottom + 38, "passes over the rows (epochs)", anchor="middle"))
    for number, (network, points) in enumerate(lines.items()):
        kind, x = LINES[number % len(LINES)], right - 52.0 * (len(lines) - number)
        parts += [line_at(x, 14, x + 24, 14, kind), text_at(x + 30, 18, f"{network}")]
        placed = " ".join(f"{a:.1f},{b:.1f}" for a, b in (place(*point) for point in points))
        parts.append(f'<polyline points="{placed}" class="{kind}"/>')
    parts.append(text_at(right - 52.0 * len(lines) - 8, 18, "network", anchor="end"))
    told = "; ".join(
        f"network {network} from {points[0][1]:.3g} to {points[-1][1]:.3g}" for network, points in lines.items()
    )
    return svg(parts, width, bottom + 48, f"log-loss of the rows learnt from, in nats, over epochs: {told}")
