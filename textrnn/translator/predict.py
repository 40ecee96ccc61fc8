"""A saved translator, opened without TensorFlow: it turns texts into others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, RunError, TextRNNError, for_python
from textrnn.base.files import MODEL_FILE, RUN_FILE, TOKENIZER_FILE, read_json, read_weights
from textrnn.base.run import find_run, read_run
from textrnn.nn.numpy.threads import in_parts
from textrnn.nn.numpy.weights import Weights
from textrnn.text.given import given_texts, like_given
from textrnn.text.rows import padded
from textrnn.text.tokens.base import PADDING_ID, UNKNOWN_ID
from textrnn.translator.beam import Found, State, beam_search
from textrnn.translator.numpy_network import AlignedNetwork, EncoderDecoderNetwork
from textrnn.translator.options import DecodeConfig, TranslateConfig
from textrnn.translator.pairs import one_line
from textrnn.translator.store import PAIRS_FILE
from textrnn.translator.tokens import ALIGNED, ENCODER_DECODER, Side, side_from_json
from textrnn.translator.unseen import unseen, words_learnt

KIND = "translator"
CHUNK = 1024  # texts that are worked at a time
ROWS = 256  # texts side by side, times the beam
MARGIN = 10  # tokens that a translation may have beyond what the pairs show


@dataclass(frozen=True)
class Translation:
    """What became of a text.

    Attributes:
        text: the translation.
        nats: its log-probability, at most 0, under the name that it has in `--format jsonl`.
        is_cut: whether only the beginning of the source was read.
        is_whole: whether the translation came to its end.
    """

    text: str
    nats: float
    is_cut: bool = False
    is_whole: bool = True


@dataclass(frozen=True)
class AttentionMap:
    """What each token of a translation attended to.

    Attributes:
        source: tokens, the last is the end.
        target: the same.
        weights: float32[layers, target, source]; each row adds up to 1.
    """

    source: list[str]
    target: list[str]
    weights: np.ndarray


def with_end(ids: np.ndarray, side: Side) -> np.ndarray:
    """Ids and behind them the end, which has the id after all tokens of a side."""
    return np.append(ids, side.vocab_size).astype(np.int32)


@dataclass
class Translator:
    """A network with the vocabularies of both sides.

    Attributes:
        kind: `aligned` or `encoder-decoder`.
        source: tokens of what is read.
        target: tokens of what is written.
        network: of that kind.
        config: all options.
        longest: the largest number of target tokens for each token of a source that the pairs show.
        details: the content of `run.json`.
        path: the folder it was loaded from.
    """

    kind: str
    source: Side
    target: Side
    network: AlignedNetwork | EncoderDecoderNetwork
    config: TranslateConfig
    longest: float = 2.0
    details: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}: {self.kind}, {self.source.level} to {self.target.level}>"

    @for_python
    def translate(self, texts: Iterable[str], column: str | None = None, **options: Any) -> Any:
        """Translates some texts.

        Args:
            texts: any iterable of strings, each of which is read as one line; a pandas Series or DataFrame too.
            column: of a DataFrame, the name of the column with the texts.
            options: fields of `DecodeConfig`: `beam` and `length_penalty`.

        Returns:
            a list of translations; for a Series one with the same index; for a DataFrame a copy with the column
            `translation`.

        Raises:
            ConfigError: `texts` is a single text, or the column is missing.
            DataError: one of them is no text; the message names its place.

        Example:
            textrnn.load("models/fra").translate(["How are you?"], beam=4)
        """
        found = [one.text for one in self.stream(given_texts(texts, column), DecodeConfig.from_json(options))]
        return like_given(texts, found, {"translation": found})

    def stream(self, texts: Iterable[str], decode: DecodeConfig | None = None) -> Iterator[Translation]:
        """Translates any number of texts, some at a time; an empty one stays empty."""
        rest = given_texts(texts)
        while some := list(islice(rest, CHUNK)):
            yield from self.some(some, decode)

    def some(self, texts: Sequence[str], decode: DecodeConfig | None = None) -> list[Translation]:
        """Translates some texts, shared among the cores."""
        options = decode or DecodeConfig()
        lines = [one_line(text, self.config.normalize) for text in texts]
        ids = [self.source.encode(line) for line in lines]
        full = sorted((row for row in range(len(ids)) if len(ids[row])), key=lambda row: len(ids[row]))
        made = [Translation("", 0.0)] * len(ids)

        def work(rows: Sequence[int]) -> np.ndarray:
            found = np.empty(len(rows), object)
            size = max(1, ROWS // options.beam)
            for begin in range(0, len(rows), size):
                part = rows[begin : begin + size]
                found[begin : begin + size] = self._worked([ids[row] for row in part], options)
            return found

        if full:
            for row, translation in zip(full, in_parts(work, full), strict=True):
                made[row] = translation
        return made

    def unseen(self, text: str) -> tuple[str, ...]:
        """The characters, tokens or words of a text that the model never saw: it can only guess what to make of them.

        Example:
            textrnn.load("models/fra").unseen("purple umbrella")
        """
        return unseen(one_line(text, self.config.normalize), self.source, lambda: self._learnt)

    @cached_property
    def _learnt(self) -> Collection[str] | None:
        """The words of the sources; None where they are not known: a run may have begun with another one's."""
        return None if self.path is None or "from" in self.details else words_learnt(self.path / PAIRS_FILE)

    def _worked(self, ids: Sequence[np.ndarray], options: DecodeConfig) -> list[Translation]:
        """Translates texts of at least one token side by side."""
        limit = self.config.pairs.max_length
        cut = [one[:limit] for one in ids]
        if isinstance(self.network, AlignedNetwork):
            found = self._tagged(cut)
        else:
            network, memory = self.network, self.network.read([with_end(one, self.source) for one in cut])

            def step(tokens: np.ndarray, state: State, sources: np.ndarray) -> tuple[np.ndarray, State]:
                logits, after, _ = network.step(tokens, state, memory, sources)
                return logits, after

            found = beam_search(
                step,
                memory.state,
                end_id=self.target.vocab_size,
                longest=[min(limit, int(self.longest * len(one))) + MARGIN for one in cut],
                beam=options.beam,
                length_penalty=options.length_penalty,
                barred=(PADDING_ID, UNKNOWN_ID),
            )
        return [
            Translation(self.target.decode(one.ids), one.log_prob, len(all_ids) > limit, one.is_whole)
            for one, all_ids in zip(found, ids, strict=True)
        ]

    def _tagged(self, ids: Sequence[np.ndarray]) -> list[Found]:
        """The most likely token of each step."""
        logits = self.network.logits(*padded(ids)).astype(np.float64)  # type: ignore[union-attr]
        logits[:, :, [PADDING_ID, UNKNOWN_ID]] = -np.inf
        best, highest = logits.argmax(2).astype(np.int32), logits.max(2)
        each = highest - np.log(np.exp(logits - highest[:, :, None]).sum(2)) - highest
        return [Found(row[: len(one)], float(p[: len(one)].sum())) for row, p, one in zip(best, each, ids, strict=True)]

    def attention(self, text: str, target: str | None = None, **options: Any) -> AttentionMap:
        """What each token of a translation attends to.

        Args:
            text: the source.
            target: its translation; None for that of the network.
            options: fields of `DecodeConfig`.

        Raises:
            ConfigError: the network has no attention, or the text is empty.
        """
        if not isinstance(self.network, EncoderDecoderNetwork):
            raise ConfigError("a translator of kind 'aligned' has no attention: expected one of kind 'encoder-decoder'")
        ids = self.source.encode(one_line(text, self.config.normalize))[: self.config.pairs.max_length]
        if not len(ids):
            raise ConfigError("the text is empty: expected one whose translation attends to something")
        if target is None:
            target = self.translate([text], **options)[0]
        written, end = self.target.encode(one_line(target, self.config.normalize)), self.target.vocab_size
        weights = self.network.attention(with_end(ids, self.source), np.append(end, written).astype(np.int32))
        return AttentionMap([*self.source.shown(ids), "end"], [*self.target.shown(written), "end"], weights)


