"""Texts without labels become rows to learn from: what a network and the linear model say of them is learnt too.

Each network of a classifier leaves out some rows, which it is evaluated on. A first one learns from the other rows
alone. With a linear model of the same rows it tells how probable each label of a text without one is. A second network
learns from the rows and from these probabilities, and takes the place of the first.

The models that tell labels have not seen the rows that are left out. Else these rows would say too much: a network that
learnt what models of all rows say of 6,095 other texts was right on 88 % of 200 rows of mr that it had left out, and on
68 % of new ones.

References:
    Scudder, 1965, Probability of error of some adaptive pattern-recognition machines (self-training); Hinton, Vinyals
    and Dean, 2015, Distilling the knowledge in a neural network (probabilities as targets).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from textrnn.classifier.combine import choose
from textrnn.classifier.linear_fit import Refit
from textrnn.classifier.network_request import FittedNetwork, NetworkRequest, Reader, Taught, usual_epochs
from textrnn.classifier.options import ClassifierConfig

LEARNING_SHARE = 0.8  # of the time that is left; the rest is for reading what is held out and measured on
READING_SHARE = 0.1  # of the time that is left, at most, for what the models say
STUDENT_SHARE = 0.5  # of the time that is left, at most, for the second network
FEWEST = 0.5  # times as many texts as rows: fewer are not worth the time
PARTS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03)  # of the texts, that are tried until one fits in
SLICE = 500  # texts that are read before the clock is looked at

Fit = Callable[[NetworkRequest], FittedNetwork]


@dataclass
class SelfTraining:
    """Trains networks on rows, and once more on rows and texts without labels.

    Attributes:
        fit: trains one network.
        texts: that have no labels and are none of the rows, normalised, in a random order.
        rows, labels: the texts of all rows, normalised, and their labels as their kind has them.
        encode: gives the ids of some texts.
        refit: fits the linear model to some rows; None where there is none.
        left_s: gives the seconds that are left.
        say: is called with a line about what happened.
        is_over: whether there is no more time for second networks.
    """

    fit: Fit
    texts: Sequence[str]
    rows: Sequence[str]
    labels: np.ndarray
    encode: Callable[[Sequence[str]], list[np.ndarray]]
    refit: Refit | None
    left_s: Callable[[], float]
    say: Callable[[str], None]
    is_over: bool = False

    def train(self, request: NetworkRequest, learnt: np.ndarray, held: np.ndarray) -> FittedNetwork:
        """Trains a network, and where there is time another one that takes its place.

        Args:
            request: for the first one.
            learnt, held: int64[some], the rows that it learns from and those that it leaves out.
        """
        begin = time.monotonic()
        first = self.fit(request)
        if first.read is None or self.is_over or request.interrupted():
            return first
        passes = max([1.0, *(row["epoch"] for row in first.history)])
        most = self._most(len(learnt), (time.monotonic() - begin) / passes, request.config)
        if most < FEWEST * len(learnt):
            self.is_over = True
            self.say(f"{len(self.texts):,} texts without labels: no time is left to learn from what models say of them")
            return first
        taught = self._taught(first.read, first.outputs, request, self.texts[:most], learnt, held)
        second = self.fit(replace(request, taught=taught, seconds=max(1.0, LEARNING_SHARE * self.left_s())))
        return first if request.interrupted() else second

    def _most(self, num_rows: int, pass_s: float, config: ClassifierConfig) -> int:
        """How many texts a network can learn from in its time, if one pass over the rows takes so many seconds."""
        time_s = STUDENT_SHARE * self.left_s()
        for part in PARTS:
            number = num_rows + int(part * len(self.texts))
            passes = config.stop.epochs or usual_epochs(-(-number // config.optimization.batch))
            if passes * pass_s * number / num_rows <= time_s:
                return number - num_rows
        return 0

    def _taught(
        self,
        read: Reader,
        held_outputs: np.ndarray,
        request: NetworkRequest,
        texts: Sequence[str],
        learnt: np.ndarray,
        held: np.ndarray,
    ) -> Taught:
        """What the models say of texts, of as many as there is time for."""
        begin, seconds, kind = time.monotonic(), READING_SHARE * self.left_s(), request.kind
        linear = None if self.refit is None else self.refit(learnt)

        def outputs(texts: Sequence[str], read: np.ndarray) -> dict[str, np.ndarray]:
            own = {"rnn": read.astype(np.float64)}
            return own if linear is None else {"linear": linear.logits(texts), **own}

        rows = [self.rows[row] for row in held]
        choice = choose(outputs(rows, held_outputs), self.labels[held], kind, "auto")
        # A few rows that are all right make models as sure as can be.
        choice = replace(choice, temperatures={name: max(1.0, own) for name, own in choice.temperatures.items()})
        ids, targets = list[np.ndarray](), list[np.ndarray]()
        for start in range(0, len(texts), SLICE):
            if request.interrupted() or (ids and time.monotonic() - begin > seconds):
                break
            some = texts[start : start + SLICE]
            encoded = self.encode(some)
            ids += encoded
            predictions = choice.predict(outputs(some, read(encoded)), kind)
            targets.append(kind.soft_targets(predictions))
        spent = time.monotonic() - begin
        self.say(f"{len(ids):,} texts without labels are learnt from by what models say of them, {spent:.0f} s")
        return Taught(ids, np.concatenate(targets)) if ids else Taught()
