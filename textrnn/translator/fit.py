"""Training a translator: its objective, the run that is kept, and what a person sees of it."""

from __future__ import annotations

import math
import time
from typing import Any

import tensorflow as tf

from textrnn.base.machine import num_cores
from textrnn.nn.keras.weights import begin_with, freeze, get_weights, set_weights
from textrnn.training.backend import chosen_precision
from textrnn.training.checkpoint import Progress
from textrnn.training.display import Display, check_line, one_line
from textrnn.training.events import Sample, Tell, Weights
from textrnn.training.objective import Batch, Loss, State
from textrnn.training.prepared import Prepared
from textrnn.training.schedule import Schedule
from textrnn.training.session import LiveLine, default_shards, learning, plan_budget
from textrnn.training.step import Division, make_optimizer, make_step
from textrnn.training.store import RunStore
from textrnn.training.trainer import Check, Step, Trainer, WentBack
from textrnn.translator.batches import EncodedPairs, PairBatches
from textrnn.translator.data import TranslationData
from textrnn.translator.network import EncoderDecoder, build_translator
from textrnn.translator.options import DecodeConfig, LearningConfig
from textrnn.translator.predict import Translator, make_network, network_size
from textrnn.translator.step import NUMBERS, SIGNATURE, make_check, make_loss, random_numbers
from textrnn.translator.tokens import ENCODER_DECODER

RAMP_EPOCHS = 3.0  # in which scheduled sampling comes to its share
SHOWN = 40  # validation pairs from which samples are taken


class PairObjective:
    """What a translator learns, see `textrnn.training.objective.Objective`: the targets of pairs.

    Args:
        model: the network.
        data: the pairs.
        config: how they are learnt.
        optimizer: tells how many steps were made.
        random_seed: decides which pairs are together, what is dropped and what is replaced.

    Attributes:
        nats_of: the function of pairs that gives the mean nats of their targets' tokens.
    """

    def __init__(
        self, model: Any, data: TranslationData, config: LearningConfig, optimizer: Any, *, random_seed: int
    ) -> None:
        self.train, self._valid, self._random_seed = data.encoded("train"), data.encoded("valid"), random_seed
        self.pairs = PairBatches(self.train, config.batch or 1, random_seed)
        self.num_batches, self.num_checked = self.pairs.num_batches, self._valid.num_tokens
        self.variables = model.trainable_variables
        ramp_steps = math.ceil(RAMP_EPOCHS * self.num_batches)

        def share() -> Any:
            steps = tf.cast(optimizer.iterations.value, tf.float32)
            return config.sampling * tf.minimum(1.0, steps / max(1, ramp_steps))

        samples = config.sampling > 0 and isinstance(model, EncoderDecoder)
        smoothing = config.label_smoothing or 0.0
        self._loss = make_loss(model, smoothing=smoothing, sampling=share if samples else None)
        self.nats_of = make_check(model)

    def batch(self, epoch: int, index: int) -> Batch:
        """See `Objective`; arrays are sources, their mask, targets, their mask, and numbers for random draws."""
        arrays = self.pairs.batch(epoch, index)
        step = epoch * self.num_batches + index
        numbers = random_numbers(len(arrays[0]), step=step, random_seed=self._random_seed)
        return Batch((*arrays, numbers), float(arrays[3].sum()))

    def loss(self, arrays: tuple[Any, ...], state: State) -> Loss:
        """See `Objective`."""
        return self._loss(arrays, state)

    def initial_state(self, rows: int) -> State:
        """See `Objective`; nothing is carried."""
        return []

    def evaluate(self) -> float:
        """See `Objective`; nats per token of the targets."""
        return self.nats_of(self._valid)


