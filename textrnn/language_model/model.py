"""A network with all that belongs to it: what writing, scoring and conditions work with."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.language_model.novel import Known, NovelNetwork, Predictor
from textrnn.language_model.options import Config
from textrnn.nn.numpy.network import Network, State
from textrnn.text.documents import Documents
from textrnn.text.options import NormalizeConfig
from textrnn.text.tokens.load import Tokenizer

M = TypeVar("M", bound="Model")
PREDICTORS = ("mixture", "network", "counts")


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
        predictors: what there is to predict with, by name: `network`, and with counts `counts` and `mixture` as well.
        known: what it may not write, if there is something.
    """

    network: Network
    tokenizer: Tokenizer
    config: Config
    start_id: int
    details: dict[str, Any]
    path: Path | None = None
    documents: Documents | None = None
    predictors: Mapping[str, Network] = field(default_factory=dict)
    known: Known | None = None

    def __repr__(self) -> str:
        network, name = self.config.model, f"{type(self).__name__} {self.path}"
        return f"<{name}: {network.arch}, {network.layers} x {network.units} units, {self.vocab_size:,} tokens>"

    def using(self: M, name: str) -> M:
        """The same model, which predicts with its `network`, its `counts`, or the `mixture` of both.

        Raises:
            ConfigError: it has no such predictor.
        """
        predictors = self.predictors or {"network": self.network}
        if name not in predictors:
            where = self.path or "this model"
            missing = f"{where} has no counts: leave out --use, or train a run with counts"
            wrong = f"--use is {name!r:.40}: expected one of {', '.join(PREDICTORS)}"
            raise ConfigError(missing if name in PREDICTORS else wrong)
        return replace(self, network=predictors[name])

    @property
    def end_id(self) -> int | None:
        """The token that ends a document, if the model learnt from documents."""
        return None if self.documents is None else self.documents.end_id

    @property
    def vocab_size(self) -> int:
        """Number of tokens, the two reserved ones included."""
        return self.tokenizer.vocab_size

    @property
    def num_ids(self) -> int:
        """Tokens, and ids that begin documents, if it learnt from some."""
        return self.vocab_size if self.documents is None else self.documents.num_ids

    @property
    def normalize_config(self) -> NormalizeConfig:
        """The preprocessing that a prompt passes through."""
        return self.config.normalize

    @functools.cached_property
    def _writer(self) -> Predictor:
        return self.network if self.known is None else NovelNetwork(self.network, self.known)

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`; with `known`, see `NovelNetwork`."""
        return self._writer.initial_state(rows)

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`."""
        return self._writer.step(ids, state)

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""
        return self._writer.read(ids, state)

    @property
    def draws_ahead(self) -> Any:
        """The function of the network that draws several tokens at once, see `LiteNetwork.write`; None without."""
        return getattr(self._writer, "write", None)
