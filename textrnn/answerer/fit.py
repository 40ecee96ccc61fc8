"""Training a memory network from several beginnings, of which the one that knows its own questions best is kept."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from textrnn.answerer.data import StoryData
from textrnn.answerer.network import MemoryNetwork, build_memory_network
from textrnn.answerer.options import AnswerConfig
from textrnn.answerer.step import SIGNATURE, make_check, make_loss
from textrnn.base.errors import ConfigError, RunError
from textrnn.training.checkpoint import Progress
from textrnn.training.display import Display, duration
from textrnn.training.objective import Batch, Loss, State
from textrnn.training.options import OptimizationConfig
from textrnn.training.prepared import Prepared
from textrnn.training.schedule import Budget, Schedule
from textrnn.training.session import LiveLine, learning
from textrnn.training.step import Division, make_optimizer, make_step
from textrnn.training.store import RunStore
from textrnn.training.trainer import Check, Step, Trainer, WentBack

EPOCHS, STEPS = 30, 2500  # passes of a network when nobody says, and at least so many steps
LEARNING_SHARE = 0.75  # of the time that is left; the rest is for the LSTM beside it
LEARNT_NATS = 1e-3  # a question: no restart would know them better
CLIP_NORM = 1.0
WARMUP = 10  # steps in which the learning rate is reached
LOSS = "own_nats"  # of the questions that are learnt from, nothing left to chance
COLUMNS = ("try", "epoch", "step", "train_nats", LOSS, "learning_rate", "gradient_norm", "seconds")


class StoryObjective:
    """What a memory network learns, see `textrnn.training.objective.Objective`: the answers to questions.

    Args:
        model: the network.
        data: the questions.
        config: how they are learnt.
    """

    def __init__(self, model: MemoryNetwork, data: StoryData, config: AnswerConfig) -> None:
        self._stories, self._random_seed = data.batches(config), config.fit.random_seed
        self._loss, self._check = make_loss(model), make_check(model, self._stories)
        self.num_batches, self.num_checked = self._stories.num_batches, self._stories.num_checked
        self.variables = model.trainable_variables
        self.linear = True  # whether the softmax over sentences is left out still
        self.restart(0)

    def restart(self, number: int) -> None:
        """Begins with other batches: those of a restart, from 0 on."""
        self._stories.random_seed = self._random_seed + number

    def batch(self, epoch: int, index: int) -> Batch:
        """See `Objective`; arrays are those of `make_loss`."""
        arrays = self._stories.batch(epoch, index)
        rows, step = len(arrays[-1]), epoch * self.num_batches + index + 1
        seeds = np.tile(np.array([self._stories.random_seed, step], np.int64), (rows, 1))
        return Batch((*arrays, seeds, np.full(rows, self.linear)), rows)

    def loss(self, arrays: tuple[Any, ...], state: State) -> Loss:
        """See `Objective`."""
        return self._loss(arrays, state)

    def initial_state(self, rows: int) -> State:
        """See `Objective`; nothing is carried."""
        return []

    def evaluate(self) -> float:
        """See `Objective`; nats per question that is learnt from."""
        return self._check()


class Learner:
    """All parts of one training: network, objective, store and trainer, and the restarts.

    Args:
        prepared: stories and options.
        display: is warned of saves that fail.
    """

    def __init__(self, prepared: Prepared, display: Display) -> None:
        self._prepared, self._config = prepared, prepared.config
        fit = self._config.fit
        self.model = self._new_network(0)
        self.objective = StoryObjective(self.model, prepared.data, self._config)
        self._optimizer = make_optimizer(OptimizationConfig(learning_rate=fit.learning_rate), self.objective.variables)
        self.store = RunStore(prepared, self.model, self._optimizer, display.warn, columns=COLUMNS, loss=LOSS)
        state, progress = self.store.load(Progress(memo={"restart": 0, "softmax": 0}))
        if not progress.memo:
            _from_first_format(state, progress, prepared)
        schedule = Schedule(fit.learning_rate, WARMUP, save_every_s=fit.save_every_s, deterministic=fit.deterministic)
        # Steps are so small that a second shard costs more than it saves.
        step = make_step(
            self.objective.loss,
            self.objective.variables,
            self._optimizer,
            clip_norm=CLIP_NORM,
            division=Division(signature=SIGNATURE),
        )
        self.trainer = Trainer(self.objective, step, schedule, self.store, progress=progress)
        self.settle()

    @property
    def progress(self) -> Progress:
        """Of the network that is trained now."""
        return self.trainer.progress

    @property
    def number(self) -> int:
        """The number of its restart, from 0 on."""
        return self.progress.memo["restart"]

    @property
    def best_nats(self) -> float:
        """What the best network of all restarts came to, in nats per question."""
        return float(self.store.details["metrics"].get(LOSS, math.inf))

    def settle(self, done: float = 0.0) -> None:
        """Lets batches and phase follow from the progress: the softmax stays, though a new budget may be larger.

        Args:
            done: share of the budget that is used up.
        """
        memo = self.progress.memo
        if done >= self._config.fit.linear_start:
            memo["softmax"] = 1
        self.objective.linear = not memo["softmax"]
        self.objective.restart(memo["restart"])

    def first_budget(self, begin: float) -> Budget:
        """The budget of the network that is trained first; `progress` is given the plan.

        Args:
            begin: when the command began, by `time.monotonic`.

        Raises:
            ConfigError: the budget is used up.
        """
        prepared, fit, progress, num_batches = self._prepared, self._config.fit, self.progress, self._num_batches
        if prepared.new_budget:
            left = None if fit.time_s is None else LEARNING_SHARE * (fit.time_s - 1 - (time.monotonic() - begin))
            progress.limit_s = None if left is None else progress.seconds + max(1.0, left)
            epochs = max(EPOCHS, STEPS / num_batches) if fit.epochs is None else fit.epochs
            progress.total_steps = max(1, round(epochs * num_batches))
        budget = self._budget()
        # A run that was stopped behind its last restart has still to be compared.
        if prepared.details["status"] == "finished" and budget.progress(progress.step) >= 1 and not self.goes_on():
            raise ConfigError(
                f"{prepared.path} has used up its budget: give a new --time, more --epochs than "
                f"{progress.step / num_batches:.3g}, or more --tries than {self.number + 1}"
            )
        self.settle(budget.progress(progress.step))
        return budget

    def goes_on(self) -> bool:
        """Whether a restart may follow, and is worth it: if there is as much time as the longest network took."""
        if self.number + 1 >= self._config.fit.tries or self.best_nats < LEARNT_NATS:
            return False
        limit, seconds = self._limit_s(), _seconds(self.progress.rows)
        return limit is None or limit - sum(seconds.values()) >= max(seconds.values())

    def restart(self) -> Budget:
        """Another network in the place of this one, whose best weights the store has; the budget that it has."""
        before, limit = self.progress, self._limit_s()
        memo = {"restart": self.number + 1, "softmax": 0}
        self.trainer.progress = Progress(
            total_steps=before.total_steps, skipped=before.skipped, earlier=before.rows, memo=memo
        )
        if limit is not None:
            self.progress.limit_s = limit - sum(_seconds(before.rows).values())
        first = self._new_network(self.number).get_weights()
        for variable, value in zip(self.model.weights, first, strict=True):
            variable.assign(value)
        for variable in self._optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        self.settle()
        self.store.save(self.progress, [])  # what a training that blows up goes back to
        return self._budget()

    def which(self) -> str:
        """Which of the restarts this is, for a person."""
        return f"try {self.number + 1} of at most {max(self.number + 1, self._config.fit.tries)}"

    @property
    def _num_batches(self) -> int:
        return self.objective.num_batches

    def _new_network(self, number: int) -> MemoryNetwork:
        config, data = self._config, self._prepared.data
        sizes = (data.vocabulary.vocab_size, len(data.answers))
        return build_memory_network(config.network, *sizes, random_seed=config.fit.random_seed + number)

    def _budget(self) -> Budget:
        return Budget(self.progress.total_steps, self.progress.limit_s, used_s=self.progress.seconds)

    def _limit_s(self) -> float | None:
        """Seconds that all restarts may take."""
        limit, earlier = self.progress.limit_s, self.progress.earlier
        return None if limit is None else limit + sum(_seconds(earlier).values())


def _from_first_format(state: State, progress: Progress, prepared: Prepared) -> None:
    """Takes number and phase from where checkpoints of the first format have them: in the carried state."""
    try:
        number, phase = (int(value) for value in np.asarray(state[0]))
        rows = [[row for row in progress.history if (row["try"] == number + 1) is own] for own in (False, True)]
        _seconds(progress.history)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"the checkpoint in {prepared.path} is damaged: {error!r:.80}; train again") from None
    progress.memo = {"restart": number, "softmax": phase}
    progress.earlier, progress.history = rows


def _seconds(rows: list[dict[str, float]]) -> dict[float, float]:
    """Seconds that each network took, by its number from 1 on."""
    return {row["try"]: float(row["seconds"]) for row in rows}


def fit(prepared: Prepared, display: Display, *, begin: float) -> Learner:
    """Trains a memory network from several beginnings and saves it; `run.json` is finished by what comes after.

    Args:
        prepared: stories and options.
        display: shows what happens.
        begin: when the command began, by `time.monotonic`.

    Raises:
        ConfigError: the budget is used up.
        NotFiniteError: training has blown up; what was saved before is kept.
        RunError: the run cannot be written.
    """
    learner = Learner(prepared, display)
    budget = learner.first_budget(begin)
    with learning(learner.trainer, learner.store, display, command="answer", title=None):
        _fit_one(learner, budget, display)
        while learner.trainer.ended == "budget" and learner.goes_on():
            _fit_one(learner, learner.restart(), display)
    return learner


def _fit_one(learner: Learner, budget: Budget, display: Display) -> None:
    """Trains one network."""
    live = LiveLine(display)
    for event in learner.trainer.run(budget):
        if isinstance(event, Step):
            learner.settle(event.done)
            if live.is_due():
                live.show(event, f"{learner.which()}  {event.loss:.3f} nats")
        elif isinstance(event, Check):
            _checked(event, learner, display)
        elif isinstance(event, WentBack):
            learner.settle()
            display.warn(event.line)
    learner.progress.seconds = budget.seconds()


def _checked(event: Check, learner: Learner, display: Display) -> None:
    """Names the columns of a check, keeps the weights if they are best, and shows a line."""
    row, number = event.row, learner.number + 1
    row.update({"try": number, "train_nats": row["train_nats_per_token"], LOSS: row["val_nats_per_token"]})
    if event.is_best:
        learner.store.keep_best({LOSS: row[LOSS], "try": number, "epoch": row["epoch"], "step": int(row["step"])})
    line = f"{duration(row['seconds']):>12}  {learner.which()}  epoch {row['epoch']:<7.2f} "
    nats = f"learning {row['train_nats']:.3f}  known {row[LOSS]:.4f} nats a question"
    display.say(line + nats + " *" * event.is_best)