class Learner:
    """All parts of one training: network, objective, store and trainer.

    Args:
        prepared: pairs and options.
        display: is warned of saves that fail.
    """

    def __init__(self, prepared: Prepared, display: Display) -> None:
        config, data = prepared.config, prepared.data
        self.precision, self._config, self._kind = chosen_precision(config.optimization.precision), config, data.kind
        source_size, target_size = (network_size(data.kind, side) for side in data.sides)
        self.model = build_translator(
            data.kind,
            config.network,
            source_size=source_size,
            target_size=target_size,
            random_seed=config.optimization.random_seed,
            precision=self.precision,
        )
        freeze(self.model, embed=config.optimization.freeze_embed, layers=config.optimization.freeze_layers)
        if prepared.start is not None:
            begin_with(self.model, prepared.start.weights, behind=int(data.kind == ENCODER_DECODER))
        optimizer = make_optimizer(config.optimization, self.model.trainable_variables)
        seed = config.optimization.random_seed
        self.objective = PairObjective(self.model, data, config.learning, optimizer, random_seed=seed)
        self.store = RunStore(prepared, self.model, optimizer, display.warn)
        _, self.progress = self.store.load(Progress(num_shards=default_shards()))
        if not config.optimization.deterministic:
            self.progress.num_shards = default_shards()
        step = make_step(
            self.objective.loss,
            self.objective.variables,
            optimizer,
            clip_norm=config.optimization.clip_norm,
            division=Division(max(1, self.progress.num_shards), signature=(*SIGNATURE, NUMBERS)),
        )
        schedule = Schedule.of(config.optimization, config.stop)
        self.trainer = Trainer(self.objective, step, schedule, self.store, progress=self.progress)

    def nats_of(self, pairs: EncodedPairs) -> float:
        """Nats per token of the targets of pairs, by the best weights; these are the network's from then on."""
        set_weights(self.model, self.store.best_weights)
        return self.objective.nats_of(pairs)

    def __str__(self) -> str:
        network = self._config.network
        layers = f"{network.layers}" + (f" + {network.decoder_layers}" * isinstance(self.model, EncoderDecoder))
        return (
            f"{self._kind}, {network.cell}, {layers} layer{'s' * (layers != '1')} of {network.units} units, "
            f"{self.model.count_params():,} parameters, {self.precision}"
        )


def fit(prepared: Prepared, display: Display, *, begin: float, tell: Tell) -> Learner:
    """Trains a translator and saves it.

    Args:
        prepared: pairs and options.
        display: shows what happens.
        begin: when the command began, by `time.monotonic`.
        tell: takes all events.

    Raises:
        NotFiniteError: training has blown up; what was saved before is kept.
        RunError: the run cannot be written.
    """
    config, learner = prepared.config, Learner(prepared, display)
    left_s = (config.stop.time_s or 0.0) - (time.monotonic() - begin) - prepared.data.reserve_s
    budget = plan_budget(
        prepared,
        config.stop,
        learner.progress,
        num_batches=learner.objective.num_batches,
        left_s=max(1.0, left_s),
    )
    display.say(f"{learner}; a step learns from {learner.objective.pairs.num_rows} pairs on {num_cores()} cores")
    live, title = LiveLine(display), f"{prepared.path.name}: {learner}"
    with learning(learner.trainer, learner.store, display, command="translate", title=title):
        for event in learner.trainer.run(budget):
            if isinstance(event, Step) and live.is_due():
                speed = learner.progress.tokens_per_s or 0.0
                live.show(event, f"{event.loss:.3f} nats/token  {speed:,.0f} tokens/s")
            elif isinstance(event, Check):
                _checked(event, learner, prepared, display)
            elif isinstance(event, WentBack):
                display.warn(event.line)
            tell(event)
            if isinstance(event, Check):
                tell(Weights(int(event.row["step"]), lambda: get_weights(learner.model)))
                sample = _sample(learner, prepared)
                display.say(f"        {one_line(sample)}", style="dim")
                tell(Sample(int(event.row["step"]), sample))
    return learner


def _checked(event: Check, learner: Learner, prepared: Prepared, display: Display) -> None:
    """Adds bits and characters to the row of a check, shows it, and keeps the weights if they are best."""
    row, train = event.row, prepared.data.pairs["train"]
    # Characters of the targets for each token, the end counted as one, so that losses compare.
    chars_per_token = (sum(map(len, train.targets)) + len(train)) / learner.objective.train.num_tokens
    bits = 1 / math.log(2) / chars_per_token
    row.update(
        train_bits_per_char=row["train_nats_per_token"] * bits,
        val_bits_per_char=row["val_nats_per_token"] * bits,
        chars_per_s=row["tokens_per_s"] * chars_per_token,
    )
    display.say(check_line(row, is_best=event.is_best))
    if event.is_best:
        nats = row["val_nats_per_token"]
        learner.store.keep_best(dict(val_nats_per_token=nats, epoch=row["epoch"], step=int(row["step"])))


def _sample(learner: Learner, prepared: Prepared) -> str:
    """A held-out text and what the network makes of it now."""
    data, valid = prepared.data, prepared.data.pairs["valid"]
    network = make_network(data.kind, prepared.config, data.sides, get_weights(learner.model))
    translator = Translator(
        data.kind, data.sides[0], data.sides[1], network, prepared.config, float(prepared.details["longest"])
    )
    text = valid.sources[len(learner.progress.history) % min(SHOWN, len(valid))]
    return f"{text} → {translator.some([text], DecodeConfig(beam=1))[0].text}"
