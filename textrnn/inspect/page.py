"""The page in which a text is coloured by one unit: whole by itself, searchable, with a script of ours alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textrnn.inspect.activations import Reading
from textrnn.inspect.ranking import NUM_SHIFTS, Ranking, top
from textrnn.inspect.script import SCRIPT, STEPS, STYLE
from textrnn.report.web import cell, escaped, isolated, language_of, page, paragraph, section, table

MOST_VALUES = 3_000_000  # bytes of activations in a page: 4 MB as base64
LARGEST = 127


@dataclass(frozen=True)
class Origin:
    """What a page of cells is about.

    Attributes:
        run: what the run is called.
        architecture: in words.
        text: what the text is called.
        notes: what else is to be said, a sentence each.
    """

    run: str
    architecture: str
    text: str
    notes: Sequence[str] = ()


def quantized(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Activations float[units, tokens] as int8[units, tokens], and what 127 stands for, float64[units].

    Each unit has a scale of its own, the largest of its absolute values; the error is at most 1/254 of it.

    Example:
        >>> small, scale = quantized(np.array([[0.5, -1.0, 0.0]]))
        >>> small.tolist(), scale.tolist()
        ([[64, -127, 0]], [1.0])
    """
    scale = np.abs(values).max(1).astype(np.float64)
    scale[scale == 0] = 1.0
    return np.rint(values / scale[:, None] * LARGEST).astype(np.int8), scale


