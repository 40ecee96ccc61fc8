"""`textrnn answer`: from stories with questions to a measured memory network, and from one to answers."""

from __future__ import annotations

import contextlib
import platform
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textrnn import __version__
from textrnn.answerer.options import AnswerConfig
from textrnn.answerer.predict import KIND, Answerer, open_answerer
from textrnn.answerer.predict_file import Stories
from textrnn.answerer.prepared import PreparedStories
from textrnn.answerer.store import STORIES_FILE, read_stories_file
from textrnn.answerer.stories import Question, split_stories
from textrnn.base.errors import ConfigError, DataError, RunError
from textrnn.base.files import RUN_FILE, read_json, remove_temporaries, run_head, write_json
from textrnn.base.place import Place, resumed_options
from textrnn.base.run import find_run, locked, models_dir_flag, staged
from textrnn.text.normalize import normalize
from textrnn.text.tokens.vocabulary import build_vocabulary
from textrnn.training.display import Display, duration
from textrnn.training.interrupt import certain_interrupts, polite_interrupts

RESUMABLE = ("epochs", "time_s", "tries", "save_every_s")
LSTM_SHARE = 0.2  # of the time, for the LSTM beside a network that is gone on with
LSTM_LEAST_S = 10.0
NAMES = {"memory_network": "memory network", "lstm": "LSTM over story and question", "majority": "majority answer"}


