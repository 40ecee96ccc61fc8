"""A language model for other programs: what each format can hold of it, and its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError
from textrnn.base.files import MODEL_FILE, read_weights, write_atomically
from textrnn.base.install import pip_install
from textrnn.base.native import standard_error_kept_back
from textrnn.export.made import make
from textrnn.export.onnx_graph import check_onnx
from textrnn.language_model.fast import has_litert, stack_of
from textrnn.language_model.predict import LanguageModel
from textrnn.language_model.sampling import FIRST_ID
from textrnn.nn.options import layer_cells
from textrnn.nn.stack import check_stack

STOCK = ("simple", "gru", "lstm")  # cells that Keras and ONNX have


def check(model: LanguageModel, to: str, *, int8: bool) -> None:
    """Refuses what cannot be exported, before TensorFlow loads."""
    if int8 and to != "litert":
        raise ConfigError(f"--int8 is for --to litert, and --to is {to}")
    if to == "onnx":
        check_onnx()
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


def save(model: LanguageModel, to: str, target: Path, *, int8: bool) -> float | None:
    """Writes it; the bits per character that int8 costs, None without int8."""
    if int8:
        return _save_int8(model, target)
    if to == "onnx":
        from textrnn.export.onnx_file import build

        write_atomically(target, build(stack_of(model)))
        return None
    make(target, lambda made: _make(model, to, made))
    return None


def _make(model: LanguageModel, to: str, made: Path) -> None:
    """Writes it with TensorFlow."""
    if to == "keras":
        from textrnn.export.keras_file import build

        weights, _ = read_weights((model.path or Path()) / MODEL_FILE)
        build(model.config.model, model.vocab_size + (model.documents is not None), weights).save(made)
    elif to == "savedmodel":
        from textrnn.export.saved_model import save as save_model

        save_model(stack_of(model), made)
    else:
        from textrnn.nn.keras.litert import convert

        made.write_bytes(convert(stack_of(model), int8=False))


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


def left_out(model: LanguageModel) -> str:
    """What the run predicts with and no format has, in a line; empty for nothing."""
    if "counts" not in model.predictors:
        return ""
    return "the counts of this run are left out: it predicts as 'textrnn generate --use network' does"


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
