"""What a task hands to training (text as ids, options, a folder that is held for the run), and what it gets back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.classify_config import ClassifierConfig
from textrnn.config import Config
from textrnn.run_files import TOKENIZER_FILE, write_json
from textrnn.text.corpus import Corpus, copy_ids


@dataclass(frozen=True)
class Prepared:
    """All that a session of training needs.

    Attributes:
        folder: where the run is put together; the run itself when it is resumed.
        path: where the run ends up.
        config: all options, resolved.
        corpus: both parts as ids, with the tokenizer.
        details: the content of `run.json` so far.
        resume: whether to go on from the checkpoint in `folder`.
        new_budget: whether epochs and time were given now; a resumed run without goes on with what it had left.
    """

    folder: Path
    path: Path
    config: Config
    corpus: Corpus
    details: dict[str, Any]
    resume: bool
    new_budget: bool = True


def lasting_parts(prepared: Prepared) -> dict[str, Callable[[Path], None]]:
    """What writes the files of a run that training never changes, should they be lost."""
    corpus = prepared.corpus
    return {
        TOKENIZER_FILE: lambda path: write_json(path, corpus.tokenizer.to_json()),
        "checkpoint/train.ids": lambda path: copy_ids(corpus.train.ids, path),
        "checkpoint/valid.ids": lambda path: copy_ids(corpus.valid.ids, path),
    }


def write_lost_parts(prepared: Prepared, folder: Path) -> None:
    """Writes those of them that are not in a folder; raises OSError if that fails."""
    for name, write in lasting_parts(prepared).items():
        if not (folder / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write(folder / name)


@dataclass(frozen=True)
class ToFit:
    """What one network of a classifier learns from, and within which time.

    Attributes:
        config: all options.
        texts: ids of each row, int32[steps], at least one.
        labels: int[rows], the class of each.
        held: ids of rows to predict at the end.
        vocab_size: number of tokens.
        num_classes: number of classes.
        class_weights: float[classes], what a row of each class counts in the loss.
        random_seed: decides all that is drawn: initial weights, order, dropout.
        seconds: after which training has to end; the learning rate falls so that it is low then.
        interrupted: whether to stop after this step.
        on_step: told the share that is done and the loss in nats.
    """

    config: ClassifierConfig
    texts: Sequence[np.ndarray]
    labels: np.ndarray
    held: Sequence[np.ndarray]
    vocab_size: int
    num_classes: int
    class_weights: np.ndarray
    random_seed: int
    seconds: float = math.inf
    interrupted: Callable[[], bool] = lambda: False
    on_step: Callable[[float, float], None] = lambda done, nats: None


@dataclass
class Fitted:
    """A trained network of a classifier.

    Attributes:
        weights: its arrays by name.
        logits: float32[rows, classes] of the rows that were held out.
        history: a row for each pass: `epoch`, `train_nats`, `seconds`; none of a reservoir.
    """

    weights: dict[str, np.ndarray]
    logits: np.ndarray
    history: list[dict[str, float]] = field(default_factory=list)
