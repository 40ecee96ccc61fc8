"""Training a language model: what happens at each event of the trainer, and what a person sees of it."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from textrnn.base.errors import TextRNNError
from textrnn.language_model.conditions import drawn_condition
from textrnn.language_model.copies import copies
from textrnn.language_model.counting import with_parts
from textrnn.language_model.data import example_of
from textrnn.language_model.fast import cost_in_words, has_litert
from textrnn.language_model.generation_loop import Stream, write
from textrnn.language_model.learner import COUNTS_COLUMNS, Learner, num_targets, numpy_network
from textrnn.language_model.mixed_counts import MixedCounts
from textrnn.language_model.mixture import MixtureNetwork
from textrnn.language_model.model import Model
from textrnn.language_model.predict import open_run
from textrnn.language_model.random_state import row_rng
from textrnn.language_model.rows import read_prompt
from textrnn.language_model.sample_options import SampleConfig
from textrnn.language_model.scoring import Score
from textrnn.nn.keras.weights import get_weights
from textrnn.nn.numpy.network import CarriedNetwork
from textrnn.nn.stack import STATES
from textrnn.text.corpus import Corpus, decoded, forget_pages
from textrnn.training.display import Display, check_line, keep_sample, one_line
from textrnn.training.events import Gates, Sample, Tell, Weights, together
from textrnn.training.prepared import Prepared
from textrnn.training.session import LiveLine, learning, plan_budget
from textrnn.training.trainer import Check, Event, Step, WentBack
from textrnn.training.workers import Workers

SAMPLE_TOKENS = 80
GATE_TOKENS = 500  # of the held-out text, in which the gates are looked at
COPY_TEXTS, COPY_TOKENS = 4, 500  # that are written at the end, to see what is copied
FEWEST_PARAMETERS = 100_000  # of a network for which the fast runtime is made: NumPy is quick enough with a smaller one
MOST_COMPARED = 30_000_000  # training tokens that they are compared with


def fit(
    prepared: Prepared,
    display: Display,
    *,
    begin: float,
    samples: bool,
    workers: Workers | None = None,
    counts: MixedCounts | None = None,
    tell: Tell | None = None,
) -> dict[str, Any]:
    """Trains a language model and saves it.

    Args:
        prepared: the corpus and options.
        display: shows what happens.
        begin: when the command began, by `time.monotonic`.
        samples: whether to show a line that the model writes at each check.
        workers: all processes that learn together.
        counts: of n-grams, that are mixed in.
        tell: takes all events.

    Returns:
        the object that `textrnn train --json` prints, and `ended`; workers beside the chief return only `ended`.

    Raises:
        NotFiniteError: training has blown up; what was saved before is kept.
        RunError: the run cannot be written.
        WorkerError: another worker is gone; what was saved before is kept.
    """
    workers = workers or Workers()
    prepared = with_parts(prepared, counts)
    if counts is not None and counts.said:
        display.say(counts.said)
    learner = Learner(prepared, display, workers, counts)
    workers.tick()
    budget = plan_budget(
        prepared,
        prepared.config.stop,
        learner.progress,
        num_batches=learner.objective.num_batches,
        left_s=(prepared.config.stop.time_s or 0.0) - (time.monotonic() - begin) - ending_s(prepared, learner),
        workers=workers,
    )
    is_timed = prepared.config.stop.time_s is not None and not prepared.config.optimization.deterministic
    if is_timed and (check_s := learner.objective.check_seconds()) > 0:
        budget.expect_check(check_s)
    display.say(f"{learner}; learning (Ctrl-C stops and saves)")
    watch = Watch(prepared, learner, display, samples=samples, tell=tell)
    title = f"{prepared.path.name}: {learner}"
    with learning(learner.trainer, learner.store, display, command="train", title=title):
        for event in learner.trainer.run(budget):
            watch.see(event, is_chief=workers.is_chief)
        if workers.is_chief and learner.trainer.ended != "interrupted":
            watch.measure_texts()
    ended = learner.trainer.ended
    if workers.is_chief and ended != "interrupted":
        limit_s = prepared.config.stop.time_s
        watch.make_fast(is_late=limit_s is not None and time.monotonic() - begin > limit_s)
    return watch.result(time.monotonic() - begin, workers) if workers.is_chief else dict(ended=ended)


def ending_s(prepared: Prepared, learner: Learner) -> float:
    """About how many seconds pass behind the last check: texts are written, and the files of the fast runtime made.

    On 2 cores of an AMD EPYC (Zen 4) a step of the texts took 5 ms with a vocabulary of 20,000, and the files 2.5 s
    with 1.7 million parameters.
    """
    writing_s = COPY_TOKENS * (0.0005 + 2.3e-7 * learner.model.vocab_size)
    return writing_s + (1.5 + learner.model.count_params() / 1e6 if makes_fast(prepared, learner) else 0.0)


def makes_fast(prepared: Prepared, learner: Learner) -> bool:
    """Whether the network gets the files of a fast runtime."""
    is_worth_it = learner.model.count_params() >= FEWEST_PARAMETERS
    return has_litert() and prepared.config.model.arch in STATES and is_worth_it


class Watch:
    """What a person sees of a training, and what is kept of its checks.

    Args:
        prepared: the corpus and options.
        learner: what is trained, see `textrnn.language_model.fit.Learner`.
        display: shows it.
        samples: whether to show a line that the model writes at each check.
        tell: takes all events.
    """

    def __init__(
        self, prepared: Prepared, learner: Learner, display: Display, *, samples: bool, tell: Tell | None = None
    ) -> None:
        self._prepared, self._learner, self._display, self._samples = prepared, learner, display, samples
        self._tell = tell or together()
        self._corpus: Corpus = prepared.data
        self._live = LiveLine(display)

    def see(self, event: Event, *, is_chief: bool) -> None:
        """Takes any event; the chief tells it on."""
        if isinstance(event, Step):
            self.step(event)
        elif isinstance(event, Check):
            self.check(event, is_chief=is_chief)
        elif isinstance(event, WentBack):
            self._display.warn(event.line)
        if not is_chief:
            return
        self._tell(event)
        if isinstance(event, Check):
            self._tell(Weights(int(event.row["step"]), lambda: get_weights(self._learner.model)))
            self._tell(Gates(int(event.row["step"]), self._gates))
            self._write_sample(int(event.row["step"]))

    def step(self, event: Step) -> None:
        """Moves the live line."""
        if self._live.is_due():
            forget_pages(self._corpus.train.ids)
            speed = self._chars_per_s(self._learner.progress.tokens_per_s or 0.0)
            self._live.show(event, f"{self._train_bits(event.loss):.3f} bits/char  {speed:,.0f} chars/s")

    def check(self, event: Check, *, is_chief: bool) -> None:
        """Adds bits and characters to the row of a check; the chief shows it and keeps the weights if they are best."""
        row, score = event.row, self._score(event.row["val_nats_per_token"])
        models = self._models()
        if self._learner.counts is not None:
            row.update((name, models[name.partition("_")[0]]["val_bits_per_char"]) for name in COUNTS_COLUMNS)
        row.update(
            train_bits_per_char=self._train_bits(row["train_nats_per_token"]),
            val_bits_per_char=score.bits_per_char,
            chars_per_s=self._chars_per_s(row["tokens_per_s"]),
        )
        if not is_chief:
            return
        self._display.say(check_line(row, is_best=event.is_best))
        if event.is_best:
            metrics: dict[str, Any] = dict(val_nats_per_token=score.nats_per_token, epoch=row["epoch"])
            metrics.update(val_bits_per_char=score.bits_per_char, step=int(row["step"]), models=models)
            self._learner.store.keep_best(metrics)
        progress = self._learner.progress
        if not event.is_best and progress.worse_checks % 3 == 0:
            epoch = progress.best_step / self._learner.objective.num_batches
            risen = f"validation has risen for {progress.worse_checks} checks"
            self._display.say(f"{risen}: the best model, of epoch {epoch:.3g}, is kept")

    def _write_sample(self, step: int) -> None:
        """Shows a text that the model writes now, and keeps it."""
        if self._samples:
            sample = self._sample()
            self._display.say(f"        {one_line(sample)}", style="dim")
            keep_sample(self._prepared.path, step, sample)
            self._tell(Sample(step, sample))

    def result(self, seconds: float, workers: Workers) -> dict[str, Any]:
        """The object that `textrnn train --json` prints, and `ended`."""
        learner, details = self._learner, self._prepared.details
        progress, metrics = learner.progress, details["metrics"]
        speed = progress.tokens_per_s
        return dict(
            run=str(self._prepared.path),
            arch=learner.model.config.arch,
            parameters=learner.model.count_params(),
            seconds=round(seconds, 3),
            epochs=progress.step / learner.objective.num_batches,
            steps=progress.step,
            skipped_steps=progress.skipped,
            chars_per_s=None if speed is None else self._chars_per_s(speed),
            val_nats_per_token=metrics.get("val_nats_per_token"),
            val_bits_per_char=metrics.get("val_bits_per_char"),
            val_tokens=learner.objective.num_targets,
            models=metrics.get("models"),
            copies=details.get("copies"),
            **({"from": details["from"]} if "from" in details else {}),
            best_epoch=metrics.get("epoch"),
            changes=details.get("changes", []),
            precision=learner.precision,
            workers=workers.workers,
            ended=learner.trainer.ended,
            example=example_of(self._corpus),
        )

    def _models(self) -> dict[str, dict[str, float]]:
        """The held-out loss of all that there is to predict with."""
        counts, nats = self._learner.counts, dict(self._learner.objective.held_out_nats)
        if counts is not None:
            nats = {"counts": counts.held_out_nats, **nats}
        scores = {name: self._score(value) for name, value in nats.items()}
        return {
            name: dict(val_nats_per_token=score.nats_per_token, val_bits_per_char=score.bits_per_char)
            for name, score in scores.items()
        }

    def measure_texts(self) -> None:
        """Keeps what the best weights copy from the training text, and how much of a run before them is forgotten."""
        model, details = self._model(self._learner.store.best_weights), self._prepared.details
        details["copies"] = self._copies(model)
        if self._prepared.start is not None:
            details["from"].update(self._prepared.start.forgotten(model) or {})

    def make_fast(self, *, is_late: bool = False) -> None:
        """Makes the files of the fast runtime where LiteRT is installed, if it is worth it and there is time."""
        path = self._prepared.path
        if not makes_fast(self._prepared, self._learner):
            return
        if is_late:
            command = f"textrnn export {path.name} --to litert --int8"
            self._display.say(f"generate will write with NumPy, as the time is over: '{command}' makes it faster")
            return
        from textrnn.language_model.convert import save_fast

        try:
            lost = save_fast(open_run(path))
        except TextRNNError as error:
            self._display.say(f"generate will write with NumPy: {error}")
        else:
            self._display.say(f"generate will write by LiteRT in int8, which costs {cost_in_words(lost)}")

    def _copies(self, model: Model) -> dict[str, Any]:
        """Writes some text, and tells how much of it stands in the training text."""
        rngs = [row_rng(number) for number in range(COPY_TEXTS)]
        prompts = [read_prompt(self._begun(model, rng)[1], model.tokenizer.encode("")) for rng in rngs]
        texts = [one.text for one in write(model, prompts, rngs, SampleConfig(length=COPY_TOKENS))]
        train = self._corpus.train.ids
        return copies(texts, lambda: decoded(train, self._corpus.tokenizer, MOST_COMPARED)).to_json()

    def _gates(self) -> dict[str, np.ndarray]:
        """How far the gates are open at the beginning of the held-out text."""
        network = numpy_network(self._prepared, get_weights(self._learner.model), self._learner.model.num_experts)
        if not isinstance(network, CarriedNetwork):
            return {}
        begin = np.array([self._prepared.details["start_id"]], np.int32)
        _, state = network.read(begin, network.initial_state(1))
        return network.gates(np.asarray(self._corpus.valid.ids[:GATE_TOKENS], np.int32), state)

    def _sample(self) -> str:
        """A text that is written now."""
        rng = row_rng(self._learner.progress.step)
        label, model = self._begun(self._model(get_weights(self._learner.model)), rng)
        text = "".join(Stream(model, model.tokenizer.encode(""), rng).write(SampleConfig(length=SAMPLE_TOKENS)))
        return f"{label}: {text.strip()}" if label else text

    def _begun(self, model: Model, rng: np.random.Generator) -> tuple[str, Model]:
        """The model whose texts begin in a condition that is drawn, if there are some, and its name."""
        return drawn_condition(model, rng) if self._corpus.num_conditions else ("", model)

    def _model(self, weights: dict[str, np.ndarray]) -> Model:
        """What predicts with some weights, without TensorFlow."""
        config, corpus, details = self._prepared.config, self._corpus, self._prepared.details
        network = numpy_network(self._prepared, weights, self._learner.model.num_experts)
        if self._learner.counts is not None:
            network = MixtureNetwork(network, self._learner.counts.counts, self._learner.counts.cache)
        return Model(network, corpus.tokenizer, config, details["start_id"], details, documents=corpus.documents)

    def _score(self, nats_per_token: float) -> Score:
        valid = self._corpus.valid
        tokens = num_targets(valid.ids, self._corpus.end_id)
        return Score(valid.num_chars, tokens, nats_per_token * tokens, valid.num_unknown)

    def _train_bits(self, nats_per_token: float) -> float:
        train = self._corpus.train
        return nats_per_token / math.log(2) * len(train.ids) / train.num_chars

    def _chars_per_s(self, tokens_per_s: float) -> float:
        train = self._corpus.train
        return tokens_per_s * train.num_chars / len(train.ids)
