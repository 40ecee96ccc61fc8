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
from textrnn.language_model.scoring import Score
from textrnn.nn.options import ModelConfig
from textrnn.nn.reservoir_options import ESN, ReservoirConfig
from textrnn.text.corpus import map_ids, smallest_dtype
from textrnn.text.options import NormalizeConfig, TokenizerConfig
from textrnn.text.tokens.load import UNKNOWN_ID
from textrnn.training.from_run import NO_WEIGHTS, find_start, flags_of, options_from

# Options of the network that do not change what it computes; all others are those of the weights.
FREE = ("dropout", "recurrent_dropout", "l1", "l2")
FIXED = flags_of(NormalizeConfig, TokenizerConfig, ModelConfig, ReservoirConfig, but=FREE)
# Of the old held-out text, on which is measured how much was forgotten: rows side by side, tokens in each, and those at
# its beginning that do not count.
ROWS, ROW_TOKENS, LEAD = 64, 256, 32


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
        """All options of the new run: the old ones, where others were not given now; the learning rate as it was.

        Raises:
            ConfigError: an option would change the network or its tokens.
        """
        before = self.model.config.options()
        if (given.get("condition") is None) < (before["condition"] is None):
            raise ConfigError(f"--condition goes with a network that has learnt some, and {self.path} has none")
        layers, but = before["layers"], ("delimiter", "weights")
        return options_from(self.path, before, given, fixed=FIXED, layers=layers, but=but, rate_share=1.0)

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
        try:
            ids = map_ids(self.path / "checkpoint" / "valid.ids", smallest_dtype(old.num_ids))
        except RunError:
            return None
        begins = np.count_nonzero(ids[: ROWS * ROW_TOKENS] >= old.vocab_size)
        if (len(ids) if old.documents is None else begins) < 2:  # one token, or no whole document, says nothing
            return None
        score = _score_text if old.documents is None else _score_documents
        before, after = (score(one, ids, old) for one in (old, model))
        bits = dict(bits_per_char_before=before.bits_per_char, bits_per_char_after=after.bits_per_char)
        return dict(run=str(self.path), tokens=before.tokens, **bits)


def _score_text(model: Model, ids: np.ndarray, old: Model) -> Score:
    """How well the old run, or one that went on from it, predicts parts of the old held-out text."""
    steps = min(ROW_TOKENS, len(ids) - 1)
    rows = min(ROWS, (len(ids) - 1) // steps)
    places = np.arange(rows)[:, None] * ((len(ids) - 1) // rows) + np.arange(steps)
    x, y = (np.asarray(ids[part], np.int32) for part in (places, places + 1))
    nats, _ = model.network.target_nats(x, y, model.network.initial_state(rows))
    counted = y[:, min(LEAD, steps // 4) :]
    num_chars = sum(len(old.tokenizer.decode(row)) for row in counted)
    unknown = int(np.count_nonzero(counted == UNKNOWN_ID))
    return Score(num_chars, counted.size, float(nats[:, -counted.shape[1] :].sum()), unknown)


def _score_documents(model: Model, ids: np.ndarray, old: Model) -> Score:
    """The same of documents, from their beginning on."""
    assert model.documents is not None
    read = np.asarray(ids[: ROWS * ROW_TOKENS], np.int32)
    places = np.flatnonzero(read >= old.vocab_size)
    texts = np.split(read, places)[1:-1]  # what is behind the last of them is no whole document
    begins = read[places[:-1]] + (model.vocab_size - old.vocab_size)
    nats = 0.0
    for start_id in np.unique(begins).tolist():
        some = [text[1:] for text, begin in zip(texts, begins, strict=True) if begin == start_id]
        nats += float(document_nats([Start(model.network, start_id)], some, model.documents.end_id).sum())
    tokens = np.concatenate(texts)
    num_chars = len(old.tokenizer.decode(tokens[tokens < old.vocab_size]))
    return Score(num_chars, len(tokens), nats, int(np.count_nonzero(tokens == UNKNOWN_ID)))
