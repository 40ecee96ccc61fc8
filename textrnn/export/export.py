"""From a saved run to a file that other programs load."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError
from textrnn.base.files import write_atomically
from textrnn.base.run import load, named_run
from textrnn.classifier.predict import TextClassifier
from textrnn.export import classifier, language_model
from textrnn.language_model.predict import LanguageModel

ENDINGS = {"keras": ".keras", "savedmodel": ".savedmodel", "litert": ".tflite", "onnx": ".onnx"}


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the model.
        tokens: its tokens, as JSON.
        left_out: a line on what the run predicts with and the export has not; empty for nothing.
        bits_lost: bits per character that int8 costs on held-out text; None without int8.
    """

    path: Path
    tokens: Path
    left_out: str
    bits_lost: float | None = None


def export(
    name: str, to: str, *, models_dir: Path, output: str | None = None, int8: bool = False, overwrite: bool = False
) -> Exported:
    """Writes a language model, or the networks of a classifier, for other programs, and its tokens beside it.

    Args:
        name: the run, or its folder.
        to: one of `ENDINGS`.
        models_dir: where runs are kept.
        output: the file, or the folder of a SavedModel; by default the name of the run with the ending of the format.
        int8: whether a LiteRT model has weights in int8; then the files of the fast runtime are made as well.
        overwrite: whether to replace what is there.

    Raises:
        ConfigError: the format is not for such a run, or what is to be written exists.
        RunError: there is no such run, or int8 costs too much.
        OSError: it cannot be written.
    """
    path = named_run(name, models_dir)
    model = load(path)
    form = _form_of(model)
    form.check(model, to, int8=int8)
    target = Path(output or path.name + ENDINGS[to])
    tokens = target.with_name(target.name.removesuffix(ENDINGS[to]) + ".tokens.json")
    listed = json.dumps(form.token_list(model), ensure_ascii=False, indent=1).encode()
    for place in (target, tokens):
        # Another export of the run has the same tokens.
        same = place == tokens and place.is_file() and place.read_bytes() == listed
        if place.exists() and not overwrite and not same:
            raise ConfigError(f"{place} exists: replace it with --overwrite, or give another place with --output")
    if not target.parent.is_dir() or (target.is_dir() and to != "savedmodel"):
        raise ConfigError(f"--output is {output!r:.120}: expected a name in a folder that exists")
    lost = form.save(model, to, target, int8=int8)
    write_atomically(tokens, listed)
    return Exported(target, tokens, form.left_out(model), lost)


def _form_of(model: Any) -> Any:
    """What knows how runs of this kind are exported."""
    if isinstance(model, LanguageModel):
        return language_model
    if isinstance(model, TextClassifier):
        return classifier
    raise ConfigError(f"{model.path} is neither a language model nor a classifier: only those are exported")
