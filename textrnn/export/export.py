"""From a saved language model to a file that other programs load."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError
from textrnn.base.files import MODEL_FILE, read_weights, write_atomically
from textrnn.base.install import pip_install
from textrnn.base.native import standard_error_kept_back
from textrnn.base.run import named_run
from textrnn.language_model.fast import has_litert, stack_of
from textrnn.language_model.predict import LanguageModel, open_run
from textrnn.language_model.sampling import FIRST_ID
from textrnn.nn.options import layer_cells
from textrnn.nn.stack import check_stack

ENDINGS = {"keras": ".keras", "savedmodel": ".savedmodel", "litert": ".tflite", "onnx": ".onnx"}
STOCK = ("simple", "gru", "lstm")  # cells that Keras has


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the model.
        tokens: its tokens, as JSON.
        left_out: what the run predicts with and the export has not; empty for nothing.
        bits_lost: bits per character that int8 costs on held-out text; None without int8.
    """

    path: Path
    tokens: Path
    left_out: str
    bits_lost: float | None = None


def export(
    name: str, to: str, *, models_dir: Path, output: str | None = None, int8: bool = False, overwrite: bool = False
) -> Exported:
    """Writes a language model for other programs, and its tokens beside it.

    Args:
        name: the run, or its folder.
        to: one of `ENDINGS`.
        models_dir: where runs are kept.
        output: the file, or the folder of a SavedModel; by default the name of the run with the ending of the format.
        int8: whether a LiteRT model has weights in int8; then the files of the fast runtime are made as well.
        overwrite: whether to replace what is there.

    Raises:
        ConfigError: the format is not for such a network, or what is to be written exists.
        RunError: there is no such run, or int8 costs too much.
        OSError: it cannot be written.
    """
    path = named_run(name, models_dir)
    model = open_run(path)
    _check(model, to, int8=int8)
    target = Path(output or path.name + ENDINGS[to])
    tokens = target.with_name(target.name.removesuffix(ENDINGS[to]) + ".tokens.json")
    listed = json.dumps(token_list(model), ensure_ascii=False, indent=1).encode()
    for place in (target, tokens):
        # Another export of the run has the same tokens.
        same = place == tokens and place.is_file() and place.read_bytes() == listed
        if place.exists() and not overwrite and not same:
            raise ConfigError(f"{place} exists: replace it with --overwrite, or give another place with --output")
    if not target.parent.is_dir() or (target.is_dir() and to != "savedmodel"):
        raise ConfigError(f"--output is {output!r:.120}: expected a name in a folder that exists")
    lost = None
    if int8:
        lost = _save_int8(model, target)
    else:
        _save(model, to, target)
    write_atomically(tokens, listed)
    left_out = "counts" if "counts" in model.predictors else ""
    return Exported(target, tokens, left_out, lost)


def _check(model: LanguageModel, to: str, *, int8: bool) -> None:
    """Refuses what cannot be exported, before TensorFlow loads."""
    if int8 and to != "litert":
        raise ConfigError(f"--int8 is for --to litert, and --to is {to}")
    if to == "onnx" and importlib.util.find_spec("onnx") is None:
        raise ConfigError(f"--to onnx needs onnx: {pip_install('export')}")
    if int8 and not has_litert():
        raise ConfigError(f"--int8 measures what it costs, which needs ai-edge-litert: {pip_install('fast')}")
    config = model.config.model
    if to != "keras":
        check_stack(config)
        return
    cells = {layer.cell for layer in layer_cells(config)} or {config.arch}
    if not cells <= set(STOCK):
        raise ConfigError(
            f"--to keras has layers of Keras alone ({', '.join(STOCK)}, bidirectional), and --arch is {config.arch}"
        )
    if model.documents is not None and model.documents.conditions:
        raise ConfigError("--to keras has no place for conditions, and this run has some: expected savedmodel or onnx")


def _save(model: LanguageModel, to: str, target: Path) -> None:
    if to == "onnx":
        from textrnn.export.onnx_file import build

        write_atomically(target, build(stack_of(model)))
        return
    from textrnn.training.backend import start_tensorflow

    start_tensorflow()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        made = Path(folder) / f"made{ENDINGS[to]}"
        with standard_error_kept_back():
            if to == "keras":
                from textrnn.export.keras_file import build as build_keras

                weights, _ = read_weights((model.path or Path()) / MODEL_FILE)
                build_keras(model.config.model, model.vocab_size + (model.documents is not None), weights).save(made)
            elif to == "savedmodel":
                from textrnn.export.saved_model import save

                save(stack_of(model), made)
            else:
                from textrnn.nn.keras.litert import convert

                made.write_bytes(convert(stack_of(model), int8=False))
        if target.is_dir():
            shutil.rmtree(target)
        os.replace(made, target)


def _save_int8(model: LanguageModel, target: Path) -> float:
    """Makes the files of the fast runtime in the run, and the model for other programs if the loss is small."""
    from textrnn.training.backend import start_tensorflow

    start_tensorflow()
    from textrnn.language_model.convert import save_fast
    from textrnn.nn.keras.litert import convert

    lost = save_fast(model)
    with standard_error_kept_back():
        content = convert(stack_of(model), int8=True)
    write_atomically(target, content)
    return lost


def token_list(model: LanguageModel) -> dict[str, Any]:
    """What a program needs to turn ids to text.

    Returns:
        `level`; `tokens`, the text of each id, or, where `bytes` is true, bytes of UTF-8 as characters from 0 to 255;
        `start_id`, before a text; `end_id`, behind a document, or None; `first_id`, the lowest one to draw; `window`,
        of a network that reads both ways, or None.
    """
    tokenizer = model.tokenizer
    as_bytes = tokenizer.level in ("byte", "bpe")
    each = [tokenizer.token_bytes(number) for number in range(tokenizer.vocab_size)]
    each[0] = b""
    each += [b""] * (model.documents is not None)  # the end of a document
    both_ways = any(layer.both_ways for layer in layer_cells(model.config.model))
    return {
        "level": tokenizer.level,
        "bytes": as_bytes,
        "start_id": model.start_id,
        "end_id": model.end_id,
        "first_id": FIRST_ID,
        "window": model.config.data.window if both_ways else None,
        "tokens": [token.decode("latin-1" if as_bytes else "utf-8") for token in each],
    }
