"""`textrnn answer`: from stories with questions to a measured memory network, and from one to answers."""

from __future__ import annotations

import csv
import io
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn import __version__
from textrnn.answer_config import AnswerConfig
from textrnn.errors import DataError
from textrnn.run import locked, publish, staged
from textrnn.run_files import (
    FORMAT_VERSION,
    MODEL_FILE,
    RUN_FILE,
    TOKENIZER_FILE,
    write_atomically,
    write_json,
    write_weights,
)
from textrnn.runtime.answerer import KIND, Answerer, MemoryNetwork, open_answerer, to_arrays
from textrnn.runtime.weights import Weights
from textrnn.tasks.answer_file import Stories
from textrnn.tasks.place import Place
from textrnn.text.normalize import normalize
from textrnn.text.stories import Question, split_stories
from textrnn.text.vocabulary import Vocabulary, build_vocabulary
from textrnn.training.interrupt import certain_interrupts, polite_interrupts
from textrnn.training.report import Display, duration

HISTORY_FILE = "history.csv"
LEARNING_SHARE = 0.75  # of the time that is left; the rest is for the LSTM beside it
NAMES = {"memory_network": "memory network", "lstm": "LSTM over story and question", "majority": "majority answer"}


def train(
    stories: Stories,
    *,
    test: Stories | None = None,
    name: str | None = None,
    models_dir: Path = Path("models"),
    overwrite: bool = False,
    quiet: bool = True,
    command: str = "textrnn.tasks.answer.train",
    begin: float | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Trains a memory network on the answered questions of some stories, measures it, and saves it.

    Args:
        stories: those to learn from.
        test: those to measure on; None to hold out a share of the stories.
        name: of the run; made from the file's name when None.
        models_dir: the folder that holds runs.
        overwrite: whether a run of that name may be replaced.
        quiet: print warnings only.
        command: what the run says that it was made by.
        begin: when the command began, by `time.monotonic`; now when None.
        options: fields of the groups of `textrnn.answer_config.AnswerConfig`.

    Returns:
        the object that `textrnn answer --json` prints, and `ended`: `budget` or `interrupted`.

    Raises:
        ConfigError: an option is unknown or out of range.
        DataError: there are too few answered questions.
        RunError: the run exists, is in use, or cannot be written.
    """
    begin, display = time.monotonic() if begin is None else begin, Display(quiet=quiet)
    config = AnswerConfig.from_options(options)
    learnt, held = _split(stories, test, config)
    place = Place(models_dir, name, overwrite)
    run = place.name_for(stories.name)
    with locked(models_dir, run):
        path = place.check_free(run)
        display.say(
            f"{len(learnt):,} questions to learn from, {len(held):,} held out; at most {duration(config.fit.time_s)}"
        )
        with certain_interrupts():
            display.say("loading TensorFlow ...")
            from textrnn.training.backend import start_tensorflow

            start_tensorflow()
        with (
            staged(models_dir, run) as folder,
            polite_interrupts(lambda: display.warn("stopping, and keeping what there is")) as interrupted,
        ):

            def left_s() -> float:
                return max(1.0, config.fit.time_s - 1 - (time.monotonic() - begin))

            found = _learn(learnt, held, config, display, left_s, interrupted)
            details = _details(stories, config, found, command, len(learnt))
            _save(folder, found, details)
            publish(folder, path)
            ended = "interrupted" if interrupted() else "budget"
    return dict(
        run=str(path),
        parameters=details["parameters"],
        seconds=round(time.monotonic() - begin, 3),
        test=dict(questions=len(held), accuracy=found.accuracy["memory_network"]),
        models=found.accuracy,
        ended=ended,
    )


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


@dataclass
class Found:
    """What was learnt: weights, vocabulary, answers, history, and the accuracy on held-out questions by model."""

    weights: dict[str, np.ndarray]
    vocabulary: Vocabulary
    answers: list[str]
    history: list[dict[str, float]]
    accuracy: dict[str, float]


def _learn(
    learnt: list[Question],
    held: list[Question],
    config: AnswerConfig,
    display: Display,
    left_s: Callable[[], float],
    interrupted: Callable[[], bool],
) -> Found:
    """Trains the memory network some times, keeps the one that knows its own questions best, and compares it.

    One that has learnt is worth more than several that had no time to: a try may take all the time that is left, and
    another one follows if there is as much time as the longest took.
    """
    from textrnn.training.answerer import fit_memory_network

    texts = [text for question in learnt for text in (*question.sentences, question.text)]
    vocabulary = build_vocabulary([normalize(text, config.normalize) for text in dict.fromkeys(texts)], min_count=1)
    # From the most frequent answer to the rarest, so that the majority answer is number 0.
    answers = [a for a, _ in Counter(sorted(q.answer for q in learnt if q.answer is not None)).most_common()]
    numbers = np.array([answers.index(q.answer) for q in learnt if q.answer is not None], np.int32)
    arrays, tries, history = to_arrays(learnt, vocabulary, config), config.fit.tries, list[dict[str, float]]()
    best, begin, total, longest = None, time.monotonic(), LEARNING_SHARE * left_s(), 0.0
    for number in range(tries):
        started = time.monotonic()
        one = fit_memory_network(
            config,
            arrays,
            numbers,
            vocab_size=vocabulary.vocab_size,
            num_answers=len(answers),
            random_seed=config.fit.random_seed + number,
            number=number + 1,
            seconds=max(0.5, total - (started - begin)),
            interrupted=interrupted,
        )
        history += one.history
        display.say(f"memory network {number + 1} of {tries}: {one.nats:.4f} nats a question it learnt from")
        best = one if best is None or one.nats < best.nats else best
        longest = max(longest, time.monotonic() - started)
        if interrupted() or best.nats < 1e-3:  # no other try would know them better
            break
        if total - (time.monotonic() - begin) < longest:
            break
    weights = {} if best is None else best.weights
    network = MemoryNetwork(config.network, vocabulary.vocab_size, len(answers), Weights(weights))
    given = Answerer(network, vocabulary, answers, config).answer_all(held)
    accuracy = {"memory_network": _right(held, [answer.text for answer in given])}
    if not interrupted():
        accuracy["lstm"] = _right(held, _lstm(learnt, numbers, held, answers, vocabulary, config, left_s, interrupted))
    accuracy["majority"] = _right(held, [answers[0]] * len(held))
    return Found(weights, vocabulary, answers, history, accuracy)


def _lstm(
    learnt: list[Question],
    numbers: np.ndarray,
    held: list[Question],
    answers: list[str],
    vocabulary: Vocabulary,
    config: AnswerConfig,
    left_s: Callable[[], float],
    interrupted: Callable[[], bool],
) -> list[str]:
    """The answers of an LSTM that reads story and question as one text."""
    from textrnn.training.answerer import lstm_guesses

    def encoded(questions: list[Question]) -> list[np.ndarray]:
        most = config.network.sentences
        texts = ("\n".join([*question.sentences[-most:], question.text]) for question in questions)
        return [vocabulary.encode(normalize(text, config.normalize)) for text in texts]

    guesses = lstm_guesses(
        encoded(learnt),
        numbers,
        encoded(held),
        vocab_size=vocabulary.vocab_size,
        num_answers=len(answers),
        random_seed=config.fit.random_seed,
        seconds=0.9 * left_s(),
        interrupted=interrupted,
    )
    return [answers[guess] for guess in guesses]


def _right(questions: Sequence[Question], answers: Sequence[str]) -> float:
    """Share of the questions that have this answer."""
    return float(np.mean([question.answer == answer for question, answer in zip(questions, answers, strict=True)]))


def _details(stories: Stories, config: AnswerConfig, found: Found, command: str, num_learnt: int) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "kind": KIND,
        "status": "finished",
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": command,
        "config": config.to_json(),
        "answers": found.answers,
        "stories": {"name": stories.name, "questions": num_learnt},
        "vocab_size": found.vocabulary.vocab_size,
        "parameters": sum(int(array.size) for array in found.weights.values()),
        "metrics": {"accuracy_of": found.accuracy, "test_accuracy": found.accuracy["memory_network"]},
        "versions": {"textrnn": __version__, "python": platform.python_version(), "numpy": np.__version__},
    }


def _save(folder: Path, found: Found, details: dict[str, Any]) -> None:
    write_json(folder / TOKENIZER_FILE, found.vocabulary.to_json())
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["try", "epoch", "train_nats", "seconds"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in found.history)
    write_atomically(folder / HISTORY_FILE, text.getvalue().encode())
    write_weights(folder / MODEL_FILE, found.weights)
    write_json(folder / RUN_FILE, details)
    open_answerer(folder)  # what cannot be read is not published


def summary(result: dict[str, Any]) -> str:
    """What was learnt, for a person."""
    lines = [f"right answers to {result['test']['questions']:,} questions of held-out stories:"]
    lines += [f"  {NAMES[name]:<30} {100 * share:5.1f} %" for name, share in result["models"].items()]
    return "\n".join([*lines, f"saved {result['run']}"])
