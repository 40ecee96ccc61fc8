"""A network with all that belongs to it: what writing, scoring and conditions work with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.language_model.options import Config
from textrnn.nn.numpy.network import Network, State
from textrnn.text.documents import Documents
from textrnn.text.options import NormalizeConfig
from textrnn.text.tokens.load import Tokenizer


@dataclass(frozen=True)
class Model:
    """A network with the tokenizer and the normalisation that belong to it.

    Attributes:
        network: steps from token ids and a state to logits.
        tokenizer: text to ids and back.
        config: all options it was trained with.
        start_id: the token that a document begins after.
        details: the content of `run.json`.
        path: the folder it was loaded from.
        documents: what is known of the documents it learnt from, if it learnt from some.
    """

    network: Network
    tokenizer: Tokenizer
    config: Config
    start_id: int
    details: dict[str, Any]
    path: Path | None = None
    documents: Documents | None = None

    @property
    def end_id(self) -> int | None:
        """The token that ends a document, if the model learnt from documents."""
        return None if self.documents is None else self.documents.end_id

    @property
    def vocab_size(self) -> int:
        """Number of tokens, the two reserved ones included."""
        return self.tokenizer.vocab_size

    @property
    def normalize_config(self) -> NormalizeConfig:
        """The preprocessing that a prompt passes through."""
        return self.config.normalize

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        return self.network.initial_state(rows)

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`."""
        return self.network.step(ids, state)

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""
        return self.network.read(ids, state)
