"""From files of stories to what a memory network learns from."""

from __future__ import annotations

import contextlib
import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrnn import __version__
from textrnn.answerer.batches import StoryBatches
from textrnn.answerer.options import AnswerConfig
from textrnn.answerer.predict import KIND, open_answerer, to_arrays
from textrnn.answerer.predict_file import Stories
from textrnn.answerer.store import STORIES_FILE, read_stories_file, write_stories
from textrnn.answerer.stories import Question, split_stories
from textrnn.base.errors import DataError
from textrnn.base.files import TOKENIZER_FILE, run_head, write_json
from textrnn.base.run_target import RunTarget, changes_between, resumed_options
from textrnn.text.normalize import normalize
from textrnn.text.tokens.vocabulary import Vocabulary, build_vocabulary
from textrnn.training.display import Display, duration
from textrnn.training.prepared import Parts, Prepared, new_run, resumed_run

RESUMABLE = ("epochs", "time_s", "tries", "save_every_s")


@dataclass(frozen=True)
class StoryData:
    """What a memory network learns from.

    Attributes:
        vocabulary: text to ids.
        answers: what it can say, the most frequent one first.
        learnt: questions to learn from; each has an answer of `answers`.
        held: questions that are held out.
    """

    vocabulary: Vocabulary
    answers: list[str]
    learnt: list[Question]
    held: list[Question]

    @property
    def numbers(self) -> np.ndarray:
        """int32[questions], the number of each answer to learn; raises ValueError if one is unknown."""
        numbers = {answer: number for number, answer in enumerate(self.answers)}
        unknown = [question.answer for question in self.learnt if question.answer not in numbers]
        if unknown:
            raise ValueError(f"{unknown[0]!r:.60} is not among its answers")
        return np.array([numbers[question.answer or ""] for question in self.learnt], np.int32)

    def batches(self, config: AnswerConfig) -> StoryBatches:
        """The questions to learn from."""
        arrays = to_arrays(self.learnt, self.vocabulary, config)
        return StoryBatches(arrays, self.numbers, config.fit.batch, config.fit.random_seed)

    def parts(self) -> Parts:
        """What writes the files of a run that training never changes."""
        questions = dict(learnt=self.learnt, held=self.held)
        return {
            TOKENIZER_FILE: lambda path: write_json(path, self.vocabulary.to_json()),
            STORIES_FILE: lambda path: write_stories(path, questions),
        }


@contextlib.contextmanager
def new_stories(
    stories: Stories,
    test: Stories | None,
    config: AnswerConfig,
    run_target: RunTarget,
    *,
    command: str,
    display: Display,
) -> Iterator[Prepared]:
    """A new run, held within the block, with its stories divided.

    Args:
        stories: those to learn from.
        test: those to measure on; None to hold out a share of the stories.
        config: all options, resolved.
        run_target: where the run goes.
        command: what the run says that it was made by.
        display: shows what was found.

    Raises:
        ConfigError, DataError, RunError: as their messages say.
    """
    learnt, held = _split(stories, test, config)
    with new_run(run_target, stories.name, display.say) as (folder, run):
        limit = "" if config.fit.time_s is None else f"; at most {duration(config.fit.time_s)}"
        display.say(f"{len(learnt):,} questions to learn from, {len(held):,} held out{limit}")
        texts = [text for question in learnt for text in (*question.sentences, question.text)]
        vocabulary = build_vocabulary([normalize(text, config.normalize) for text in dict.fromkeys(texts)], min_count=1)
        # From the most frequent answer to the rarest, so that the majority answer is number 0.
        answers = [a for a, _ in Counter(sorted(q.answer for q in learnt if q.answer is not None)).most_common()]
        details = {
            **run_head(KIND, command, config.to_json()),
            "answers": answers,
            "stories": {"name": stories.name, "questions": len(learnt)},
            "vocab_size": vocabulary.vocab_size,
            "metrics": {},
            "versions": {"textrnn": __version__, "python": platform.python_version()},
        }
        data = StoryData(vocabulary, answers, learnt, held)
        yield Prepared(folder, run, config, data, details, parts=data.parts())


@contextlib.contextmanager
def resumed_stories(
    name: str, run_target: RunTarget, options: Mapping[str, Any], display: Display
) -> Iterator[Prepared]:
    """A run that is gone on with, held within the block.

    Raises:
        ConfigError: an option differs from that of the run.
        RunError: the run is missing, in use or damaged.
    """
    with resumed_run(name, run_target, KIND) as run:
        model = open_answerer(run)
        questions = read_stories_file(run / STORIES_FILE)
        AnswerConfig.from_options(options)
        before = model.config.options()
        config = AnswerConfig.from_options(resumed_options(before, options, resumable=RESUMABLE, path=run)).resolve()
        after = config.options()
        new_budget = any(after[name] != before[name] for name in ("epochs", "tries")) or "time_s" in options
        details = {**model.details, "config": config.to_json()}
        data = StoryData(model.vocabulary, model.answers, questions["learnt"], questions["held"])
        kept: dict[str, Any] = dict(parts=data.parts(), changes=changes_between(before, after))
        prepared = Prepared(run, run, config, data, details, resume=True, new_budget=new_budget, **kept)
        prepared.check_budget()
        display.say(prepared.resuming)
        yield prepared


def _split(stories: Stories, test: Stories | None, config: AnswerConfig) -> tuple[list[Question], list[Question]]:
    learnt, held = stories.answered, [] if test is None else test.answered
    if test is None:
        numbers = sorted({question.story for question in learnt})
        if len(numbers) < 2:
            raise DataError(
                f"{stories.name} has {len(numbers)} stories with answered questions: expected at least two, of which "
                "some are held out; or name others by --test"
            )
        rng = np.random.default_rng(config.fit.random_seed)
        count = min(len(numbers) - 1, max(1, round(config.fit.held_out * len(numbers))))
        learnt, held = split_stories(learnt, rng.permutation(numbers)[:count].tolist())
    for name, questions in ((stories.name, learnt), (getattr(test, "name", ""), held)):
        if not questions:
            raise DataError(f"{name} has no question with an answer: expected a tab and the answer after the question")
    if len({question.answer for question in learnt}) < 2:
        raise DataError(f"all questions of {stories.name} have the answer {learnt[0].answer!r:.60}: nothing to learn")
    return learnt, held
