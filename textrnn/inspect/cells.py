"""`textrnn inspect cells`: a page that shows what each unit of a network does in a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.base.files import write_atomically
from textrnn.base.run import find_run, load
from textrnn.classifier.predict import TextClassifier
from textrnn.inspect.activations import Reading, read_classifier, read_language_model
from textrnn.inspect.inputs import beginning_of, check_output, held_out_ids
from textrnn.inspect.page import Origin, format_cells
from textrnn.inspect.ranking import FEWEST_TOKENS, Ranking, rank, top
from textrnn.language_model.predict import KIND, LanguageModel
from textrnn.report.layout import align, decimals

LISTED = 5  # units of each property in JSON


def inspect_cells(
    file: str | None,
    output: str,
    *,
    model: str | None,
    models_dir: Path,
    encoding: str | None,
    chars: int,
    unit: int | None,
    layer: int | None,
    overwrite: bool,
) -> dict[str, Any]:
    """Writes the page of cells.

    Args:
        file: the text; None for the beginning of what was held out when the model was trained.
        output: where the page goes.
        model: name or path of a run; None for the newest language model.
        models_dir: where runs are.
        encoding: of the file; told from its bytes when None.
        chars: characters of the text that are read.
        unit: number of the unit that is shown at first, from 0; None for the one that tracks most.
        layer: in which that unit is, from 1; None for the last one.
        overwrite: replace a page.

    Returns:
        `output`, `run`, `text`, `chars`, `tokens`, `units`, `statistic` and `properties`: for each, best tracked first,
        `name`, `title`, `chance` and `best`, a list of `layer`, `state`, `unit` and `r`.

    Raises:
        ConfigError, DataError, RunError: see the message.
    """
    place = check_output(output, overwrite=overwrite)
    if layer is not None and unit is None:
        raise ConfigError(f"--layer {layer} says in which layer --unit is: give --unit too")
    path = find_run(model, models_dir, KIND)
    opened = load(path)
    if not isinstance(opened, LanguageModel | TextClassifier):
        raise ConfigError(
            f"{path} is neither a language model nor a classifier: name another run with --model; what a translator "
            "attends to is drawn by 'textrnn translate --attention FILE.png'"
        )
    text = None if file is None else beginning_of(file, encoding, opened.config.normalize, chars)
    reading, what = _read(opened, text, chars)
    if len(reading.tokens) < FEWEST_TOKENS:
        raise DataError(
            f"the text has {len(reading.tokens)} tokens, too few to see what units track: expected at least "
            f"{FEWEST_TOKENS}"
        )
    name = "the text held out in training" if text is None else text[0]
    ranking = rank(reading)
    first = None if unit is None else _first_unit(reading, ranking, unit, layer)
    page = format_cells(reading, ranking, Origin(str(path), what, name, _notes(opened)), first=first)
    write_atomically(place, page.encode())
    return {
        "output": str(place),
        "run": str(path),
        "text": name,
        "chars": sum(map(len, reading.tokens)),
        "tokens": len(reading.tokens),
        "units": len(reading.units),
        "statistic": "pearson",
        "properties": _properties(reading, ranking),
    }


def _read(model: LanguageModel | TextClassifier, text: tuple[str, str] | None, chars: int) -> tuple[Reading, str]:
    """The text read by a model, and its architecture in words."""
    if isinstance(model, LanguageModel):
        config = model.config.model
        what = f"{config.arch}, {config.layers} x {config.units}"
        if text is None:
            return read_language_model(model, held_out_ids(model, chars)), what
        return read_language_model(model, model.tokenizer.encode(text[1]), text[1]), what
    if model.networks is None:
        raise ConfigError(
            f"{model.path} is a linear classifier: it has no recurrent units; name another run with --model"
        )
    if text is None:
        raise ConfigError(f"{model.path} is a classifier, which keeps no text: name a file with a text to read")
    encoder = model.config.encoder
    cell = f" {encoder.cell}" if encoder.both_ways else ""
    return read_classifier(
        model.networks, text[1]
    ), f"classifier, {encoder.arch}{cell}, {encoder.layers} x {encoder.units}"


def _notes(model: LanguageModel | TextClassifier) -> list[str]:
    if isinstance(model, TextClassifier) and model.networks is not None:
        whole = "Tokens are shown as the network reads them; of a long text it reads the two ends."
        return [whole, f"The first of {len(model.networks.members)} networks."]
    return []


def _first_unit(reading: Reading, ranking: Ranking, unit: int, layer: int | None) -> int:
    """The place of a unit that was asked for: of its states the one that tracks something most."""
    last = max(one.layer for one in reading.units)
    layer = last if layer is None else layer
    if not 1 <= layer <= last:
        raise ConfigError(f"--layer is {layer}: expected 1 to {last}, the layers of this network")
    numbers = [one.number for one in reading.units if one.layer == layer]
    places = [place for place, one in enumerate(reading.units) if (one.layer, one.number) == (layer, unit)]
    if not places:
        raise ConfigError(f"--unit is {unit}: expected 0 to {max(numbers)}, the units of layer {layer}")
    return max(places, key=lambda place: float(np.abs(ranking.correlations[place]).max(initial=0.0)))


def _properties(reading: Reading, ranking: Ranking) -> list[dict[str, Any]]:
    found = []
    for place, one in enumerate(ranking.properties):
        best = [
            {"layer": unit.layer, "state": unit.state, "unit": unit.number, "r": round(r, 4)}
            for unit, r in top(ranking, reading.units, place, LISTED)
        ]
        found.append(
            {"name": one.name, "title": one.title, "chance": round(float(ranking.chance[place]), 4), "best": best}
        )
    return sorted(found, key=lambda one: -abs(one["best"][0]["r"]))  # type: ignore[index]


def format_result(result: dict[str, Any]) -> str:
    """What is printed: for each property the unit that follows it most closely."""
    rows = [("property", "best unit", "r", "chance")]
    for one in result["properties"]:
        best = one["best"][0]
        unit = f"layer {best['layer']} {best['state']} {best['unit']}"
        rows.append((one["title"], unit, f"{best['r']:+.2f}", decimals(one["chance"], 2)))
    lines = align(rows, right=(2, 3), indent=0) if len(rows) > 1 else ["nothing changes in this text"]
    lines.append(f"wrote {result['output']}: {result['tokens']:,} tokens, {result['units']:,} units of {result['run']}")
    return "\n".join(lines)
