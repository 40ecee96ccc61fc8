"""`textrnn answer`: from stories with questions to a measured memory network, and from one to answers."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.answerer.data import new_stories, resumed_stories
from textrnn.answerer.options import AnswerConfig
from textrnn.answerer.predict import Answerer, open_answerer
from textrnn.answerer.predict_file import Stories, read_file
from textrnn.answerer.stories import Question
from textrnn.base.errors import ConfigError
from textrnn.base.files import RUN_FILE, read_json, write_json
from textrnn.base.run import models_dir_flag
from textrnn.base.run_target import TrainingCall
from textrnn.classifier.kinds import Classes
from textrnn.classifier.network_request import NetworkRequest
from textrnn.classifier.options import ClassifierConfig, EncoderConfig, OptimizationConfig, StopConfig
from textrnn.text.normalize import normalize
from textrnn.training.backend import start_tensorflow
from textrnn.training.display import Display
from textrnn.training.interrupt import certain_interrupts, polite_interrupts
from textrnn.training.prepared import Prepared

LSTM = EncoderConfig(arch="lstm", units=64, embed=32, pooling="last", dropout=0.0, embed_dropout=0.0, word_dropout=0.0)
LSTM_EPOCHS = 40.0
LSTM_SHARE = 0.2  # of the time, for the LSTM beside a network that is gone on with
LSTM_LEAST_S = 10.0
NAMES = {"memory_network": "memory network", "lstm": "LSTM over story and question", "majority": "majority answer"}


@dataclass(frozen=True)
class Call(TrainingCall):
    """How training was asked for, beside the options of `AnswerConfig`.

    Attributes:
        test: stories to measure on, or a file of them; None to hold out a share of those to learn from.
        resume: the run to go on with.
    """

    test: Stories | str | Path | None = None
    resume: str | None = None
    command: str = "textrnn.answer"


def train(stories: Stories | str | Path | None, **options: Any) -> dict[str, Any]:
    """Trains a memory network on the answered questions of some stories, measures it, and saves it.

    Args:
        stories: those to learn from, or a file of them; None to resume.
        options: fields of `Call`, such as `name="stories"` or `resume="stories"`, and fields of the groups of
            `textrnn.answerer.options.AnswerConfig`.

    Returns:
        the object that `textrnn answer --json` prints, and `ended`: `budget` or `interrupted`.

    Raises:
        ConfigError: an option is unknown or out of range, or the run has used up its budget.
        DataError: there are too few answered questions.
        RunError: the run exists, is in use, is damaged or cannot be written.
    """
    call, options = Call.split(options)
    display = Display(quiet=call.quiet)
    if call.resume is not None:
        ready = resumed_stories(call.resume, call.run_target, options, display)
    elif stories is not None:
        config = AnswerConfig.from_options(options).resolve()
        test = None if call.test is None else _read(call.test)
        ready = new_stories(_read(stories), test, config, call.run_target, command=call.command, display=display)
    else:
        raise ConfigError("there is nothing to learn from: name a file of stories, or - for standard input")
    with ready as prepared:
        with certain_interrupts():
            display.say("loading TensorFlow ...")
            start_tensorflow(deterministic=prepared.config.fit.deterministic)
            from textrnn.answerer.fit import fit

        learner = fit(prepared, display, begin=call.begin)
        return _compared(prepared, learner, display, call.begin)


def _read(stories: Stories | str | Path) -> Stories:
    return stories if isinstance(stories, Stories) else read_file(str(stories))


def _compared(prepared: Prepared, learner: Any, display: Display, begin: float) -> dict[str, Any]:
    """Compares the network with an LSTM, finishes `run.json`, and gives what `train` returns."""
    ended, learning_s = learner.trainer.ended, time.monotonic() - begin
    with polite_interrupts(lambda: display.warn("stopping; --resume compares it")) as interrupted:
        accuracy = _compare(prepared, display, learning_s, lambda: ended == "interrupted" or interrupted())
        ended = "interrupted" if interrupted() else ended
    details = read_json(prepared.path / RUN_FILE)
    details["metrics"].update(accuracy_of=accuracy, test_accuracy=accuracy["memory_network"])
    details["status"] = "interrupted" if ended == "interrupted" else "finished"
    write_json(prepared.path / RUN_FILE, details)
    return dict(
        run=str(prepared.path),
        parameters=details["parameters"],
        seconds=round(time.monotonic() - begin, 3),
        tries=learner.number + 1,
        steps=learner.progress.step,
        own_nats=details["metrics"].get("own_nats"),
        test=dict(questions=len(prepared.data.held), accuracy=accuracy["memory_network"]),
        models=accuracy,
        changes=details.get("changes", []),
        ended=ended,
    )


def _compare(
    prepared: Prepared, display: Display, learning_s: float, interrupted: Callable[[], bool]
) -> dict[str, float]:
    """The accuracy on held-out questions of what is saved, of an LSTM unless somebody waits, and of the majority."""
    held, model = prepared.data.held, open_answerer(prepared.path)
    accuracy = {"memory_network": _right(held, [answer.text for answer in model.answer_all(held)])}
    if not interrupted():
        display.say("comparing it with an LSTM ...")
        answers = _lstm_answers(prepared, model, _lstm_s(prepared, learning_s), interrupted)
        if not interrupted():
            accuracy["lstm"] = _right(held, answers)
    accuracy["majority"] = _right(held, [prepared.data.answers[0]] * len(held))
    return accuracy


def _lstm_s(prepared: Prepared, learning_s: float) -> float:
    """Seconds for the LSTM: nearly what is left; without a limit as many as the memory network had."""
    time_s: float | None = prepared.config.fit.time_s
    if time_s is None:
        return max(LSTM_LEAST_S, learning_s)
    if not prepared.new_budget:
        return LSTM_SHARE * time_s
    return max(0.5, 0.9 * (time_s - 1 - learning_s))


def _lstm_answers(prepared: Prepared, model: Answerer, seconds: float, interrupted: Callable[[], bool]) -> list[str]:
    """The answers of an LSTM that reads story and question as one text."""
    from textrnn.classifier.fit import fit_classifier

    config, data = prepared.config, prepared.data

    def encoded(questions: list[Question]) -> list[np.ndarray]:
        most = config.network.sentences
        texts = ("\n".join([*question.sentences[-most:], question.text]) for question in questions)
        return [model.vocabulary.encode(normalize(text, config.normalize)) for text in texts]

    request = NetworkRequest(
        config=ClassifierConfig(
            encoder=LSTM, optimization=OptimizationConfig(learning_rate=5e-3), stop=StopConfig(epochs=LSTM_EPOCHS)
        ),
        texts=encoded(data.learnt),
        labels=data.numbers,
        held=encoded(data.held),
        vocab_size=model.vocabulary.vocab_size,
        kind=Classes(model.answers),
        row_weights=np.ones(len(data.learnt)),
        random_seed=config.fit.random_seed,
        seconds=seconds,
        interrupted=interrupted,
    )
    return [model.answers[guess] for guess in fit_classifier(request).outputs.argmax(1)]


def _right(questions: Sequence[Question], answers: Sequence[str]) -> float:
    """Share of the questions that have this answer."""
    return float(np.mean([question.answer == answer for question, answer in zip(questions, answers, strict=True)]))


def summary(result: dict[str, Any]) -> str:
    """What was learnt, for a person."""
    lines = [f"right answers to {result['test']['questions']:,} questions of held-out stories:"]
    lines += [f"  {NAMES[name]:<30} {100 * share:5.1f} %" for name, share in result["models"].items()]
    path = Path(result["run"])
    run = shlex.quote(path.name) + models_dir_flag(path)
    lines += [f"saved {path}", f"try it:      textrnn answer NEW_STORIES.txt --model {run}"]
    if result["ended"] == "interrupted":
        lines.append(f"go on with:  textrnn answer --resume {run}")
    return "\n".join(lines)
