"""`textrnn inspect gradients`: how far back in time gradients reach, as a table and a plot."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.base.files import MODEL_FILE, read_weights
from textrnn.base.run import find_run
from textrnn.inspect.backward import BACKS, TracedNetwork
from textrnn.inspect.gradients import Curve, initial_network, measure, windows_of
from textrnn.inspect.inputs import beginning_of, check_output, held_out_ids
from textrnn.language_model.predict import KIND, LanguageModel, open_run
from textrnn.nn.numpy.weights import Weights
from textrnn.nn.options import ModelConfig
from textrnn.report.layout import align, cut
from textrnn.text.options import NormalizeConfig, TokenizerConfig
from textrnn.text.tokens.load import build_tokenizer

CHARS = 200_000  # of a text, from which windows are taken
SHOWN = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
NAMES = {"simple": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}


def inspect_gradients(
    file: str | None,
    output: str,
    *,
    model: str | None,
    models_dir: Path,
    encoding: str | None,
    distance: int,
    windows: int,
    gain: float,
    random_seed: int,
    overwrite: bool,
    units: int | None = None,
    layers: int | None = None,
) -> dict[str, Any]:
    """Measures the gradients of networks as training begins with them, and of a trained one, and draws them.

    Args:
        file: the text; None for what was held out when the model was trained.
        output: where the picture goes.
        model: name or path of a language model to measure as well; None for none.
        models_dir: where runs are.
        encoding: of the file; told from its bytes when None.
        distance: how many steps to go back.
        windows: how many pieces of the text to go through.
        gain: what the initial recurrent weights are multiplied by.
        random_seed: of the initial weights.
        overwrite: replace a picture.
        units: in each layer of the untrained networks; None for those of the model, else 128.
        layers: of the untrained networks; None for those of the model, else 1.

    Returns:
        `output`, `text`, `windows`, `distance`, `curves`: for each `name`, `arch`, `trained`, `median`, `low`, `high`
        (lists over the distance from 0, shares of the norm at distance 0), `begin` and `reach`.

    Raises:
        ConfigError, DataError, RunError: see the message.
    """
    place = check_output(output, suffixes=(".png",), overwrite=overwrite)
    if file is None and model is None:
        raise ConfigError("there is nothing to measure gradients on: name a text, or a trained run with --model")
    opened = open_run(find_run(model, models_dir, KIND)) if model is not None else None
    if opened is not None and (units or layers):
        raise ConfigError("--units and --layers are those of --model: leave them out")
    trained = None if opened is None else _trained(opened)
    name, ids, vocab_size = _text(opened, file, encoding)
    found = windows_of(ids, distance=distance, count=windows)
    config = opened.config.model if opened is not None else ModelConfig(units=units or 128, layers=layers or 1)
    curves = []
    for arch in BACKS:
        rng = np.random.default_rng(random_seed)
        network = initial_network(dataclasses.replace(config, arch=arch), vocab_size, rng, gain=gain)
        label = NAMES[arch] if opened is None else f"{NAMES[arch]}, untrained"
        curves.append((arch, False, measure(label, network, found, distance)))
    if trained is not None and opened is not None:
        label = f"{opened.path.name if opened.path else 'run'} ({NAMES[config.arch]}), trained"
        curves.append((config.arch, True, measure(label, trained, found, distance)))
    return {
        "output": str(place),
        "text": name,
        "windows": len(found),
        "distance": distance,
        "curves": [_told(arch, is_trained, curve) for arch, is_trained, curve in curves],
    }


def _trained(model: LanguageModel) -> TracedNetwork:
    if model.documents is not None:
        raise ConfigError(
            f"{model.path} learnt documents, which end: gradients are measured in a text that goes on; name another "
            "run with --model"
        )
    weights, _ = read_weights((model.path or Path()) / MODEL_FILE)
    return TracedNetwork(model.config.model, model.vocab_size, Weights(weights))


def _text(model: LanguageModel | None, file: str | None, encoding: str | None) -> tuple[str, np.ndarray, int]:
    """The name of the text, its ids and the size of their vocabulary; without a model ids are those of characters."""
    if file is None and model is not None:
        return "the text held out in training", held_out_ids(model, CHARS), model.vocab_size
    config = model.config.normalize if model is not None else NormalizeConfig()
    name, text = beginning_of(str(file), encoding, config, CHARS)
    tokenizer = model.tokenizer if model is not None else build_tokenizer(TokenizerConfig(min_count=1), [text])
    return name, tokenizer.encode(text), tokenizer.vocab_size


def _told(arch: str, is_trained: bool, curve: Curve) -> dict[str, Any]:
    return {
        "name": curve.name,
        "arch": arch,
        "trained": is_trained,
        "median": curve.median.tolist(),
        "low": curve.low.tolist(),
        "high": curve.high.tolist(),
        "begin": curve.begin,
        "reach": curve.reach,
    }


def draw(result: dict[str, Any], warn: Any) -> None:
    """Draws the picture of a result into its `output`."""
    from textrnn.report.pictures import draw_curves

    draw_curves(
        Path(result["output"]),
        [(one["name"], *(np.array(one[key]) for key in ("median", "low", "high"))) for one in result["curves"]],
        title=f"{result['windows']} windows of {cut(result['text'], 40)}: median, and where 80 % of them are",
        x_label="distance back in time (tokens)",
        y_label="gradient of the loss (1 at distance 0)",
        warn=warn,
    )


def format_result(result: dict[str, Any]) -> str:
    """What is printed: the shares at some distances, and from where on they are below a hundredth."""
    distances = [k for k in SHOWN if k <= result["distance"]]
    rows = [["distance", *(one["name"] for one in result["curves"])]]
    rows += [[str(k), *(f"{one['median'][k]:.2g}" for one in result["curves"])] for k in distances]
    reaches = [
        str(one["reach"]) if one["reach"] is not None else f"over {result['distance']}" for one in result["curves"]
    ]
    rows.append(["below 0.01 from", *reaches])
    lines = align(rows, right=range(1, len(rows[0])), indent=0)
    lines.append(
        f"norm of the gradient of the last token's loss with respect to the state so many tokens before, as a share of "
        f"that at distance 0; median of {result['windows']} windows of {result['text']}"
    )
    lines.append(f"wrote {result['output']}")
    return "\n".join(lines)
