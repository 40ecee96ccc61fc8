"""`textrnn inspect attention` of a translator: a picture of what each token of a translation attends to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError
from textrnn.report.pictures import Titles, draw_matrix
from textrnn.translator.predict import AttentionMap, open_translator

TOP = 12  # tokens that are printed


def inspect_translation(path: Path, text: str, place: Path, *, warn: Callable[[str], None]) -> dict[str, Any]:
    """Translates a text and draws the mean of the attention of all layers.

    Args:
        path: the run of an encoder-decoder.
        text: to translate.
        place: the picture.
        warn: gets a line for what could not be shown.

    Returns:
        `output`, `run` and `texts`: of the one text `source` and `target`, its tokens, and `weights`, a list of shares
        of the source for each token of the target.

    Raises:
        ConfigError: the place is no picture, or the network has no attention.
    """
    if place.suffix.lower() != ".png":
        raise ConfigError(f"--output is {str(place)!r}, and of a translator a picture is drawn: give a name with .png")
    found = open_translator(path).attention(text)
    draw_attention(place, found, warn=warn)
    weights = [[round(weight, 6) for weight in row] for row in found.weights.mean(0).tolist()]
    one = {"source": found.source, "target": found.target, "weights": weights}
    return {"output": str(place), "run": str(path), "texts": [one]}


def draw_attention(place: Path, found: AttentionMap, *, warn: Callable[[str], None]) -> None:
    """Draws the mean over the layers: a row for each token of the translation, a column for each of the source."""
    weights = found.weights.mean(0)
    draw_matrix(place, weights, found.target, found.source, titles=Titles("", "translation", "source"), warn=warn)


def format_translation(result: dict[str, Any]) -> str:
    """What is printed: for each token of the translation the one that it attends to most."""
    one = result["texts"][0]
    pairs = [
        (target, one["source"][row.index(max(row))]) for target, row in zip(one["target"], one["weights"], strict=True)
    ]
    shown = ", ".join(f"{target} < {source}" for target, source in pairs[:TOP]) + ("" if len(pairs) <= TOP else ", ...")
    return f"{shown}\nwrote {result['output']}"
