"""`--from`: what a new run takes over from one that is there: options, vocabulary, weights, and counts as evidence."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import MODEL_FILE, read_weights
from textrnn.language_model.document_scoring import Start, document_nats
from textrnn.language_model.mixture import COUNTS_FILE, earlier_files
from textrnn.language_model.model import Model
from textrnn.language_model.predict import KIND, open_run
from textrnn.language_model.scoring import Score, score_ids
from textrnn.nn.options import ModelConfig
from textrnn.nn.reservoir_options import ESN, ReservoirConfig
from textrnn.text.corpus import map_ids, smallest_dtype
from textrnn.text.options import NormalizeConfig, TokenizerConfig
from textrnn.text.tokens.load import UNKNOWN_ID
from textrnn.training.from_run import NO_WEIGHTS, find_start, flags_of, options_from

# Options of the network that do not change what it computes; all others are those of the weights.
FREE = ("dropout", "recurrent_dropout", "l1", "l2")
FIXED = flags_of(NormalizeConfig, TokenizerConfig, ModelConfig, ReservoirConfig, but=FREE)
MOST_COMPARED = 50_000  # held-out tokens of the old text of which is told how much was forgotten


@dataclass(frozen=True)
class WarmStart:
    """A run whose weights another one begins with; it is only read.

    Attributes:
        model: the run, opened.
        weights: its arrays by name.
    """

    model: Model
    weights: dict[str, np.ndarray]

    @classmethod
    def open(cls, name: str, models_dir: Path) -> WarmStart:
        """Opens the run of a name or path.

        Raises:
            ConfigError: its weights are not learnt in steps.
            RunError: it is missing, damaged, or no language model.
        """
        path, _ = find_start(name, models_dir, (KIND,))
        model = open_run(path)
        if model.config.model.arch == ESN:
            raise ConfigError(f"{path} {NO_WEIGHTS}")
        return cls(model, read_weights(path / MODEL_FILE)[0])

    @property
    def path(self) -> Path:
        """The folder of the run."""
        assert self.model.path is not None
        return self.model.path

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options of the new run: the old ones, where others were not given now.

        Raises:
            ConfigError: an option would change the network or its tokens.
        """
        before = self.model.config.options()
        if (given.get("condition") is None) < (before["condition"] is None):
            raise ConfigError(f"--condition goes with a network that has learnt some, and {self.path} has none")
        return options_from(self.path, before, given, fixed=FIXED, layers=before["layers"], but=("delimiter",))

    def copy_counts(self, folder: Path) -> None:
        """Copies the counts of the old run into a new one, where they are evidence beside its own.

        Raises:
            RunError: they cannot be copied.
        """
        found = [self.path / COUNTS_FILE, *earlier_files(self.path)]
        try:
            for source, target in zip(found, earlier_files(folder, len(found)), strict=True):
                if source.is_file():
                    shutil.copyfile(source, target)
        except OSError as error:
            raise RunError(f"cannot copy {COUNTS_FILE} of {self.path}: {error.strerror}") from None

    def forgotten(self, model: Model) -> dict[str, Any] | None:
        """What the held-out text of the old run costs before and after; None where it is not there any more.

        Args:
            model: the new run.

        Returns:
            for run.json: the old run, how many tokens were compared, bits per character before and after.
        """
        old = self.model
        num_ids = old.vocab_size if old.documents is None else old.documents.num_ids
        try:
            ids = map_ids(self.path / "checkpoint" / "valid.ids", smallest_dtype(num_ids))
        except RunError:
            return None
        read = np.asarray(ids[:MOST_COMPARED], np.int32)
        if old.documents is not None:
            read = read[: np.flatnonzero(read >= old.vocab_size)[-1]]  # whole documents, without the end behind them
        num_chars = len(old.tokenizer.decode(read[read < old.vocab_size]))
        before, after = (_bits(one, read, old.vocab_size, num_chars) for one in (old, model))
        return dict(run=str(self.path), tokens=len(read), bits_per_char_before=before, bits_per_char_after=after)


def _bits(model: Model, ids: np.ndarray, vocab_size: int, num_chars: int) -> float:
    """Bits per character of ids of a run with `vocab_size` tokens, by that run or one that went on from it."""
    if model.documents is None:
        return score_ids(model, ids, num_chars=num_chars).bits_per_char
    places = np.flatnonzero(ids >= vocab_size)
    begins, texts = ids[places] + (model.vocab_size - vocab_size), np.split(ids, places)[1:]
    nats = 0.0
    for start_id in np.unique(begins).tolist():
        some = [text[1:] for text, begin in zip(texts, begins, strict=True) if begin == start_id]
        nats += float(document_nats([Start(model.network, start_id)], some, model.documents.end_id).sum())
    return Score(num_chars, len(ids), nats, int(np.count_nonzero(ids == UNKNOWN_ID))).bits_per_char