def make_network(
    kind: str, config: TranslateConfig, sides: tuple[Side, Side], arrays: dict[str, np.ndarray]
) -> AlignedNetwork | EncoderDecoderNetwork:
    """The network of a kind with the weights of a run; raises RunError if they do not fit."""
    source_size, target_size = (network_size(kind, side) for side in sides)
    maker = AlignedNetwork if kind == ALIGNED else EncoderDecoderNetwork
    return maker(config.network, source_size, target_size, Weights(arrays))


def network_size(kind: str, side: Side) -> int:
    """Tokens that a network knows of a side: with the end, if there is one."""
    return side.vocab_size + (kind != ALIGNED)


def open_translator(path: Path) -> Translator:
    """Opens a saved translator.

    Raises:
        RunError: it is missing, damaged or of another kind.
    """
    details = read_run(path, KIND)
    weights, _ = read_weights(path / MODEL_FILE)
    vocabularies = read_json(path / TOKENIZER_FILE)
    try:
        config, kind, longest = TranslateConfig.from_json(details["config"]), details["translator"], details["longest"]
        if kind not in (ALIGNED, ENCODER_DECODER) or not 0 < float(longest) < 1e6:
            raise ValueError(f"kind {kind!r:.60}, longest {longest!r:.60}")
        sides = side_from_json(vocabularies["source"]), side_from_json(vocabularies["target"])
        network = make_network(kind, config, sides, weights)
        return Translator(kind, *sides, network, config, float(longest), details, path)
    except RunError as error:
        raise RunError(f"{path / MODEL_FILE}: {error}") from None
    # A checksum can be right over nonsense.
    except (AttributeError, KeyError, TypeError, ValueError, TextRNNError) as error:
        raise RunError(f"{path / RUN_FILE} is damaged: {error!r:.80}; restore it from a copy or train again") from None


def load_translator(name: str | None, models_dir: Path) -> Translator:
    """Opens the translator of a name or path, or the newest one."""
    return open_translator(find_run(name, models_dir, KIND))
