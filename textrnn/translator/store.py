"""The pairs of a run on disk, so that it can be resumed without the file it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from textrnn.base.errors import RunError
from textrnn.base.files import read_weights, write_weights
from textrnn.translator.pairs import Pairs

PAIRS_FILE = "checkpoint/pairs.safetensors"
PARTS = ("train", "valid", "test")


def write_pairs(path: Path, parts: Mapping[str, Pairs]) -> None:
    """Writes pairs by part, as UTF-8 with a text a line."""
    texts = {f"{part}/{name}": side for part, pairs in parts.items() for name, side in _sides(pairs).items()}
    arrays = {name: np.frombuffer("\n".join(lines).encode(), np.uint8) for name, lines in texts.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_weights(path, arrays)


def read_pairs_file(path: Path) -> dict[str, Pairs]:
    """Reads what `write_pairs` wrote.

    Raises:
        RunError: it is missing or damaged.
    """
    arrays, _ = read_weights(path)
    try:
        parts = {part: Pairs(_lines(arrays[f"{part}/sources"]), _lines(arrays[f"{part}/targets"])) for part in PARTS}
    except (KeyError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error!r:.80}; train again") from None
    if any(len(pairs.sources) != len(pairs.targets) or not len(pairs) for pairs in parts.values()):
        raise RunError(f"{path} is damaged: its sides have other numbers of texts; train again")
    return parts


def _sides(pairs: Pairs) -> dict[str, list[str]]:
    return {"sources": pairs.sources, "targets": pairs.targets}


def _lines(array: np.ndarray) -> list[str]:
    return array.astype(np.uint8).tobytes().decode().split("\n")
