"""What the task of answering hands to training; TensorFlow is not needed for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.answerer.batches import StoryBatches
from textrnn.answerer.options import AnswerConfig
from textrnn.answerer.predict import to_arrays
from textrnn.answerer.stories import Question
from textrnn.text.tokens.vocabulary import Vocabulary


@dataclass(frozen=True)
class PreparedStories:
    """All that a session needs.

    Attributes:
        folder: where the run is put together; the run itself when it is resumed.
        path: where the run ends up.
        config: all options.
        vocabulary: text to ids.
        answers: what it can say, the most frequent one first.
        parts: questions by `learnt` and `held`; those that are learnt have an answer of `answers`.
        details: the content of `run.json` so far.
        resume: whether to go on from the checkpoint in `folder`.
        new_budget: whether epochs, time or tries were given now.
    """

    folder: Path
    path: Path
    config: AnswerConfig
    vocabulary: Vocabulary
    answers: list[str]
    parts: dict[str, list[Question]]
    details: dict[str, Any]
    resume: bool = False
    new_budget: bool = True

    @property
    def numbers(self) -> np.ndarray:
        """int32[questions], the number of each answer to learn; raises ValueError if one is unknown."""
        numbers = {answer: number for number, answer in enumerate(self.answers)}
        unknown = [question.answer for question in self.parts["learnt"] if question.answer not in numbers]
        if unknown:
            raise ValueError(f"{unknown[0]!r:.60} is not among its answers")
        return np.array([numbers[question.answer or ""] for question in self.parts["learnt"]], np.int32)

    def batches(self) -> StoryBatches:
        """The questions to learn from."""
        fit = self.config.fit
        arrays = to_arrays(self.parts["learnt"], self.vocabulary, self.config)
        return StoryBatches(arrays, self.numbers, fit.batch, fit.random_seed)
