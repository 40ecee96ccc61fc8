"""What the commands of `textrnn inspect` share: where texts come from, and where pages and pictures go."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from textrnn.base.errors import ConfigError, DataError, RunError
from textrnn.language_model.predict import LanguageModel
from textrnn.text.corpus import check_ids, largest_id, map_ids, normalized_text, smallest_dtype
from textrnn.text.options import NormalizeConfig
from textrnn.text.reader import find_files, open_sources

HELD_OUT = "checkpoint/valid.ids"


def check_output(output: str, *, suffixes: tuple[str, ...] = (".html",), overwrite: bool) -> Path:
    """Where a page or picture goes.

    Raises:
        ConfigError: its name does not end as it should, it is there already, or its folder is not.
    """
    place = Path(output)
    if place.suffix.lower() not in suffixes:
        raise ConfigError(f"--output is {output!r:.120}: expected a name that ends with {' or '.join(suffixes)}")
    if place.is_dir():
        raise ConfigError(f"--output is {output!r:.120}, a folder: expected the name of a file")
    if place.exists() and not overwrite:
        raise ConfigError(f"{place} exists: replace it with --overwrite, or give another place with --output")
    if not place.parent.is_dir():
        raise ConfigError(f"--output is {output!r:.120}: there is no folder {place.parent}")
    return place


def beginning_of(file: str, encoding: str | None, config: NormalizeConfig, chars: int) -> tuple[str, str]:
    """The name of a file, and so many of its first characters, normalised.

    Raises:
        DataError: it cannot be read, or nothing but white space is there.
    """
    found = ""
    with open_sources(find_files([file]), encoding) as sources:
        for piece in normalized_text(sources, config):
            found += piece
            if len(found) >= chars:
                break
        name = sources[0].name
    if not found[:chars].strip():
        raise DataError(f"{name}: the text is empty or white space only (after normalisation)")
    return name, found[:chars]


def held_out_ids(model: LanguageModel, chars: int) -> np.ndarray:
    """The beginning of what was held out when a model was trained, int[tokens], about so many characters.

    Raises:
        RunError: the run has lost it, or it is damaged.
    """
    path = (model.path or Path()) / HELD_OUT
    if not path.is_file():
        raise RunError(f"{path} is missing, the text that was held out in training: name a file with a text to read")
    try:
        sha256 = str(model.details["corpus"]["valid"]["sha256"])
    except (KeyError, TypeError):
        raise RunError(f"{model.path} is damaged: it has no checksum of {HELD_OUT}; name a file to read") from None
    check_ids(path, sha256)
    num_ids = model.vocab_size if model.documents is None else model.documents.num_ids
    ids = map_ids(path, smallest_dtype(num_ids))
    if largest_id(ids) >= num_ids:
        raise RunError(f"{path} is damaged: it has ids that the vocabulary has not; name a file with a text to read")
    decoder, length = model.tokenizer.decoder(), 0
    for number, token in enumerate(ids[:chars].tolist()):
        length += len(decoder.feed(token)) if token < model.vocab_size else 1
        if length >= chars:
            return np.array(ids[: number + 1])
    return np.array(ids[:chars])  # a token has less than a character: they are bytes
