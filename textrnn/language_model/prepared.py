"""What a task hands to training (text as ids, options, a folder that is held for the run), and what it gets back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textrnn.base.files import TOKENIZER_FILE, write_json
from textrnn.language_model.options import Config
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
