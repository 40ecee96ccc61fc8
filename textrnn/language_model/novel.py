"""Writing nothing that stands word for word in a text: tokens that would complete a known piece are left out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.language_model.mixture import CountsNetwork
from textrnn.nn.numpy.network import State
from textrnn.text.corpus import decoded, map_ids, normalized_text, smallest_dtype
from textrnn.text.counts.joined import JoinedCounts
from textrnn.text.counts.model import Counts
from textrnn.text.documents import read_documents
from textrnn.text.reader import Source, find_files, open_sources
from textrnn.text.tokens.load import PADDING_ID, UNKNOWN_ID

if TYPE_CHECKING:
    from textrnn.language_model.model import Model

FIRST_ID = max(PADDING_ID, UNKNOWN_ID) + 1  # the reserved ids are all below it
BETWEEN = "\0"  # stands between documents; no text has it
DOCUMENTS = 1000  # that are looked at together


class Known(Protocol):
    """What is known of a text: which tokens would complete a piece of it that is too long."""

    def start(self, rows: int) -> State:
        """The state before some texts side by side; arrays [any, rows], never changed in place."""

    def read(self, ids: np.ndarray, state: State) -> State:
        """The state after one more token a row, int32[rows]."""

    def forbidden(self, state: State) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """Rows and tokens that may not come next there, int64[any] each; some may come several times."""


class Predictor(Protocol):
    """What writing needs of a network."""

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`."""

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""


class NovelNetwork:
    """A network whose logits are -inf for tokens that would complete a known piece.

    Where no token is left that the network holds for possible, all others that are not forbidden are equally likely;
    where all are forbidden, none is. The first array of its state tells whether the token before the text, which is no
    part of it, has been read, bool[1, rows]; then come those of what is known and of the network.

    Args:
        network: what predicts.
        known: what may not be written.
    """

    def __init__(self, network: Predictor, known: Known) -> None:
        self._network, self._known = network, known
        self._end = 1 + len(known.start(0))  # of its own arrays and those of what is known, in the state

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        return [np.zeros((1, rows), bool), *self._known.start(rows), *self._network.initial_state(rows)]

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`; the first token of a text is read by `read`."""
        begun, known, network = self._parts(state)
        logits, network = self._network.step(ids, network)
        known = self._known.read(ids, known)
        return self._allowed(logits, known), [begun, *known, *network]

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""
        begun, known, network = self._parts(state)
        logits, network = self._network.read(ids, network)
        for token in ids if begun.all() else ids[1:]:
            known = self._known.read(np.array([token]), known)
        return self._allowed(logits, known), [np.ones_like(begun), *known, *network]

    def _parts(self, state: State) -> tuple[np.ndarray, State, State]:
        return state[0], state[1 : self._end], state[self._end :]

    def _allowed(self, logits: np.ndarray, known: State) -> np.ndarray:
        """The logits without what is forbidden; they themselves are not changed."""
        pairs = [pair for pair in self._known.forbidden(known) if len(pair[0])]
        if not pairs:
            return logits
        rows, ids = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        allowed: np.ndarray = logits.copy()
        allowed[rows, ids] = -np.inf
        some = np.unique(rows)
        for row in some[~(allowed[some, FIRST_ID:] > -np.inf).any(1)]:
            free = np.ones(logits.shape[1], bool)
            free[ids[rows == row]] = free[:FIRST_ID] = False
            allowed[row] = np.where(free, np.float32(0), -np.inf) if free.any() else logits[row]
        return allowed


class KnownToCounts:
    """Pieces that counts of characters know; those that were left out when they were saved are not found.

    Args:
        counts: n-grams of characters.
        limit: characters that a known piece may have, below the order of the counts.
        num_chars: tokens below it are characters.
    """

    def __init__(self, counts: Counts, limit: int, num_chars: int) -> None:
        self._counts, self._limit, self._num_chars = counts, limit, num_chars

    def start(self, rows: int) -> State:
        """See `Known.start`."""
        return [self._counts.start(rows).T]

    def read(self, ids: np.ndarray, state: State) -> State:
        """See `Known.read`."""
        return [self._counts.advance(state[0].T, np.minimum(ids, self._counts.vocab - 1)).T]

    def forbidden(self, state: State) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """See `Known.forbidden`."""
        rows, tokens = self._counts.following(state[0][self._limit])
        chars = tokens < self._num_chars  # and no end of a document
        yield rows[chars], tokens[chars]


def training_ids(model: Model) -> np.ndarray | None:
    """The ids of the training part that a run keeps; None where they are not there."""
    num_ids = model.vocab_size if model.documents is None else model.documents.num_ids
    path = None if model.path is None else model.path / "checkpoint" / "train.ids"
    return map_ids(path, smallest_dtype(num_ids)) if path is not None and path.is_file() else None


def known_pieces(model: Model, limit: int, corpus: Sequence[str]) -> Known:
    """What a model may not write.

    Args:
        model: the language model.
        limit: characters that a piece may have that stands in the text as well.
        corpus: files, folders and patterns with that text, read as the model's own was; if there are none, it is the
            training part that the run keeps, and where that is not there, the model's counts are asked.

    Raises:
        ConfigError: the counts cannot tell.
        DataError: a file cannot be read.
    """
    from textrnn.language_model.known_text import KnownText

    if not corpus and (ids := training_ids(model)) is not None:
        return KnownText(lambda: decoded(ids, model.tokenizer), limit, model.tokenizer)
    if not corpus:
        return KnownToCounts(_counts(model, limit), limit, model.vocab_size)
    with open_sources(find_files(corpus)) as sources:
        return KnownText(lambda: _text(model, sources), limit, model.tokenizer)


def _counts(model: Model, limit: int) -> Counts:
    """The counts in which pieces are looked for; raises ConfigError if they cannot tell."""
    where, found = model.path or "this model", model.predictors.get("counts")
    if not isinstance(found, CountsNetwork):
        raise ConfigError(f"{where} has no counts to look for pieces in: name the text for --novel with --corpus FILE")
    if model.tokenizer.level != "char":
        raise ConfigError(
            f"the counts of {where} are not of characters (--level {model.tokenizer.level}): name the text for --novel "
            "with --corpus FILE"
        )
    counts = found.counts.own if isinstance(found.counts, JoinedCounts) else found.counts
    order = counts.order
    if limit >= order:
        raise ConfigError(
            f"--novel is {limit:,}, and the counts of {where} know pieces of at most {order} characters: expected at "
            f"most {order - 1}, or the text with --corpus FILE"
        )
    return counts


def _text(model: Model, sources: Sequence[Source]) -> Iterator[str]:
    """The text of files, normalised as that of the model, in parts."""
    config = model.config
    if not config.documents.has_documents:
        yield from normalized_text(sources, config.normalize)
        return
    documents = read_documents(sources, config.documents, config.normalize)
    while some := list(itertools.islice(documents, DOCUMENTS)):
        yield "".join(text + BETWEEN for text, _ in some)
