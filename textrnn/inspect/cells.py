"""`textrnn inspect cells`: a page in which a text is coloured by what one unit of a network does in it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError, warn
from textrnn.base.run import find_run, load
from textrnn.classifier.predict import TextClassifier
from textrnn.inspect.activations import Reading, read_classifier, read_language_model
from textrnn.inspect.inputs import HELD_OUT_NAME, Request, held_out_ids
from textrnn.inspect.tracking import FEWEST_TOKENS, NUM_SHIFTS, Ranking, rank, top
from textrnn.language_model.predict import KIND, LanguageModel
from textrnn.report.html import render, write_page
from textrnn.report.layout import align, decimals

LISTED = 5  # units of each property in JSON
MOST_VALUES = 3_000_000  # bytes of activations in a page: 4 MB as base64
LARGEST = 127
COLOUR_STEPS = 10  # classes p1 to p10 and n1 to n10 of cells.css


@dataclass(frozen=True)
class Origin:
    """What a page is about.

    Attributes:
        run: the name of the run.
        architecture: in words.
        text: the name of the text.
        notes: what else there is to say, a sentence each.
    """

    run: str
    architecture: str
    text: str
    notes: Sequence[str] = ()


def inspect_cells(request: Request, *, chars: int, unit: int | None, layer: int | None) -> dict[str, Any]:
    """Writes the page of cells.

    Args:
        request: the run, the text and the output.
        chars: characters of the text that are read.
        unit: number of the unit that is shown at first, from 0; None for the one that tracks most.
        layer: in which that unit is, from 1; None for the last one.

    Returns:
        `output` (None where Jinja2 is not installed),
        `run`, `text`, `chars`, `tokens`, `units`, `statistic` and `properties`: for each, best tracked first,
        `name`, `title`, `chance` and `best`, a list of `layer`, `state`, `unit` and `r`.

    Raises:
        ConfigError, DataError, RunError: see the message.
    """
    place = request.place(".html")
    if layer is not None and unit is None:
        raise ConfigError(f"--layer {layer} says in which layer --unit is: give --unit too")
    model = load(find_run(request.model, request.models_dir, KIND))
    reading, origin = _read(model, request, chars)
    if len(reading.tokens) < FEWEST_TOKENS:
        raise DataError(
            f"the text has {len(reading.tokens)} tokens, too few to see what units track: expected at least "
            f"{FEWEST_TOKENS}"
        )
    ranking = rank(reading)
    first = None if unit is None else _first_unit(reading, ranking, unit, layer)
    return {
        "output": write_page(place, lambda: format_cells(reading, ranking, origin, first=first), warn),
        "run": origin.run,
        "text": origin.text,
        "chars": sum(map(len, reading.tokens)),
        "tokens": len(reading.tokens),
        "units": len(reading.units),
        "statistic": "pearson",
        "properties": _properties(reading, ranking),
    }


def _read(model: Any, request: Request, chars: int) -> tuple[Reading, Origin]:
    """Lets a model read the text."""
    if not isinstance(model, LanguageModel | TextClassifier):
        raise ConfigError(
            f"{model.path} is neither a language model nor a classifier: name another run with --model; what a "
            "translator attends to is drawn by 'textrnn translate --attention FILE.png'"
        )
    name, text = (HELD_OUT_NAME, None) if request.file is None else request.beginning(model.config.normalize, chars)
    if isinstance(model, LanguageModel):
        config = model.config.model
        ids = held_out_ids(model, chars) if text is None else model.tokenizer.encode(text)
        origin = Origin(str(model.path), f"{config.arch}, {config.layers} x {config.units}", name)
        return read_language_model(model, ids, text), origin
    if model.networks is None:
        raise ConfigError(
            f"{model.path} is a linear classifier: it has no recurrent units; name another run with --model"
        )
    if text is None:
        raise ConfigError(f"{model.path} is a classifier, which keeps no text: name a file with a text to read")
    encoder = model.config.encoder
    cell = f" {encoder.cell}" if encoder.both_ways else ""
    what = f"classifier, {encoder.arch}{cell}, {encoder.layers} x {encoder.units}"
    notes = [
        "Tokens are shown as the network reads them; of a long text it reads the two ends.",
        f"The first of {len(model.networks.members)} networks.",
    ]
    return read_classifier(model.networks, text), Origin(str(model.path), what, name, notes)


def _first_unit(reading: Reading, ranking: Ranking, unit: int, layer: int | None) -> int:
    """The place of a unit that was asked for: of its states the one that tracks something most."""
    last = max(one.layer for one in reading.units)
    layer = last if layer is None else layer
    if not 1 <= layer <= last:
        raise ConfigError(f"--layer is {layer}: expected 1 to {last}, the layers of this network")
    places = [place for place, one in enumerate(reading.units) if (one.layer, one.number) == (layer, unit)]
    if not places:
        largest = max(one.number for one in reading.units if one.layer == layer)
        raise ConfigError(f"--unit is {unit}: expected 0 to {largest}, the units of layer {layer}")
    return max(places, key=lambda place: float(np.abs(ranking.correlations[place]).max(initial=0.0)))


def _properties(reading: Reading, ranking: Ranking) -> list[dict[str, Any]]:
    found = []
    for place, (one, chance) in enumerate(zip(ranking.properties, ranking.chance.tolist(), strict=True)):
        best = [
            {"layer": unit.layer, "state": unit.state, "unit": unit.number, "r": round(r, 4)}
            for unit, r in top(ranking, reading.units, place, LISTED)
        ]
        found.append({"name": one.name, "title": one.title, "chance": round(chance, 4), "best": best})
    return sorted(found, key=lambda one: -abs(one["best"][0]["r"]))  # type: ignore[index]


def format_result(result: dict[str, Any]) -> str:
    """What is printed: for each property the unit that follows it most closely."""
    rows = [("property", "best unit", "r", "chance")]
    for one in result["properties"]:
        best = one["best"][0]
        unit = f"layer {best['layer']} {best['state']} {best['unit']}"
        rows.append((one["title"], unit, f"{best['r']:+.2f}", decimals(one["chance"], 2)))
    lines = align(rows, right=(2, 3), indent=0) if len(rows) > 1 else ["nothing changes in this text"]
    wrote = f"wrote {result['output']}: " if result["output"] else ""
    lines.append(f"{wrote}{result['tokens']:,} tokens, {result['units']:,} units of {result['run']}")
    return "\n".join(lines)


def format_cells(reading: Reading, ranking: Ranking, origin: Origin, *, first: int | None = None) -> str:
    """The page: a text coloured by one unit, which can be chosen; it needs nothing else, and runs only its own script.

    Args:
        reading: the text and the activations.
        ranking: of its units.
        origin: what the page is about.
        first: the unit that is shown at first, as a place in `reading.units`; None for the one that tracks most.

    Returns:
        HTML, to be written as UTF-8.
    """
    kept = shown_units(reading, ranking, first)
    if first is None:
        first = int(kept[np.abs(ranking.correlations[kept]).max(1, initial=0.0).argmax()])
    return render(
        "cells.html",
        title=f"What units track in {origin.text}",
        origin=origin,
        tokens=reading.tokens,
        num_units=len(reading.units),
        num_shown=len(kept),
        best=_best(reading, ranking, kept),
        properties=ranking.properties,
        num_shifts=NUM_SHIFTS,
        colours=[f"n{k}" for k in range(COLOUR_STEPS, 0, -1)] + [f"p{k}" for k in range(1, COLOUR_STEPS + 1)],
        data=_data(reading, ranking, kept, first),
    )


def shown_units(reading: Reading, ranking: Ranking, first: int | None = None) -> np.ndarray:
    """The units that a page has room for, int64[shown]: those that track anything most, and the `first` one."""
    count = max(1, MOST_VALUES // len(reading.tokens))
    best = ranking.best_units(count)
    if first is not None and first not in best:
        best = np.sort(np.append(best[1:] if len(best) == count else best, first))
    return best


def _best(reading: Reading, ranking: Ranking, kept: np.ndarray) -> list[dict[str, Any]]:
    """For each property, best tracked first, the unit in the page that follows it most closely."""
    correlations, found = ranking.correlations[kept], []
    for number in np.argsort(-np.abs(ranking.correlations).max(0, initial=0.0), kind="stable").tolist():
        place = int(np.abs(correlations[:, number]).argmax())
        r = f"{correlations[place, number]:+.2f}".replace("-", "\N{MINUS SIGN}")
        unit, one = str(reading.units[kept[place]]), ranking.properties[number]
        chance = decimals(ranking.chance[number], 2)
        found.append(dict(property=number, title=one.title, place=place, unit=unit, r=r, chance=chance))
    return found


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


def _data(reading: Reading, ranking: Ranking, kept: np.ndarray, first: int) -> dict[str, Any]:
    """What the script of the page reads."""
    values = reading.values[kept]
    small, scale = quantized(values)
    return {
        "tokens": len(reading.tokens),
        "steps": COLOUR_STEPS,
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