def train(
    stories: Stories | None,
    *,
    test: Stories | None = None,
    resume: str | None = None,
    place: Place | None = None,
    quiet: bool = True,
    command: str = "textrnn.answerer.train.train",
    begin: float | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Trains a memory network on the answered questions of some stories, measures it, and saves it.

    Args:
        stories: those to learn from; None to resume.
        test: those to measure on; None to hold out a share of the stories.
        resume: the run to go on with.
        place: where the run goes.
        quiet: print warnings only.
        command: what the run says that it was made by.
        begin: when the command began, by `time.monotonic`; now when None.
        options: fields of the groups of `textrnn.answerer.options.AnswerConfig`.

    Returns:
        the object that `textrnn answer --json` prints, and `ended`: `budget` or `interrupted`.

    Raises:
        ConfigError: an option is unknown or out of range, or the run has used up its budget.
        DataError: there are too few answered questions.
        RunError: the run exists, is in use, is damaged or cannot be written.
    """
    begin, display = time.monotonic() if begin is None else begin, Display(quiet=quiet)
    place = place or Place()
    if resume is not None:
        prepared = _resumed(resume, place, options, display)
    elif stories is not None:
        prepared = _new(stories, test, place, options, display, command)
    else:
        raise ConfigError("there is nothing to learn from: name a file of stories, or - for standard input")
    with prepared as ready:
        with certain_interrupts():
            display.say("loading TensorFlow ...")
            from textrnn.training.backend import start_tensorflow

            start_tensorflow(deterministic=ready.config.fit.deterministic)
            from textrnn.answerer.fit import AnswererSession

            session = AnswererSession(ready, display)
        ended = session.train(begin)
        learning_s = time.monotonic() - begin
        with polite_interrupts(lambda: display.warn("stopping; --resume compares it")) as interrupted:
            accuracy = _compare(ready, display, learning_s, lambda: ended == "interrupted" or interrupted())
            ended = "interrupted" if interrupted() else ended
        details = read_json(ready.path / RUN_FILE)
        details["metrics"].update(accuracy_of=accuracy, test_accuracy=accuracy["memory_network"])
        details["status"] = "interrupted" if ended == "interrupted" else "finished"
        write_json(ready.path / RUN_FILE, details)
        return dict(
            run=str(ready.path),
            parameters=details["parameters"],
            seconds=round(time.monotonic() - begin, 3),
            tries=session.number + 1,
            steps=session.progress.step,
            own_nats=details["metrics"].get("own_nats"),
            test=dict(questions=len(ready.parts["held"]), accuracy=accuracy["memory_network"]),
            models=accuracy,
            ended=ended,
        )


@contextlib.contextmanager
def _new(
    stories: Stories,
    test: Stories | None,
    place: Place,
    options: Mapping[str, Any],
    display: Display,
    command: str,
) -> Iterator[PreparedStories]:
    config = AnswerConfig.from_options(options).resolve()
    learnt, held = _split(stories, test, config)
    name = place.name_for(stories.name)
    with locked(place.models_dir, name):
        run = place.check_free(name, resumable=True)
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
        with staged(place.models_dir, name) as folder:
            yield PreparedStories(folder, run, config, vocabulary, answers, dict(learnt=learnt, held=held), details)


@contextlib.contextmanager
def _resumed(name: str, place: Place, options: Mapping[str, Any], display: Display) -> Iterator[PreparedStories]:
    run = find_run(name, place.models_dir, KIND)
    with locked(run.resolve().parent, run.resolve().name):
        remove_temporaries(run)
        model = open_answerer(run)
        parts = read_stories_file(run / STORIES_FILE)
        AnswerConfig.from_options(options)
        before = model.config.options()
        given = resumed_options(before, options, resumable=RESUMABLE, path=run)
        config = AnswerConfig.from_options(given).resolve()
        new_budget = any(given[name] != before[name] for name in ("epochs", "tries")) or "time_s" in options
        details = {**model.details, "config": config.to_json()}
        display.say(f"resuming {run}")
        ready = PreparedStories(
            run, run, config, model.vocabulary, model.answers, parts, details, resume=True, new_budget=new_budget
        )
        try:
            yield ready
        except (AttributeError, KeyError, TypeError) as error:  # a checksum can be right over nonsense
            raise RunError(f"{run / RUN_FILE} is damaged: {error!r:.80}; train again") from None


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


def _compare(
    prepared: PreparedStories, display: Display, learning_s: float, interrupted: Callable[[], bool]
) -> dict[str, float]:
    """The accuracy on held-out questions of what is saved, of an LSTM unless somebody waits, and of the majority."""
    held, model = prepared.parts["held"], open_answerer(prepared.path)
    accuracy = {"memory_network": _right(held, [answer.text for answer in model.answer_all(held)])}
    if not interrupted():
        display.say("comparing it with an LSTM ...")
        answers = _lstm_answers(prepared, model, _lstm_s(prepared, learning_s), interrupted)
        if not interrupted():
            accuracy["lstm"] = _right(held, answers)
    accuracy["majority"] = _right(held, [prepared.answers[0]] * len(held))
    return accuracy


def _lstm_s(prepared: PreparedStories, learning_s: float) -> float:
    """Seconds for the LSTM: nearly what is left; without a limit as many as the memory network had."""
    time_s = prepared.config.fit.time_s
    if time_s is None:
        return max(LSTM_LEAST_S, learning_s)
    if not prepared.new_budget:
        return LSTM_SHARE * time_s
    return max(0.5, 0.9 * (time_s - 1 - learning_s))


def _lstm_answers(
    prepared: PreparedStories, model: Answerer, seconds: float, interrupted: Callable[[], bool]
) -> list[str]:
    """The answers of an LSTM that reads story and question as one text."""
    from textrnn.answerer.step import lstm_guesses

    config = prepared.config

    def encoded(questions: list[Question]) -> list[np.ndarray]:
        most = config.network.sentences
        texts = ("\n".join([*question.sentences[-most:], question.text]) for question in questions)
        return [model.vocabulary.encode(normalize(text, config.normalize)) for text in texts]

    guesses = lstm_guesses(
        encoded(prepared.parts["learnt"]),
        prepared.numbers,
        encoded(prepared.parts["held"]),
        vocab_size=model.vocabulary.vocab_size,
        num_answers=len(model.answers),
        random_seed=config.fit.random_seed,
        seconds=seconds,
        interrupted=interrupted,
    )
    return [model.answers[guess] for guess in guesses]


def _right(questions: Sequence[Question], answers: Sequence[str]) -> float:
    """Share of the questions that have this answer."""
    return float(np.mean([question.answer == answer for question, answer in zip(questions, answers, strict=True)]))


def summary(result: dict[str, Any]) -> str:
    """What was learnt, for a person."""
    lines = [f"right answers to {result['test']['questions']:,} questions of held-out stories:"]
    lines += [f"  {NAMES[name]:<30} {100 * share:5.1f} %" for name, share in result["models"].items()]
    lines.append(f"saved {result['run']}")
    if result["ended"] == "interrupted":
        path = Path(result["run"])
        lines.append(f"go on with:  textrnn answer --resume {shlex.quote(path.name)}{models_dir_flag(path)}")
    return "\n".join(lines)
