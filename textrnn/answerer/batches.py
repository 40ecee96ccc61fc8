"""Questions about stories in batches, the same ones for the same seed and number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from textrnn.answerer.predict import Arrays
from textrnn.text.rows import batches

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]
CHECK_ROWS, MOST_CHECKED = 256, 2_000  # questions read at a time when nothing is learnt, and at most in a check


class StoryBatches:
    """The questions of each training batch of all epochs.

    Args:
        arrays: at least one question with its story.
        answers: int32[questions], the number of each answer.
        size: questions of a batch.
        random_seed: decides which questions are together, and the order of the batches.
    """

    def __init__(self, arrays: Arrays, answers: np.ndarray, size: int, random_seed: int) -> None:
        self._arrays, self._answers, self._size, self.random_seed = arrays, answers, size, random_seed
        self.num_batches = -(-len(answers) // size)
        rows = np.random.default_rng(random_seed).permutation(len(answers))[:MOST_CHECKED]
        self._checked, self.num_checked = np.sort(rows), len(rows)
        self._key, self._plan = (-1, -1), list[np.ndarray]()

    def batch(self, epoch: int, index: int) -> Batch:
        """Batch `index` of epoch `epoch`, both from 0.

        Returns:
            sentences int32[rows, sentences, words] and questions int32[rows, words], both padded with 0, and the
            numbers of the answers, int32[rows].
        """
        if (self.random_seed, epoch) != self._key:
            self._key = self.random_seed, epoch
            equal = np.ones(len(self._answers), np.int64)  # all rows are as long
            self._plan = list(batches(equal, self._size, np.random.default_rng(self._key)))
        return self._some(self._plan[index])

    def checked(self) -> Iterator[Batch]:
        """The questions by which networks are compared, once."""
        for begin in range(0, self.num_checked, CHECK_ROWS):
            yield self._some(self._checked[begin : begin + CHECK_ROWS])

    def _some(self, rows: np.ndarray) -> Batch:
        return self._arrays.sentences[rows], self._arrays.questions[rows], self._answers[rows]
