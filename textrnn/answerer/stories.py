"""Stories with questions, in the format of the bAbI tasks: numbered lines, which begin again at 1 with each story.

    1 Mary went to the garden.
    2 Where is Mary?<TAB>garden<TAB>1

A line with a tab is a question with its answer and the numbers of the lines that support it; without a tab, a line that
ends with a question mark is a question that nobody has answered.

Reference:
    Weston et al., 2015, Towards AI-complete question answering: a set of prerequisite toy tasks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textrnn.base.errors import DataError
from textrnn.text.lines import lines_of

LINE = re.compile(r"\s*(\d{1,9})\s+(\S.*?)\s*$")
QUESTION_MARKS = ("?", "？", "؟")


@dataclass(frozen=True)
class Question:
    """A question with what was told before it.

    Attributes:
        story: the number of its story, from 0.
        sentences: what was told before, first to last.
        numbers: of their lines.
        text: the question.
        answer: as written; None if there is none.
        row: of its line among all lines, from 0.
    """

    story: int
    sentences: tuple[str, ...]
    numbers: tuple[int, ...]
    text: str
    answer: str | None
    row: int


def question_of(story: str | Sequence[str], question: str) -> Question:
    """A question about the sentences of a story, or about one text with a sentence a line; raises DataError if it is
    empty."""
    sentences = lines_of(story) if isinstance(story, str) else list(story)
    sentences = [sentence for sentence in sentences if sentence.strip()]
    if not question.strip():
        raise DataError("the question is empty: expected one such as 'Where is Mira?'")
    return Question(0, tuple(sentences), tuple(range(1, len(sentences) + 1)), question, None, 0)


def read_stories(lines: Sequence[str], name: str) -> list[Question]:
    """The questions of some lines.

    Args:
        lines: without their ends; empty ones count for nothing.
        name: of the file, for messages.

    Raises:
        DataError: a line has no number or one that cannot follow, or there is no question.

    Example:
        >>> [question] = read_stories(["1 Mary is here.", "2 Where is Mary?\\there\\t1"], "x")
        >>> question.text, question.answer, question.sentences
        ('Where is Mary?', 'here', ('Mary is here.',))
    """
    found, story, last = list[Question](), -1, 0
    told: list[tuple[int, str]] = []
    for row, line in enumerate(lines):
        if not line.strip():
            continue
        text, *columns = line.split("\t")
        match = LINE.match(text)
        if match is None:
            raise DataError(
                f"{name}, line {row + 1} is {line!r:.60}: expected a number and a sentence, such as '1 Mary is here.'"
            )
        number, sentence = int(match[1]), match[2]
        if number == 1:
            story, told = story + 1, []
        elif story < 0 or number <= last:
            raise DataError(
                f"{name}, line {row + 1} has number {number} after {last or 'nothing'}: numbers rise within a story, "
                "and each story begins with 1"
            )
        last = number
        if columns or sentence.endswith(QUESTION_MARKS):
            answer = columns[0].strip() if columns else ""
            numbers, sentences = zip(*told, strict=True) if told else ((), ())
            found.append(Question(story, sentences, numbers, sentence, answer or None, row))
        else:
            told.append((number, sentence))
    if not found:
        raise DataError(
            f"{name} has no question: expected lines such as '3 Where is Mary?', with a tab and an answer to learn from"
        )
    return found


def split_stories(questions: Sequence[Question], held: Iterable[int]) -> tuple[list[Question], list[Question]]:
    """Those of the stories that are learnt from, and those of the stories held out."""
    out = set(held)
    return [q for q in questions if q.story not in out], [q for q in questions if q.story in out]


def fill_in(lines: Sequence[str], answers: dict[int, str]) -> list[str]:
    """The lines with answers added where there are some, by row.

    Example:
        >>> fill_in(["1 Mary is here.", "2 Where is Mary?"], {1: "here"})
        ['1 Mary is here.', '2 Where is Mary?\\there']
    """
    return [
        line.split("\t")[0].rstrip() + "\t" + answers[row] if row in answers else line for row, line in enumerate(lines)
    ]
