"""A saved language model, opened without TensorFlow: it generates, and scores text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, RunError, TextRNNError, for_python
from textrnn.base.files import MODEL_FILE, RUN_FILE, TOKENIZER_FILE, read_json, read_weights
from textrnn.base.run import find_run, read_run
from textrnn.language_model.asked import asked_model
from textrnn.language_model.document_scoring import score_document
from textrnn.language_model.fast import with_runtime
from textrnn.language_model.generation import condition_rng, generate_stream, random_seed
from textrnn.language_model.mixture import predictors
from textrnn.language_model.model import Model
from textrnn.language_model.options import Config
from textrnn.language_model.sample_options import SampleConfig, TextConfig
from textrnn.language_model.scoring import Score, score_ids
from textrnn.nn.architectures import check_cells
from textrnn.nn.numpy.load import make_network
from textrnn.text.counts.table_file import MOST_ORDERS
from textrnn.text.documents import Documents
from textrnn.text.normalize import normalize
from textrnn.text.tokens.load import Tokenizer, tokenizer_from_json

KIND = "language_model"


class LanguageModel(Model):
    """A saved language model, which writes and scores."""

    @for_python
    def generate(self, seed: str = "", **options: Any) -> Iterator[str]:
        """Writes on from a seed; yields pieces of text as they come, without the seed.

        Args:
            seed: the text to begin from; empty for the beginning of a document.
            options: fields of `SampleConfig` and `TextConfig`, such as `length=200` or `temperature=0.7`; `stops` is a
                list of texts that end the writing; `condition`, `guidance`, `use`, `runtime` and `corpus` (a path or a
                list) are as those of `textrnn generate`.

        Raises:
            ConfigError: the seed is no text, or an option is unknown, out of range or not for this model.
            DataError: a file of `corpus` cannot be read.

        Example:
            textrnn.load("models/x").generate("Once", length=200)
        """
        _check_text("seed", seed)
        stops = options.pop("stops", ())
        asked = {name: options.pop(name, None) for name in ("use", "condition", "guidance")}
        asked["corpus"] = options.pop("corpus", ())
        fast, _ = with_runtime(self, options.pop("runtime", "auto"))
        text = TextConfig.from_json({name: options.pop(name) for name in ("novel", "adapt") if name in options})
        config = SampleConfig.from_json(options)
        model: Any
        model, choose = asked_model(fast, text, **asked)
        if choose is not None:
            _, model = choose(condition_rng(random_seed(config), 0, 0))
        return generate_stream(model, seed, config, stops=stops)

    @for_python
    def score(self, text: str, *, use: str | None = None) -> Score:
        """Measures how well the model predicts a text, from its first character on; as a document, if it learnt some.

        Args:
            text: any.
            use: see `Model.using`.

        Raises:
            ConfigError: `text` is no text.
            DataError: it is empty after normalisation.
        """
        _check_text("text", text)
        if use is not None:
            return self.using(use).score(text)
        normalized = normalize(text, self.normalize_config)
        if self.documents is not None:
            return score_document(self, normalized.strip())
        return score_ids(self, self.tokenizer.encode(normalized), num_chars=len(normalized))


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise ConfigError(f"{name} is {value!r:.60}: expected a text")


def open_run(path: Path) -> LanguageModel:
    """Opens the language model in a folder.

    Raises:
        RunError: it is damaged, of another kind, or its parts do not belong together.
    """
    details = read_run(path, KIND)
    check_cells(details, path)
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
            num_experts=num_experts(details, path),
        )
    except RunError as error:
        raise RunError(f"{path / MODEL_FILE}: {error}") from None
    cache = details.get("counts", {}).get("cache")
    found = predictors(network, path, cache, vocab_size, has_end=documents is not None)
    return LanguageModel(next(iter(found.values())), tokenizer, config, start_id, details, path, documents, found)


def num_experts(details: dict[str, Any], path: Path) -> int:
    """Orders of the n-grams that a network was trained beside; raises RunError where that is no number of them."""
    orders = details.get("counts", {}).get("orders", 0) if isinstance(details.get("counts", {}), dict) else None
    if not isinstance(orders, int) or not 0 <= orders <= MOST_ORDERS:
        raise RunError(f"{path / RUN_FILE} is damaged: counts are {details['counts']!r:.80}; train again")
    return orders


def load_language_model(name: str | None, models_dir: Path) -> LanguageModel:
    """Opens the language model of a name or path, or the newest one."""
    return open_run(find_run(name, models_dir, KIND))


def read_tokenizer(path: Path) -> Tokenizer:
    """Reads `tokenizer.json`.

    Raises:
        RunError, TokenizerError: it is missing or damaged.
    """
    values = read_json(path)
    values.pop("sha256")
    return tokenizer_from_json(values)
