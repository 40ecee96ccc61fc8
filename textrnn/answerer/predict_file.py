"""Files of stories: read, answered by a saved network, written again; needs no TensorFlow."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrnn.answerer.predict import Answerer
from textrnn.answerer.stories import Question, fill_in, read_stories
from textrnn.text.lines import line_end_of, lines_of
from textrnn.text.reader import AS_IT_SHOWS, Reading, open_sources, pieces
from textrnn.text.unseen import unseen_in_words


@dataclass(frozen=True)
class Stories:
    """A file of stories.

    Attributes:
        name: of the file.
        lines: without their ends.
        questions: all of them.
        line_end: what ends them.
    """

    name: str
    lines: list[str]
    questions: list[Question]
    line_end: str = "\n"

    @property
    def answered(self) -> list[Question]:
        """The questions that have an answer."""
        return [question for question in self.questions if question.answer is not None]


def read_file(path: str, reading: Reading = AS_IT_SHOWS) -> Stories:
    """Reads a file of stories; `-` is standard input.

    Raises:
        DataError: it cannot be read, or is no file of stories.
    """
    with open_sources([path], reading) as sources:
        source = sources[0]
        text = "".join(pieces(source))
    lines = lines_of(text)
    return Stories(source.name, lines, read_stories(lines, source.name), line_end_of(text))


def answer_file(stories: Stories, model: Answerer) -> dict[str, Any]:
    """Answers all questions of a file.

    Returns:
        the object that `textrnn answer --json` prints: `questions`, of each its `line`, `question`, `answer`,
        `confidence`, `attention`, for each hop the numbers of the lines that it looked at with their shares, and
        `unseen`, the words that the model never saw, if there are any; and `accuracy` on those that had an answer, None
        if none had.
    """
    found = []
    for question, given in zip(stories.questions, model.answer_all(stories.questions), strict=True):
        looked = [
            {str(number): round(float(share), 4) for number, share in zip(question.numbers, hop, strict=True)}
            for hop in given.attention
        ]
        one = dict(
            line=question.row + 1,
            question=question.text,
            answer=given.text,
            confidence=round(given.confidence, 4),
            attention=looked,
            known=question.answer,
        )
        unseen = model.unseen(question)
        found.append({**one, "unseen": unseen} if unseen else one)
    known = [one["answer"] == one["known"] for one in found if one["known"] is not None]
    return dict(questions=found, accuracy=float(np.mean(known)) if known else None)


def unseen_line(answered: dict[str, Any]) -> str | None:
    """A warning about the words that the model never saw; None if it knows all of them."""
    strange = [one["unseen"] for one in answered["questions"] if "unseen" in one]
    return unseen_in_words(itertools.chain(*strange), len(strange), "question") if strange else None


def filled_in(stories: Stories, answered: dict[str, Any], *, explain: bool) -> str:
    """The file with an answer to each question that had none; with `explain`, behind each answer that was given the
    number of the line that each hop looked at most."""
    given = {}
    for one in answered["questions"]:
        if one["known"] is None:
            most = [max(hop, key=hop.__getitem__) for hop in one["attention"] if hop]
            given[one["line"] - 1] = one["answer"] + ("\t" + " ".join(most)) * bool(explain and most)
    return "".join(line + stories.line_end for line in fill_in(stories.lines, given))
