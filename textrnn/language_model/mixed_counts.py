"""What counts say of a training text and of its held-out part, as training reads it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from textrnn.language_model.file_weights import FileWeights
from textrnn.language_model.mixture import AnyCounts
from textrnn.text.counts.cache import Cache
from textrnn.text.counts.codes import PROBABILITY_OF_CODE, probability_codes

LOOKED_UP = 500  # tokens before those that were not counted, where the cache looks
# Share of the training part, at its beginning, that the network does not learn from; the end is most like what comes
# next. 15 epochs of data/chinese.txt: 6.86 bits a character, 7.09 where gate and network learn from all, 6.94 of counts
# alone; of data/english.txt 2.02, 2.00, 2.09.
GATE_SHARE = 0.05


@dataclass(frozen=True)
class MixedCounts:
    """What training mixes with the network.

    Attributes:
        counts: the n-grams of the training part, as they are saved, and of texts that were learnt from before.
        cache: of the last tokens; runs of earlier versions have none.
        files: those that they are saved in, by their names in the run.
        ids: int[tokens], the training part.
        train: uint8[counted, experts], codes of the probability of each token that was counted, the last ones of the
            training part: by the counts of each text that was learnt from before, by each order, from counts of other
            blocks, see `textrnn.text.counts.count`, and by the cache.
        valid: uint8[tokens, experts], the same of the held-out part, or of the beginning of a very long one.
        end_id: the token that begins and ends documents; None where the text is one.
        said: what was counted, in a line.
    """

    counts: AnyCounts
    cache: Cache | None
    files: Mapping[str, Path]
    ids: np.ndarray
    train: np.ndarray
    valid: np.ndarray
    end_id: int | None = None
    said: str = ""
    code_nats = -np.log(PROBABILITY_OF_CODE)

    @property
    def num_experts(self) -> int:
        """What there is beside the network: orders of n-grams, and the cache."""
        return self.counts.order + (self.cache is not None)

    @functools.cached_property
    def held_out_nats(self) -> float:
        """Nats per token of the held-out part by the longest n-grams alone, with the cache."""
        return float(self.code_nats[self.valid[:, -1]].mean(dtype=np.float64))

    def teaches_network(self, places: np.ndarray, files: FileWeights | None = None) -> np.ndarray:
        """Whether the network learns from tokens of the training part: float32, of the shape of their places.

        It does not from the first ones, so that the gate can learn what the network is worth on text that it does not
        know: what it has read several times it knows too well. Where files have weights, those are the first ones of
        each file: a short one that counts more than others may be the first.
        """
        begins, lengths = (0, len(self.ids)) if files is None else files.spans(places)
        taught: np.ndarray = (places - begins >= lengths * GATE_SHARE).astype(np.float32)
        return taught

    def codes_at(self, places: np.ndarray) -> np.ndarray:
        """Codes of tokens of the training part, uint8[rows, steps, experts].

        Args:
            places: int64[rows, steps], one after the other in each row where they count.
        """
        counted = places - (len(self.ids) - len(self.train))
        codes: np.ndarray = self.train[np.maximum(counted, 0)]
        rows = np.flatnonzero((counted < 0).any(1))
        if len(rows):
            looked_up = self._looked_up(places[rows])
            codes[rows] = np.where(counted[rows, :, None] < 0, looked_up, codes[rows])
        return codes

    def _looked_up(self, places: np.ndarray) -> np.ndarray:
        """Codes of tokens that were not counted: uint8[rows, steps, experts]."""
        counts, cache = self.counts, self.cache
        lead = places[:, :1] + np.arange(-counts.longest if cache is None else -LOOKED_UP, 0)
        at = np.maximum(np.concatenate([lead, places], 1), 0).T  # [lead + steps, rows]
        tokens = np.minimum(self.ids[at], counts.vocab - 1).astype(np.int64)
        nodes = counts.walk(counts.start(len(places)), tokens)[:-1]
        found = counts.target_probabilities(nodes.reshape(-1, nodes.shape[-1]), tokens.ravel())
        found = found.reshape(*at.shape, -1).swapaxes(0, 1)
        if cache is not None:
            rows = zip(tokens.T, found[..., -1], strict=True)
            own = [cache.text_probabilities(text, base, end_id=self.end_id) for text, base in rows]
            found = np.concatenate([found, np.stack(own)[..., None]], 2)
        return probability_codes(found[:, lead.shape[1] :])
