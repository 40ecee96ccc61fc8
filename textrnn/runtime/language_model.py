"""A saved language model, opened without TensorFlow: it generates, and scores text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.config import Config, NormalizeConfig
from textrnn.errors import RunError, TextRNNError
from textrnn.run import read_run
from textrnn.run_files import MODEL_FILE, RUN_FILE, TOKENIZER_FILE, read_json, read_weights
from textrnn.runtime.generation import condition_rng, generate_stream, random_seed
from textrnn.runtime.network import Network, State, make_network
from textrnn.runtime.scoring import Score, score_ids
from textrnn.sample_config import SampleConfig
from textrnn.text.documents import Documents
from textrnn.text.normalize import normalize
from textrnn.text.tokenizers import Tokenizer, tokenizer_from_json

KIND = "language_model"


@dataclass(frozen=True)
class LanguageModel:
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

    def generate(self, seed: str = "", **options: Any) -> Iterator[str]:
        """Writes on from a seed; yields pieces of text as they come, without the seed.

        Args:
            seed: the text to begin from; empty for the beginning of a document.
            options: fields of `SampleConfig`, such as `length=200` or `temperature=0.7`; `stops` is a list of texts
                that end the writing; `condition` and `guidance` are as those of `textrnn generate`.

        Raises:
            ConfigError: an option is unknown or out of range.

        Example:
            textrnn.load("models/x").generate("Once", length=200)
        """
        from textrnn.runtime.conditions import with_condition

        stops, guidance = options.pop("stops", ()), options.pop("guidance", None)
        model: Any = self
        model, choose = with_condition(model, options.pop("condition", None), guidance)
        config = SampleConfig.from_json(options)
        if choose is not None:
            _, model = choose(condition_rng(random_seed(config), 0, 0))
        return generate_stream(model, seed, config, stops=stops)

    def score(self, text: str) -> Score:
        """Measures how well the model predicts a text, from its first character on; as a document, if it learnt some.

        Raises:
            DataError: the text is empty after normalisation.
        """
        normalized = normalize(text, self.normalize_config)
        if self.documents is not None:
            from textrnn.runtime.document_scoring import score_document

            return score_document(self, normalized.strip())
        return score_ids(self, self.tokenizer.encode(normalized), num_chars=len(normalized))


def open_run(path: Path) -> LanguageModel:
    """Opens the language model in a folder.

    Raises:
        RunError: it is damaged, of another kind, or its parts do not belong together.
    """
    details = read_run(path, KIND)
    try:
        config = Config.from_json(details.get("config"))
        tokenizer = read_tokenizer(path / TOKENIZER_FILE)
    except TextRNNError as error:
        raise error if isinstance(error, RunError) else RunError(f"{path} is damaged: {error}") from None
    start_id, window = details.get("start_id"), config.data.window
    try:
        documents = Documents.from_json(details.get("documents"), tokenizer.vocab_size)
    except RunError as error:
        raise RunError(f"{path / RUN_FILE} is damaged: {error}; train again") from None
    vocab_size = tokenizer.vocab_size + (documents is not None)
    if not isinstance(start_id, int) or not 0 <= start_id < vocab_size or window is None:
        raise RunError(f"{path} is damaged: start_id is {start_id!r}, --window is {window!r}")
    if details.get("vocab_size") != tokenizer.vocab_size:
        raise RunError(
            f"{path}: the vocabulary has {tokenizer.vocab_size} tokens, the model was trained with "
            f"{details.get('vocab_size')}: restore {TOKENIZER_FILE}"
        )
    weights, _ = read_weights(path / MODEL_FILE)
    try:
        network = make_network(
            config.model,
            vocab_size,
            weights,
            window=window,
            start_id=start_id,
            num_conditions=0 if documents is None else len(documents.conditions),
        )
    except RunError as error:
        raise RunError(f"{path / MODEL_FILE}: {error}") from None
    return LanguageModel(network, tokenizer, config, start_id, details, path, documents)


def read_tokenizer(path: Path) -> Tokenizer:
    """Reads `tokenizer.json`.

    Raises:
        RunError, TokenizerError: it is missing or damaged.
    """
    values = read_json(path)
    values.pop("sha256")
    return tokenizer_from_json(values)
