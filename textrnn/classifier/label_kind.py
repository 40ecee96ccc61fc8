"""What a kind of labels is: classes, several a row, ordered grades, or numbers.

A model gives some outputs for each text. They are learnt by one of three losses: `softmax` of the true class, `sigmoid`
of each output by itself, and `huber` of a number. Everything that is not the same for all kinds is in
`textrnn.classifier.kinds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from textrnn.classifier.options import TASKS

CLASSES, SEVERAL, GRADES, NUMBERS = TASKS
SOFTMAX, SIGMOID, HUBER = "softmax", "sigmoid", "huber"

Decision = np.ndarray  # float64[any], or [rows, any] where each row has its own


class LabelKind(Protocol):
    """A kind of labels. Its `labels` are an array with an entry, or a row, for each row of a table.

    Attributes:
        task: its name.
        loss: by which models learn it.
        mixes_logarithms: whether predictions are probabilities that sum to 1, of which logarithms can be mixed.
        form: of numbers in a table, as in a format string.
        names: of the labels; of numbers there are none.
    """

    task: ClassVar[str]
    loss: ClassVar[str]
    mixes_logarithms: ClassVar[bool]
    form: ClassVar[str]

    @property
    def names(self) -> Sequence[str]:
        """See above."""

    @property
    def counts_errors(self) -> bool:
        """Whether a loss is 1 for what is wrong, and else 0."""

    @property
    def num_outputs(self) -> int:
        """Outputs of a model."""

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """What the outputs learn: int32[rows] for softmax, else float32[rows, outputs]."""

    def soft_targets(self, predictions: np.ndarray) -> np.ndarray:
        """What the outputs learn where only predictions are known: float32[rows, outputs]."""

    def strata(self, labels: np.ndarray) -> np.ndarray:
        """Groups of rows that are spread evenly over folds: int64[rows]."""

    def temperature(self, outputs: np.ndarray, labels: np.ndarray) -> float:
        """What the outputs of a model are divided by, fitted on rows that it has not learnt from."""

    def predictions(self, outputs: np.ndarray, temperature: float) -> np.ndarray:
        """What outputs, float[rows, outputs], say: float64[rows, width], see `mean`."""

    def mean(self, labels: np.ndarray) -> np.ndarray:
        """What is predicted of a text that nothing is known of: float64[width], shares of labels or a number."""

    def decision(self, predictions: np.ndarray, labels: np.ndarray) -> Decision:
        """What predictions are decided by, found on rows that were not learnt from."""

    def losses(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> np.ndarray:
        """By how much each prediction is wrong, float64[rows]: models are compared by the mean."""

    def in_words(self, loss: float) -> str:
        """A mean of `losses` in words."""

    def nats(self, labels: np.ndarray, predictions: np.ndarray) -> float:
        """Mean of -ln of the probability of what is true."""

    def evaluate(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> dict[str, Any]:
        """All metrics, ready for JSON."""

    def say(self, predictions: np.ndarray, decision: Decision) -> tuple[list[str], list[float | None]]:
        """The label of each row as it is written, and its probability; of numbers there is none."""

    def facts(self, prediction: np.ndarray, decision: Decision) -> dict[str, Any]:
        """What else is said of a row, float64[width], for Python and JSON."""

    @property
    def unit(self) -> float:
        """By what the effects of words on `scores` are measured: 1 for log-odds."""

    def scores(self, predictions: np.ndarray, column: int) -> np.ndarray:
        """What the words of a text explain, float64[rows]: the log-odds of a label, or the number."""

    def explained(self, prediction: np.ndarray, decision: Decision, label: Any) -> list[int]:
        """Which columns of a prediction, float64[width], are explained; `label` is what is given, or None."""

    @property
    def columns(self) -> list[str]:
        """The heads of `figures`."""

    def figures(self, prediction: np.ndarray, decision: Decision) -> list[float]:
        """What else is said of a row, float64[width], in the columns of a table."""

    def to_json(self) -> dict[str, Any]:
        """For `run.json`, see `kind_from_json`."""
