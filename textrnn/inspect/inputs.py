"""What the commands of `textrnn inspect` share: the run, the text that it reads, and where the output goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from textrnn.base.errors import ConfigError, DataError, RunError
from textrnn.language_model.predict import LanguageModel
from textrnn.text.corpus import check_ids, largest_id, map_ids, normalized_text, smallest_dtype
from textrnn.text.options import NormalizeConfig
from textrnn.text.reader import Reading, open_sources

HELD_OUT = "checkpoint/valid.ids"
HELD_OUT_NAME = "the text held out in training"


@dataclass(frozen=True)
class Request:
    """What a person asks for.

    Attributes:
        file: the text; None for the one held out in training.
        output: where the page or picture goes.
        model: name or path of a run; None for the newest one.
        models_dir: the folder of the runs.
        encoding: of the file; None to detect it from its bytes.
        strict_encoding: whether to refuse bytes that do not decode, instead of replacing a few of them.
        overwrite: whether to replace the output.
    """

    file: str | None
    output: str
    model: str | None
    models_dir: Path
    encoding: str | None = None
    strict_encoding: bool = False
    overwrite: bool = False

    @property
    def reading(self) -> Reading:
        """How the file is read."""
        return Reading(self.encoding, self.strict_encoding)

    def place(self, *suffixes: str) -> Path:
        """The path of the output.

        Raises:
            ConfigError: its name does not end as it should, it exists already, or its folder does not exist.
        """
        place, given = Path(self.output), f"--output is {self.output!r:.120}"
        if place.suffix.lower() not in suffixes:
            raise ConfigError(f"{given}: expected a name that ends with {' or '.join(suffixes)}")
        if place.is_dir():
            raise ConfigError(f"{given}, a folder: expected the name of a file")
        if place.exists() and not self.overwrite:
            raise ConfigError(f"{place} exists: replace it with --overwrite, or give another place with --output")
        if not place.parent.is_dir():
            raise ConfigError(f"{given}: there is no folder {place.parent}")
        return place

    def beginning(self, config: NormalizeConfig, chars: int) -> tuple[str, str]:
        """The name of the file, and the first `chars` characters of its normalised text.

        Raises:
            DataError: the file cannot be read, or there is only white space.
        """
        found = ""
        with open_sources([str(self.file)], self.reading) as sources:
            for piece in normalized_text(sources, config):
                found += piece
                if len(found) >= chars:
                    break
            name = sources[0].name
        if not found[:chars].strip():
            raise DataError(f"{name}: the text is empty or white space only (after normalisation)")
        return name, found[:chars]


def held_out_ids(model: LanguageModel, chars: int) -> np.ndarray:
    """The beginning of the text that was held out in training, int[tokens], of about `chars` characters.

    Raises:
        RunError: the run has no such text, or it is damaged.
    """
    path = (model.path or Path()) / HELD_OUT
    if not path.is_file():
        raise RunError(f"{path} is missing, the text that was held out in training: name a file with a text to read")
    try:
        sha256 = str(model.details["corpus"]["valid"]["sha256"])
    except (KeyError, TypeError):
        raise RunError(f"{model.path} is damaged: it has no checksum of {HELD_OUT}; name a file to read") from None
    check_ids(path, sha256)
    ids = map_ids(path, smallest_dtype(model.num_ids))
    if largest_id(ids) >= model.num_ids:
        raise RunError(f"{path} is damaged: it has ids that the vocabulary has not; name a file with a text to read")
    decoder, length = model.tokenizer.decoder(), 0
    for number, token in enumerate(ids[:chars].tolist()):
        length += len(decoder.feed(token)) if token < model.vocab_size else 1
        if length >= chars:
            return np.array(ids[: number + 1])
    return np.array(ids[:chars])  # tokens that are bytes: several of them are a character
