"""How well a model predicts a text: nats of each token, in order, with carried state."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from textrnn.base.errors import DataError
from textrnn.language_model.mixture import CountsNetwork
from textrnn.nn.numpy.network import Network
from textrnn.text.tokens.load import UNKNOWN_ID
from textrnn.text.windows import HeldOutRows

STEPS = 64
# Logits that are held at a time (16 MiB): with a large vocabulary, fewer steps of the parallel rows.
LARGEST_LOGITS = 4_000_000
# What an unknown character costs beyond the probability of the unknown token: one of all characters of Unicode.
# Without this charge, a small vocabulary would make a text look easier than it is.
NATS_PER_UNKNOWN = math.log(1_112_064)


@dataclass(frozen=True)
class Score:
    """How well a model predicts a text.

    Attributes:
        chars: characters of the normalised text.
        tokens: tokens it was cut into.
        nats: negative log-likelihood of the tokens.
        unknown: tokens among them that the vocabulary does not know.
    """

    chars: int
    tokens: int
    nats: float
    unknown: int

    @property
    def nats_per_token(self) -> float:
        """Mean negative log-likelihood of a token."""
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """exp(nats per token): as unsure as among so many equally likely tokens."""
        return math.exp(min(700.0, self.nats_per_token))

    @property
    def bits_per_char(self) -> float:
        """Bits for each character of text, comparable between levels: an unknown character is charged in full."""
        return (self.nats + self.unknown * NATS_PER_UNKNOWN) / math.log(2) / self.chars

    def to_json(self) -> dict[str, Any]:
        """The keys of `textrnn score --json`."""
        return dict(
            chars=self.chars,
            tokens=self.tokens,
            bits_per_char=self.bits_per_char,
            nats_per_token=self.nats_per_token,
            perplexity=self.perplexity,
            unknown=self.unknown,
        )


class Reader(Protocol):
    """What scoring needs of a language model."""

    @property
    def network(self) -> Network:
        """Steps from ids to logits."""

    @property
    def start_id(self) -> int:
        """The token that a text begins after."""


def nats_in_order(model: Reader, pieces: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Nats of each token of a text, read by one row from its beginning.

    Args:
        model: the language model.
        pieces: int[any], the ids of the text in order; the state is carried from piece to piece.

    Yields:
        some ids, int32[tokens], and the nats of each, float64[tokens], in order.
    """
    state, before = model.network.initial_state(1), model.start_id
    for piece in pieces:
        for begin in range(0, len(piece), STEPS):
            targets = np.asarray(piece[begin : begin + STEPS], np.int32)
            read = np.concatenate([[before], targets[:-1]]).astype(np.int32)
            nats, state = model.network.target_nats(read[None], targets[None], state)
            before = int(targets[-1])
            yield targets, nats[0]


def score_ids(model: Reader, ids: np.ndarray, *, num_chars: int) -> Score:
    """Scores a text that is already ids; a long one is read by parallel rows, see `HeldOutRows`.

    Args:
        model: the language model.
        ids: int[num_tokens], may be memory-mapped.
        num_chars: characters of the text.

    Raises:
        DataError: there are no tokens.
    """
    if not len(ids):
        raise DataError("the text is empty: there is nothing to score")
    unknown = sum(int(np.count_nonzero(ids[b : b + 1_000_000] == UNKNOWN_ID)) for b in range(0, len(ids), 1_000_000))
    rows = HeldOutRows(ids, model.start_id)
    nats, state = 0.0, model.network.initial_state(rows.num_rows)
    if isinstance(model.network, CountsNetwork):
        state = model.network.remembering(state, rows.before)
    for batch in rows.windows(max(1, min(STEPS, LARGEST_LOGITS // (rows.num_rows * model.network.vocab_size)))):
        found, state = model.network.target_nats(batch.x, batch.y, state)
        nats += float((found * batch.mask).sum())
    return Score(num_chars, len(ids), nats, unknown)
