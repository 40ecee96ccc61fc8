"""The stories of a run on disk, so that it can be resumed without the files it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from textrnn.answerer.stories import Question, read_stories
from textrnn.base.errors import DataError, RunError
from textrnn.base.files import read_weights, write_weights

STORIES_FILE = "checkpoint/stories.safetensors"
PARTS = ("learnt", "held")


def story_lines(questions: Sequence[Question]) -> list[str]:
    """Lines from which `read_stories` makes questions again that ask the same about the same sentences.

    Example:
        >>> story_lines([Question(3, ("Mary is here.",), (7,), "Where is Mary?", "here", 8)])
        ['1 Mary is here.', '2 Where is Mary?\\there']
    """
    lines, story, told, number = list[str](), None, 0, 0
    for question in questions:
        if question.story != story:
            story, told, number = question.story, 0, 0
        for sentence in question.sentences[told:]:
            number += 1
            lines.append(f"{number} {sentence}")
        told, number = len(question.sentences), number + 1
        lines.append(f"{number} {question.text}\t{question.answer or ''}")
    return lines


def write_stories(path: Path, parts: Mapping[str, Sequence[Question]]) -> None:
    """Writes questions with their stories by part, as UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = {name: "\n".join(story_lines(parts[name])).encode() for name in PARTS}
    write_weights(path, {name: np.frombuffer(text, np.uint8) for name, text in texts.items()})


def read_stories_file(path: Path) -> dict[str, list[Question]]:
    """Reads what `write_stories` wrote.

    Raises:
        RunError: it is missing or damaged.
    """
    arrays, _ = read_weights(path)
    try:
        texts = {name: arrays[name].astype(np.uint8).tobytes().decode() for name in PARTS}
        return {name: read_stories(text.split("\n"), name) for name, text in texts.items()}
    except (KeyError, ValueError, DataError) as error:
        raise RunError(f"{path} is damaged: {str(error) or repr(error)}; train again") from None
