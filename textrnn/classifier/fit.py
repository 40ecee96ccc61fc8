"""Training a recurrent classifier on rows of ids, within a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.base.errors import warn
from textrnn.base.machine import num_cores
from textrnn.classifier.label_kind import HUBER, SIGMOID, SOFTMAX
from textrnn.classifier.network import Classifier, build_classifier, with_unseen
from textrnn.classifier.network_request import MOST_EPOCHS, FittedNetwork, NetworkRequest, Reader, usual_epochs
from textrnn.nn.keras.weights import begin_with, freeze, get_weights
from textrnn.text.rows import batches, num_batches, padded
from textrnn.training.objective import Batch, Loss, State
from textrnn.training.schedule import Budget, Schedule
from textrnn.training.step import Division, make_step, traced_once
from textrnn.training.trainer import Step, Trainer, WentBack
from textrnn.training.workers import Workers

WARMUP = 30  # steps over which the learning rate rises
CLIP_NORM = 1.0
MOST_LEARNT_EPOCHS = 12.0  # where nothing is drawn: the time is better spent on more networks
FULL_STEPS = 512  # tokens of a text above which a batch has fewer rows
READ_ROWS = 256  # rows read at a time when nothing is learnt, of short texts
IDS, MASK = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32)
ROW_WEIGHTS = tf.TensorSpec((None,), tf.float32)


@dataclass
class RowObjective:
    """Texts of many lengths in batches of about equal ones, see `textrnn.training.objective.Objective`.

    Attributes:
        texts: ids of each row, int32[steps].
        size: rows of a batch.
        random_seed: decides which rows are together, and the order of the batches.
        variables: those that learn.
        loss: of ids, mask and the further columns; no state is carried.
        columns: further arrays of a batch, each with a value for every row.
    """

    texts: Sequence[np.ndarray]
    size: int
    random_seed: int
    variables: list[Any]
    loss: Callable[[tuple[Any, ...], State], Loss]
    columns: tuple[np.ndarray, ...] = ()
    evaluate = None
    num_checked = 0

    def __post_init__(self) -> None:
        self._lengths = np.array([len(text) for text in self.texts])
        self.num_batches = num_batches(self._lengths, self.size, full_steps=FULL_STEPS)
        self._epoch, self._plan = -1, list[np.ndarray]()

    def batch(self, epoch: int, index: int) -> Batch:
        """See `Objective`; arrays are ids int32[rows, steps], their mask float32, and the columns."""
        if epoch != self._epoch:
            rng = np.random.default_rng((self.random_seed, epoch))
            self._epoch, self._plan = epoch, list(batches(self._lengths, self.size, rng, full_steps=FULL_STEPS))
        rows = self._plan[index]
        arrays = padded([self.texts[row] for row in rows])
        return Batch((*arrays, *(column[rows] for column in self.columns)), len(rows))

    def initial_state(self, rows: int) -> State:
        """See `Objective`; nothing is carried."""
        return []


def shards_of(both_ways: bool) -> int:
    """Shards of a batch: the two directions of a bidirectional layer run side by side, each on a core of its own.

    Cutting the batch for two cores as well made steps a tenth to a fifth slower (`benchmarks/README.md`).
    """
    return max(1, num_cores() // (1 + both_ways))


def make_trainer(
    objective: RowObjective,
    *,
    learning_rate: float,
    warmup: int,
    num_shards: int,
    signature: tuple[Any, ...],
    interrupted: Callable[[], bool],
) -> Trainer:
    """A trainer with Adam whose learning rate falls to nothing along a cosine; it saves nothing.

    Args:
        objective: what is learnt.
        learning_rate: the highest one.
        warmup: steps over which it rises.
        num_shards: shards of a batch.
        signature: `tf.TensorSpec` of the arrays of a batch.
        interrupted: whether to stop after a step.
    """
    optimizer = keras.optimizers.Adam(learning_rate, beta_2=0.99)
    optimizer.build(objective.variables)
    division = Division(num_shards, signature=signature)
    step = make_step(objective.loss, objective.variables, optimizer, clip_norm=CLIP_NORM, division=division)
    workers = Workers()
    workers.listen(interrupted)
    return Trainer(objective, step, Schedule(learning_rate, warmup, final_share=0.0), workers=workers)


def steps_of(trainer: Trainer, budget: Budget) -> Iterator[Step]:
    """Trains; the steps, with a warning where training went back."""
    for event in trainer.run(budget):
        if isinstance(event, WentBack):
            warn(event.line)
        elif isinstance(event, Step):
            yield event


def _sigmoid_nats(targets: Any, outputs: Any) -> Any:
    return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(targets, outputs), 1)


def _softmax_nats(targets: Any, outputs: Any) -> Any:
    """Of classes, int32[rows], or of the probability of each class, float32[rows, classes]."""
    if targets.dtype.is_integer:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, outputs)
    return tf.nn.softmax_cross_entropy_with_logits(targets, outputs)


ROW_LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    SOFTMAX: _softmax_nats,
    SIGMOID: _sigmoid_nats,
    HUBER: keras.losses.huber,
}


def make_loss(model: Classifier, name: str = SOFTMAX) -> Callable[[tuple[Any, ...], State], Loss]:
    """The loss of ids int32[rows, steps], mask float32[rows, steps], targets and the weight of each row.

    Args:
        model: the network.
        name: of the loss, see `textrnn.classifier.kinds`, where also the targets are.

    Reference:
        P. J. Huber, 1964, Robust estimation of a location parameter.
    """
    row_losses = ROW_LOSSES[name]

    def loss(arrays: tuple[Any, ...], state: State) -> Loss:
        ids, mask, targets, weight = arrays
        found = row_losses(targets, model(ids, mask, training=True))
        return Loss(tf.reduce_sum(found * weight), tf.reduce_sum(weight))

    return loss


def make_reader(model: Classifier) -> Reader:
    """The function of texts as ids that gives what the network puts out, float32[texts, outputs]."""

    signature = [tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32)]

    @tf.function(input_signature=signature, autograph=False)  # type: ignore[untyped-decorator,unused-ignore]
    def read(ids: Any, mask: Any) -> Any:
        return model(ids, mask, training=False)

    graph = traced_once(read)

    def logits(texts: Sequence[np.ndarray]) -> np.ndarray:
        found = np.zeros((len(texts), model.num_classes), np.float32)
        lengths = np.array([len(text) for text in texts], np.int64)
        for rows in batches(lengths, READ_ROWS, np.random.default_rng(0), full_steps=FULL_STEPS // 2):
            found[rows] = graph(*padded([texts[row] for row in rows])).numpy()
        return found

    return logits


def fit_classifier(request: NetworkRequest) -> FittedNetwork:
    """Trains one network, and predicts the texts that it has not learnt from."""
    encoder, optimization, stop = request.config.encoder, request.config.optimization, request.config.stop
    vectors, seed, kind = request.vectors, request.random_seed, request.kind
    budget = Budget(None, request.seconds, reserve_s=0.0)
    model = build_classifier(encoder, request.vocab_size, kind.num_outputs, random_seed=seed, vectors=vectors)
    begin_with(model, {**get_weights(model), **request.initial})
    freeze(model, embed=optimization.freeze_embed, layers=optimization.freeze_layers)
    texts, targets, row_weights = _learnt(request)
    variables, size = model.trainable_variables, optimization.batch
    objective = RowObjective(texts, size, seed, variables, make_loss(model, kind.loss), (targets, row_weights))
    per_epoch = objective.num_batches
    most = MOST_LEARNT_EPOCHS if f"{model.output_layer.name}/kernel" in request.initial else MOST_EPOCHS
    budget.total_steps = max(1, round((stop.epochs or min(most, usual_epochs(per_epoch))) * per_epoch))
    trainer = make_trainer(
        objective,
        learning_rate=optimization.learning_rate,
        warmup=WARMUP,
        num_shards=shards_of(encoder.both_ways),
        signature=(IDS, MASK, tf.TensorSpec((None, *targets.shape[1:]), targets.dtype), ROW_WEIGHTS),
        interrupted=request.interrupted,
    )
    history = _history(trainer, budget, request.on_step)
    read = make_reader(model)
    outputs = read(request.held) if request.held else np.zeros((0, kind.num_outputs), np.float32)
    return FittedNetwork(with_unseen(get_weights(model), vectors), outputs, history, read)


def _learnt(request: NetworkRequest) -> tuple[Sequence[np.ndarray], np.ndarray, np.ndarray]:
    """The texts that are learnt from, their targets and their weights, float32[texts]."""
    kind, taught = request.kind, request.taught
    targets, row_weights = kind.targets(request.labels), request.row_weights.astype(np.float32)
    if not taught.texts:
        return request.texts, targets, row_weights
    if targets.ndim == 1:
        targets = np.eye(kind.num_outputs, dtype=np.float32)[targets]
    row_weights = np.concatenate([row_weights, np.ones(len(taught.texts), np.float32)])
    return [*request.texts, *taught.texts], np.concatenate([targets, taught.targets]), row_weights


def _history(trainer: Trainer, budget: Budget, on_step: Callable[[float, float], None]) -> list[dict[str, float]]:
    """Trains; a row for each pass over the rows, with its mean loss, and for what there is of the last one."""
    begin, num_batches = time.monotonic(), trainer.objective.num_batches
    losses, history = list[float](), list[dict[str, float]]()
    for event in steps_of(trainer, budget):
        losses.append(event.loss)
        on_step(event.done, event.loss)
        if event.step % num_batches == 0 or event.done >= 1:
            seconds = time.monotonic() - begin
            history.append(dict(epoch=event.epoch, train_nats=float(np.mean(losses)), seconds=seconds))
            losses = []
    return history
