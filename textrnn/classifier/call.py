"""How training was asked for, and what of that does not go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from textrnn.base.errors import ConfigError
from textrnn.base.run_target import TrainingCall
from textrnn.classifier.found_kind import LabelOptions
from textrnn.classifier.kinds import Classes
from textrnn.classifier.label_kind import SOFTMAX, LabelKind
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.predict_file import PredictOptions
from textrnn.classifier.sides import NO_SIDES, SideColumns
from textrnn.nn.reservoir_options import ESN
from textrnn.text.table.table import TableOptions
from textrnn.training.options import check_nothing_frozen

MIN_FOLDS, MAX_FOLDS = 2, 20


@dataclass(frozen=True)
class Call(TrainingCall):
    """How training was asked for, beside the options of `ClassifierConfig`.

    Attributes:
        test: a table of the same columns to measure on; None to hold out a fifth of the rows.
        num_folds: measure by cross-validation with so many folds, from 2 to 20, and learn from all rows at the end.
        unlabelled: a file of further texts for networks to be pretrained on, see `read_unlabelled`.
        from_run: the name of a classifier or language model that the networks begin with.
        options: what is known about the tables.
        kind: `rnn`, `linear`, `combined`, or `auto` for what is best on held-out rows.
        balanced: whether each class counts the same, however many rows it has.
        predict_options: how predictions are written.
        labels: what is said of the labels.
        sides: columns that decide which rows are held out.
        num_errors: how many rows whose label is most surely wrong are written as a table of their own, if any.
        cost: what an error on a row of a class costs, by its label; of others 1.
    """

    test: str | None = None
    num_folds: int | None = None
    unlabelled: str | None = None
    from_run: str | None = None
    options: TableOptions = field(default_factory=TableOptions)
    kind: str = "auto"
    balanced: bool = False
    predict_options: PredictOptions = field(default_factory=PredictOptions)
    labels: LabelOptions = field(default_factory=LabelOptions)
    sides: SideColumns = NO_SIDES
    num_errors: int | None = None
    cost: Mapping[str, float] | None = None
    command: str = "textrnn.classify"


def check_call(call: Call, config: ClassifierConfig) -> None:
    """Raises ConfigError where options contradict each other."""
    if call.from_run is None:
        check_nothing_frozen(config.optimization)
    elif call.kind == "linear" or call.unlabelled is not None:
        flag = "--model linear" if call.kind == "linear" else "--unlabelled"
        raise ConfigError(f"--from brings the weights that networks begin with: leave out {flag}")
    if call.num_folds is not None and call.test is not None:
        raise ConfigError("give --folds or --test, not both: each says which rows are measured on")
    if call.balanced and call.cost is not None:
        raise ConfigError("give --balanced or --cost, not both: each says what errors on rows of a class count")
    if call.num_errors is not None and call.num_errors < 1:
        raise ConfigError(f"--errors is {call.num_errors}: expected 1 or more rows")
    if call.sides.split is not None and (call.num_folds is not None or call.test is not None):
        flag = "--folds" if call.test is None else "--test"
        raise ConfigError(f"give {flag} or --split-column, not both: each says which rows are measured on")
    if call.num_folds is not None and not MIN_FOLDS <= call.num_folds <= MAX_FOLDS:
        raise ConfigError(f"--folds is {call.num_folds}: expected from {MIN_FOLDS} to {MAX_FOLDS}")
    if call.unlabelled is not None and config.encoder.arch == ESN:
        raise ConfigError("--unlabelled is for networks whose weights are learnt: leave it out with --arch esn")
    if call.unlabelled is not None and call.kind == "linear":
        raise ConfigError("--unlabelled is to pretrain recurrent networks on: leave it out with --model linear")


def check_kind(call: Call, config: ClassifierConfig, kind: LabelKind) -> None:
    """Raises ConfigError where an option does not go with a kind of labels."""
    if call.balanced and not isinstance(kind, Classes):
        raise ConfigError(f"--balanced is for classes and grades: leave it out with --task {kind.task}")
    if config.encoder.arch == ESN and kind.loss != SOFTMAX:
        raise ConfigError(f"--arch esn is for classes: choose another one with --task {kind.task}")
