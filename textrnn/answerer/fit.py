"""One session of training a memory network: tries from different beginnings, each with the loop of language models."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.answerer.network import build_memory_network
from textrnn.answerer.prepared import PreparedStories
from textrnn.answerer.step import make_answerer_check, make_answerer_step
from textrnn.answerer.store import STORIES_FILE, write_stories
from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import TOKENIZER_FILE, write_json
from textrnn.nn.keras.weights import get_weights
from textrnn.training.checkpoint import Progress, load_checkpoint, variable_groups
from textrnn.training.display import Display, duration, shown
from textrnn.training.interrupt import polite_interrupts
from textrnn.training.running import COUNTED, PLAN, SHOWN_EVERY_S
from textrnn.training.schedule import Budget
from textrnn.training.step import make_optimizer
from textrnn.training.store import RunWriter
from textrnn.training.trainer import Callbacks, Learner, NotFiniteError, train_loop

EPOCHS, STEPS = 30, 2500  # passes of a try when nobody says, and at least so many steps
LEARNING_SHARE = 0.75  # of the time that is left; the rest is for the LSTM beside it
LEARNT_NATS = 1e-3  # a question: no other try would know them better
LOSS = "own_nats"  # of the questions that are learnt from, nothing left to chance
COLUMNS = ("try", "epoch", "step", "train_nats", LOSS, "learning_rate", "gradient_norm", "seconds")
SOFTMAX = 1  # the second phase of a try; in the first one, 0, the network is linear


class AnswererSession:
    """Everything that one training needs.

    Args:
        prepared: stories, options and folder.
        display: tells the person.
    """

    def __init__(self, prepared: PreparedStories, display: Display) -> None:
        self.prepared, self.display, config = prepared, display, prepared.config
        self.train_config = config.train_config()
        self.windows = prepared.batches()
        self.model = self._new_network(0)
        self.optimizer = make_optimizer(self.train_config, self.model)
        self.groups = variable_groups(self.model, self.optimizer)
        self.progress, self.number, self.phase, self._earlier = Progress(), 0, 0, list[dict[str, float]]()
        if prepared.resume:
            self._load(None)
        self._steps = [make_answerer_step(self.model, self.optimizer, linear=linear) for linear in (True, False)]
        self._check = make_answerer_check(self.model, self.windows)
        versions = dict(tensorflow=tf.__version__, keras=keras.__version__, numpy=np.__version__)
        prepared.details["versions"].update(versions)
        prepared.details["parameters"] = self.model.count_params()
        parts = {
            TOKENIZER_FILE: lambda path: write_json(path, prepared.vocabulary.to_json()),
            STORIES_FILE: lambda path: write_stories(path, prepared.parts),
        }
        self.writer = RunWriter(
            prepared.folder, prepared.details, display.warn, parts=parts, columns=COLUMNS, loss=LOSS
        )
        self._last_shown = 0.0
        if prepared.resume:
            self.writer.read_best()

    def train(self, begin: float) -> str:
        """Trains and saves; what comes after training says in `run.json` that the run is finished.

        Args:
            begin: when the command began, by `time.monotonic`.

        Returns:
            `budget` or `interrupted`.

        Raises:
            NotFiniteError: training has blown up; what was saved before is kept.
            RunError: the run cannot be written.
        """
        budget = self._budget(begin)
        if self.prepared.resume:
            self._save()  # with the new budget, and without what a kill left
        else:
            self.writer.publish(self.prepared.path, get_weights(self.model), self.groups, self.progress, self._state())
        tell = "stopping after this step and saving; once more Ctrl-C stops at once"
        with polite_interrupts(lambda: self.display.warn(tell)) as interrupted:
            try:
                with shown(self.display, "learning", self.prepared.path):
                    ended = self._try(budget, interrupted)
                    while ended == "budget" and self._goes_on():
                        ended = self._try(self._next_try(), interrupted)
            except NotFiniteError as error:
                self.writer.mark("failed")
                raise NotFiniteError(f"{error}; the last good weights are in {self.prepared.path}") from None
            if ended == "interrupted":
                self.prepared.details["status"] = "interrupted"
            self.writer.finish(self.groups, self._state(), self._with_history())
        return ended

    def _try(self, budget: Budget, interrupted: Any) -> str:
        """Trains one network, or goes on with it."""
        callbacks = Callbacks(
            validate=self._check,
            check_tokens=self.windows.num_checked,
            on_step=self._on_step,
            on_check=self._on_check,
            save=self._save,
            restore=self._restore,
            interrupted=interrupted,
        )
        learner = Learner(lambda x, y, mask, state, rate: self._learn(budget, x, y, rate), lambda rows: [])
        self.windows.random_seed = self.prepared.config.fit.random_seed + self.number
        ended = train_loop(learner, self.windows, self.train_config, budget, self.progress, callbacks)
        self.progress.seconds = budget.seconds()
        return ended

    def _learn(self, budget: Budget, x: Any, y: Any, rate: Any) -> tuple[Any, Any, list[Any]]:
        """One step in the phase that it falls into: the softmax stays, though a new budget may be larger."""
        step = self.progress.step
        if budget.progress(step - 1) >= self.prepared.config.fit.linear_start:
            self.phase = SOFTMAX
        seed = np.array([self.windows.random_seed, step], np.int64)
        return (*self._steps[self.phase](*x, y, seed, rate), [])

    def _new_network(self, number: int) -> Any:
        config, sizes = self.prepared.config, (self.prepared.vocabulary.vocab_size, len(self.prepared.answers))
        return build_memory_network(config.network, *sizes, random_seed=config.fit.random_seed + number)

    def _next_try(self) -> Budget:
        """Another network in the place of this one, whose best weights the writer has."""
        before, limit = self.progress, self._limit_s()
        self._earlier, self.number, self.phase = self._rows(), self.number + 1, 0
        self.progress = Progress(total_steps=before.total_steps, skipped=before.skipped)
        if limit is not None:
            self.progress.limit_s = limit - self._earlier_s()
        for variable, first in zip(self.model.weights, self._new_network(self.number).get_weights(), strict=True):
            variable.assign(first)
        for variable in self.optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        self._save()  # what a training that blows up goes back to
        return self._new_budget()

    def _goes_on(self) -> bool:
        """Whether another try may follow, and is worth it: if there is as much time as the longest one took."""
        if self.number + 1 >= self.prepared.config.fit.tries or self._best_nats() < LEARNT_NATS:
            return False
        limit, rows = self._limit_s(), self._rows()
        return limit is None or limit - sum(_seconds(rows).values()) >= max(_seconds(rows).values())

    def _best_nats(self) -> float:
        return float(self.writer.details["metrics"].get(LOSS, math.inf))

    def _limit_s(self) -> float | None:
        """Seconds that all tries may take."""
        return None if self.progress.limit_s is None else self.progress.limit_s + self._earlier_s()

    def _earlier_s(self) -> float:
        return sum(_seconds(self._earlier).values())

    def _rows(self) -> list[dict[str, float]]:
        return [*self._earlier, *self.progress.history]

    def _state(self) -> list[np.ndarray]:
        """What a checkpoint holds beside variables and progress: the number of the try, and its phase."""
        return [np.array([self.number, self.phase], np.int64)]

    def _with_history(self) -> Progress:
        """The progress with the history of all tries, as it is written."""
        return dataclasses.replace(self.progress, history=self._rows())

    def _save(self) -> None:
        self.writer.save(self.groups, self._state(), self._with_history())

    def _load(self, step: int | None) -> None:
        """Takes over the newest checkpoint, or that of a step of this try."""
        state, progress = load_checkpoint(self.prepared.path, self.groups, self.display.warn, step=step)
        try:
            self.number, self.phase = (int(value) for value in np.asarray(state[0]))
            rows = [
                [row for row in progress.history if (row["try"] == self.number + 1) is own] for own in (False, True)
            ]
            _seconds(progress.history)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise RunError(f"the checkpoint in {self.prepared.path} is damaged: {error!r:.80}; train again") from None
        self._earlier, progress.history = rows
        vars(self.progress).update(vars(progress))

    def _restore(self, problem: str) -> None:
        """Goes back to the best check of this try; what counts time and failures stays as it is."""
        progress, action = self.progress, ""
        kept = {name: getattr(progress, name) for name in PLAN + COUNTED}
        try:
            self._load(progress.best_step)
        except RunError as error:
            action = f"going on with the weights there are ({error})"
        vars(progress).update(kept)
        rate = f"learning rate halved to {progress.rate_scale:g} of what was planned"
        self.display.warn(f"{problem}: {action or f'going back to step {progress.step:,}'}, {rate}")
        self._save()

    def _new_budget(self) -> Budget:
        return Budget(self.progress.total_steps, self.progress.limit_s, used_s=self.progress.seconds)

    def _budget(self, begin: float) -> Budget:
        prepared, fit, progress = self.prepared, self.prepared.config.fit, self.progress
        if prepared.new_budget:
            left = None if fit.time_s is None else LEARNING_SHARE * (fit.time_s - 1 - (time.monotonic() - begin))
            progress.limit_s = None if left is None else progress.seconds + max(1.0, left)
            epochs = max(EPOCHS, STEPS / self.windows.num_batches) if fit.epochs is None else fit.epochs
            progress.total_steps = max(1, round(epochs * self.windows.num_batches))
        budget = self._new_budget()
        # A run that was stopped behind its last try has still to be compared.
        if prepared.details["status"] == "finished" and budget.progress(progress.step) >= 1 and not self._goes_on():
            raise ConfigError(
                f"{prepared.path} has used up its budget: give a new --time, more --epochs than "
                f"{progress.step / self.windows.num_batches:.3g}, or more --tries than {self.number + 1}"
            )
        prepared.details["status"] = "training"
        return budget

    def _on_step(self, progress: Progress, budget: Budget, epoch: float, loss: float) -> None:
        if time.monotonic() - self._last_shown < SHOWN_EVERY_S:
            return
        self._last_shown = time.monotonic()
        detail = f"{self._which()}, epoch {epoch:.2f}  {loss:.3f} nats  {duration(budget.left_s(progress.step))} left"
        self.display.update(budget.progress(progress.step), detail)

    def _on_check(self, row: dict[str, float], is_best: bool) -> None:
        row.update({"try": self.number + 1, "train_nats": row["train_nats_per_token"], LOSS: row["val_nats_per_token"]})
        if is_best:
            metrics = {LOSS: row[LOSS], "try": self.number + 1, "epoch": row["epoch"], "step": int(row["step"])}
            self.writer.keep_best(get_weights(self.model), metrics)
        line = f"{duration(row['seconds']):>12}  {self._which()}  epoch {row['epoch']:<7.2f} "
        nats = f"learning {row['train_nats']:.3f}  known {row[LOSS]:.4f} nats a question"
        self.display.say(line + nats + " *" * is_best)

    def _which(self) -> str:
        return f"try {self.number + 1} of at most {max(self.number + 1, self.prepared.config.fit.tries)}"


def _seconds(rows: list[dict[str, float]]) -> dict[float, float]:
    """Seconds that each try took, by its number."""
    return {row["try"]: float(row["seconds"]) for row in rows}
