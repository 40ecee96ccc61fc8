"""`--from`: what a new run takes over from one that is there: options, vocabulary, weights, and counts as evidence."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.config import flag_of
from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import MODEL_FILE, read_weights
from textrnn.base.run import find_run
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
from textrnn.training.options import StopConfig

# Options of the network that do not change what it computes; all others are those of the weights.
FREE = ("dropout", "recurrent_dropout", "l1", "l2")
FIXED = {
    field.name: flag_of(field)
    for group in (NormalizeConfig, TokenizerConfig, ModelConfig, ReservoirConfig)
    for field in dataclasses.fields(group)
    if field.name not in FREE
}
# Not taken over: how long to learn, what follows from it, and what was said of the old text alone.
NOT_KEPT = (*(field.name for field in dataclasses.fields(StopConfig)), "deterministic", "delimiter")
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
        path = find_run(name, models_dir, KIND)
        model = open_run(path)
        if model.config.model.arch == ESN:
            raise ConfigError(f"{path} is an echo state network, whose readout is solved: --from has nothing to go on")
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
        if wrong := [name for name in FIXED if name in given and given[name] != before[name]]:
            listed = ", ".join(f"{FIXED[name]} is {before[name]!r}" for name in wrong)
            raise ConfigError(f"--from keeps the network and the tokens of {self.path}, where {listed}: leave it out")
        if (given.get("condition") is None) < (before["condition"] is None):
            raise ConfigError(f"--condition goes with a network that has learnt some, and {self.path} has none")
        if given.get("freeze_layers", 0) > before["layers"]:
            raise ConfigError(f"--freeze-layers is {given['freeze_layers']}: {self.path} has {before['layers']} layers")
        kept = {name: value for name, value in before.items() if name not in NOT_KEPT}
        return {**kept, **given}

    def check_other(self, path: Path) -> None:
        """Raises ConfigError where a new run would take the place of this one."""
        if path.resolve() == self.path.resolve():
            raise ConfigError(f"--from keeps {self.path} as it is: give the new run another --name")

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