def shown_units(reading: Reading, ranking: Ranking, first: int | None = None) -> np.ndarray:
    """The units that a page has room for, int64[shown]: those that track anything most, and the `first` one."""
    count = max(1, MOST_VALUES // len(reading.tokens))
    best = ranking.best_units(count)
    if first is not None and first not in best:
        best = np.sort(np.append(best[1:] if len(best) == count else best, first))
    return best


def format_cells(reading: Reading, ranking: Ranking, origin: Origin, *, first: int | None = None) -> str:
    """The page.

    Args:
        reading: the text and the activations.
        ranking: of its units.
        origin: what it is about.
        first: the unit that is shown at first, as a place in `reading.units`; the one that tracks most without it.

    Returns:
        HTML, to be written as UTF-8.
    """
    kept = shown_units(reading, ranking, first)
    if first is None:
        first = int(kept[np.abs(ranking.correlations[kept]).max(1, initial=0.0).argmax()])
    title = f"What units track in {origin.text}"
    body = [
        f"<header><h1>{isolated(title)}</h1>{_origin(reading, origin, len(kept))}</header>",
        _best(reading, ranking, kept),
        f"<section><h2>The text, coloured by one unit</h2>{_panel(ranking)}{_text(reading.tokens)}</section>",
        _explained(),
        f'<script type="application/json" id="data">{_data(reading, ranking, kept, first)}</script>',
    ]
    return page(title, body, style=STYLE, script=SCRIPT)


def _origin(reading: Reading, origin: Origin, num_shown: int) -> str:
    lines = [
        f"{isolated(origin.run)}: {escaped(origin.architecture)}, {len(reading.units):,} units.",
        f"{len(reading.tokens):,} tokens of {isolated(origin.text)}.",
        *map(escaped, origin.notes),
    ]
    if num_shown < len(reading.units):
        lines.append(
            f"To keep the page small it holds the {num_shown:,} units that track any of the properties most; the "
            "other ones are left out."
        )
    return "".join(paragraph(line, "soft") for line in lines)


def _best(reading: Reading, ranking: Ranking, kept: np.ndarray) -> str:
    if not ranking.properties:
        return ""
    places, rows = {reading.units[unit]: place for place, unit in enumerate(kept)}, []
    order = np.argsort(-np.abs(ranking.correlations).max(0), kind="stable")
    for p in order.tolist():
        one = ranking.properties[p]
        unit, r = next((unit, r) for unit, r in top(ranking, reading.units, p, len(reading.units)) if unit in places)
        button = (
            f'<button type="button" class="jump" data-unit="{places[unit]}" data-property="{p}">{escaped(str(unit))}'
            "</button>"
        )
        rows.append(
            f'<tr><th scope="row">{escaped(one.title)}</th>{cell(button)}{cell(_signed(r), "n")}'
            f"{cell(f'{ranking.chance[p]:.2f}', 'n')}</tr>"
        )
    return section(
        "What is tracked best",
        table(
            ["property", "best unit", "r", "chance"],
            rows,
            caption="For each property of the text the unit that follows it most closely. Choose one to see it.",
            numbers=(2, 3),
        ),
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _panel(ranking: Ranking) -> str:
    options = "".join(f'<option value="{p}">{escaped(one.title)}</option>' for p, one in enumerate(ranking.properties))
    colours = "".join(
        f'<b class="{sign}{k}"></b>'
        for sign, steps in (("n", range(STEPS, 0, -1)), ("p", range(1, STEPS + 1)))
        for k in steps
    )
    return (
        '<div class="panel" id="panel"><div class="choices">'
        f'<label>ranked by<select id="property"><option value="">whatever it tracks most</option>{options}</select>'
        "</label>"
        '<label>search<input id="search" type="search" autocomplete="off" placeholder="layer 2 c, quotes ..."></label>'
        '<label class="wide">unit<select id="unit"></select></label></div>'
        '<p class="about" id="about" aria-live="polite"></p>'
        f'<div class="scale"><span id="low"></span>{colours}<span id="high"></span>&nbsp;'
        '<span id="at" aria-live="polite"></span>'
        '<label><input type="checkbox" id="relative">from its mean</label></div></div>'
        "<noscript><p>Colours need the script of this page, which is part of it and asks nothing of the network."
        "</p></noscript>"
    )


def _text(tokens: Sequence[str]) -> str:
    spans = "".join(f"<span{' class=e' * (token == chr(10))}>{escaped(token)}</span>" for token in tokens)
    return (
        '<div class="reading" id="text" tabindex="0" role="region" dir="auto" '
        f'aria-label="The text; left and right arrow keys go from token to token"{language_of("".join(tokens))}>'
        f"{spans}</div>"
    )


def _explained() -> str:
    return section(
        "How to read it",
        paragraph(
            "A unit is one number of the network's state: h is what a layer puts out, c the memory of an LSTM cell. "
            "The colour of a token is the unit's value after it has been read: blue above 0, orange below (or above "
            "and below its mean); the strongest colour is the largest value in this text. Hover over the text, or "
            "focus it and use the arrow keys, for the value at a token."
        ),
        paragraph(
            "r is Pearson's correlation of the unit's value with the property over all tokens: 1 or −1 for a unit that "
            "says nothing else, 0 for one that does not follow it. It finds units that rise and fall with a property, "
            "not those that hold it in another form."
        ),
        paragraph(
            "Among many units some follow anything by chance. So each property was also moved along the text to "
            f"{NUM_SHIFTS} other places, where it no longer belongs: chance is the |r| that the best of all units "
            "stays below in 95 % of them. A best unit that is not well above it tracks nothing."
        ),
        paragraph(
            'Quotes are double ones (" “ « „ 「); single ones are apostrophes too, and not counted. After Karpathy, '
            "Johnson and Fei-Fei, 2015, Visualizing and understanding recurrent networks.",
            "soft",
        ),
    )


def _data(reading: Reading, ranking: Ranking, kept: np.ndarray, first: int) -> str:
    values = reading.values[kept]
    small, scale = quantized(values)
    found = {
        "tokens": len(reading.tokens),
        "steps": STEPS,
        "first": int(np.flatnonzero(kept == first)[0]),
        "units": [str(reading.units[unit]) for unit in kept],
        "scale": [float(f"{one:.5g}") for one in scale],
        "mean": [float(f"{one:.5g}") for one in values.mean(1)],
        "properties": [
            {"name": one.name, "title": one.title, "chance": round(float(chance), 4)}
            for one, chance in zip(ranking.properties, ranking.chance, strict=True)
        ],
        "r": np.round(ranking.correlations[kept], 4).tolist(),
        "values": base64.b64encode(small.tobytes()).decode(),
    }
    return json.dumps(found, separators=(",", ":")).replace("<", "\\u003c")
