"""What a task hands to training: text as ids, options, and a folder that is held for the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textrnn.config import Config
from textrnn.text.corpus import Corpus


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
