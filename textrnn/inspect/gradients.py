"""`textrnn inspect gradients`: how far back in time gradients reach, as a table and a plot."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.base.files import MODEL_FILE, read_weights
from textrnn.base.run import find_run
from textrnn.inspect.backward import TracedNetwork
from textrnn.inspect.inputs import HELD_OUT_NAME, Request, held_out_ids
from textrnn.language_model.predict import KIND, LanguageModel, open_run
from textrnn.nn.numpy.network import State
from textrnn.nn.numpy.weights import Weights
from textrnn.nn.options import ModelConfig, layer_cells
from textrnn.report.layout import align, cut
from textrnn.report.pictures import Titles, draw_curves
from textrnn.text.options import NormalizeConfig, TokenizerConfig
from textrnn.text.tokens.load import build_tokenizer

CHARS = 200_000  # of a text, from which windows are taken
SHOWN = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # distances in the table
NAMES = {"simple": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}  # the cells that are compared untrained
SMALL = 0.01  # below this share of its norm at distance 0, a gradient teaches next to nothing
BAND = (0.1, 0.9)  # quantiles over the windows


@dataclass(frozen=True)
class Curve:
    """The norm of the gradient on its way back through a network.

    Attributes:
        name: of the network, in words.
        arch: the cell of its layers.
        trained: whether the network has learnt.
        median: float64[distance + 1], over the windows, of its norm as a share of that at distance 0.
        low, high: float64[distance + 1], the quantiles BAND.
        begin: median of its norm at distance 0, in nats per unit of state.
    """

    name: str
    arch: str
    trained: bool
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    begin: float

    @property
    def reach(self) -> int | None:
        """The distance from which on the median stays below SMALL; None if it does not."""
        large = np.flatnonzero(self.median >= SMALL)
        return int(large[-1]) + 1 if large[-1] + 1 < len(self.median) else None

    def to_json(self) -> dict[str, Any]:
        """All of it, in plain lists."""
        found = {name: getattr(self, name) for name in ("name", "arch", "trained")}
        curves = {name: getattr(self, name).tolist() for name in ("median", "low", "high")}
        return {**found, **curves, "begin": self.begin, "reach": self.reach}


def inspect_gradients(
    request: Request,
    *,
    distance: int,
    windows: int,
    gain: float,
    random_seed: int,
    units: int | None = None,
    layers: int | None = None,
) -> dict[str, Any]:
    """Measures the gradients of untrained networks, and of a trained one.

    Args:
        request: the text, the output, and the language model that is measured too; without a name there is none.
        distance: how many steps to go back.
        windows: how many windows of the text to measure.
        gain: what the initial recurrent weights are multiplied by.
        random_seed: of the initial weights.
        units: in each layer of the untrained networks; None for those of the model, else 128.
        layers: of the untrained networks; None for those of the model, else 1.

    Returns:
        `output`, `text`, `windows`, `distance` and `curves`, for each what `Curve.to_json` gives.

    Raises:
        ConfigError, DataError, RunError: see the message.
    """
    place = request.place(".png")
    if request.file is None and request.model is None:
        raise ConfigError("there is nothing to measure gradients on: name a text, or a trained run with --model")
    if request.model is not None and (units or layers):
        raise ConfigError("--units and --layers are those of --model: leave them out")
    model = None if request.model is None else open_run(find_run(request.model, request.models_dir, KIND))
    trained = None if model is None else _trained(model)
    name, ids, vocab_size = _text(model, request)
    found = windows_of(ids, distance=distance, count=windows)
    config = ModelConfig(units=units or 128, layers=layers or 1) if model is None else model.config.model
    curves = []
    for arch in NAMES:
        rng = np.random.default_rng(random_seed)
        network = initial_network(dataclasses.replace(config, arch=arch), vocab_size, rng, gain=gain)
        label = NAMES[arch] if model is None else f"{NAMES[arch]}, untrained"
        curves.append(measure(network, found, distance, name=label, arch=arch))
    if trained is not None and model is not None:
        label = f"{model.path.name if model.path else 'run'} ({NAMES.get(config.arch, config.arch)}), trained"
        curves.append(measure(trained, found, distance, name=label, arch=config.arch, trained=True))
    result = {"output": str(place), "text": name, "windows": len(found), "distance": distance}
    return {**result, "curves": [curve.to_json() for curve in curves]}


def _trained(model: LanguageModel) -> TracedNetwork:
    if model.documents is not None:
        raise ConfigError(
            f"{model.path} learnt documents, which end: gradients are measured in a text that goes on; name another "
            "run with --model"
        )
    weights, _ = read_weights((model.path or Path()) / MODEL_FILE)
    return TracedNetwork(model.config.model, model.vocab_size, Weights(weights))


def _text(model: LanguageModel | None, request: Request) -> tuple[str, np.ndarray, int]:
    """The name of the text, its ids and the size of their vocabulary; without a model ids are those of characters."""
    if request.file is None and model is not None:
        return HELD_OUT_NAME, held_out_ids(model, CHARS), model.vocab_size
    name, text = request.beginning(NormalizeConfig() if model is None else model.config.normalize, CHARS)
    tokenizer = build_tokenizer(TokenizerConfig(min_count=1), [text]) if model is None else model.tokenizer
    return name, tokenizer.encode(text), tokenizer.vocab_size


def windows_of(ids: np.ndarray, *, distance: int, count: int) -> np.ndarray:
    """Windows spread evenly over a text, int32[windows, 2 * distance + 2].

    The first `distance` tokens warm up the state; the loss is that of the last token.

    Raises:
        DataError: the text is too short for one.

    Example:
        >>> windows_of(np.arange(8), distance=1, count=9)[-1].tolist()
        [4, 5, 6, 7]
    """
    length = 2 * distance + 2
    if len(ids) < length:
        raise DataError(
            f"the text has {len(ids):,} tokens, and --distance {distance} needs at least {length:,}: give a longer "
            "text or a smaller --distance"
        )
    begins = np.unique(np.linspace(0, len(ids) - length, count).astype(np.int64))
    return np.stack([ids[begin : begin + length] for begin in begins]).astype(np.int32)


def gradient_norms(network: TracedNetwork, windows: np.ndarray, distance: int) -> np.ndarray:
    """How large the gradient of the last token's loss is with respect to the states before.

    Args:
        network: what reads.
        windows: int32[windows, steps], of at least distance + 1 steps; the state is zero before each.
        distance: how many steps to go back, at least 1.

    Returns:
        float64[distance + 1, windows]: the Euclidean norm of the gradient with respect to the whole state (of an LSTM
        h and c, of all layers) after the token that is 0, 1, ... tokens before the one that the loss is computed from.

    Reference:
        Bengio, Simard and Frasconi, 1994, Learning long-term dependencies with gradient descent is difficult.
    """
    read, targets = windows[:, :-1].T, windows[:, -1]
    state, states = network.initial_state(len(windows)), deque[State](maxlen=distance)
    for ids in read:
        states.append(state)
        state = network.advance(ids, state)
    gradient = network.loss_gradient(state, targets)
    norms = [_norm(gradient)]
    for ids, before in zip(read[::-1], reversed(states), strict=False):
        gradient = network.back(ids, before, gradient)
        norms.append(_norm(gradient))
    return np.stack(norms)


def _norm(gradient: State) -> np.ndarray:
    total: np.ndarray = np.sqrt(sum((array**2).sum(0) for array in gradient))
    return total


def measure(
    network: TracedNetwork, windows: np.ndarray, distance: int, *, name: str, arch: str, trained: bool = False
) -> Curve:
    """The curve of a network; see `gradient_norms`."""
    norms = gradient_norms(network, windows, distance)
    shares = norms / np.maximum(norms[0], np.finfo(np.float64).tiny)
    low, high = np.quantile(shares, BAND, axis=1)
    return Curve(name, arch, trained, np.median(shares, 1), low, high, float(np.median(norms[0])))


def initial_network(config: ModelConfig, vocab_size: int, rng: np.random.Generator, *, gain: float) -> TracedNetwork:
    """A network as training begins with it: drawn as `textrnn.language_model.network` draws (up to tails cut off).

    Args:
        config: the architecture, of `simple`, `gru` or `lstm` layers.
        vocab_size: number of tokens.
        rng: gives the draws.
        gain: what the orthogonal recurrent weights are multiplied by; 1 is what training begins with.
    """
    units, one_hot = config.units, config.input == "one-hot"
    arrays, width = dict[str, np.ndarray](), vocab_size if one_hot else config.embed
    if not one_hot:
        arrays["embedding/embeddings"] = rng.normal(0, config.embedding_stddev, (vocab_size, width))
    for number, cell in enumerate(layer_cells(config)):
        shapes = cell.spec.weights(width, units)
        columns, bias = shapes["kernel"][1], np.zeros(shapes["bias"])
        if cell.cell == "lstm":
            bias[units : 2 * units] = 1.0  # forget gates begin open: Jozefowicz, Zaremba and Sutskever, 2015
        arrays[f"layer{number}/kernel"] = rng.normal(0, width**-0.5, shapes["kernel"])
        arrays[f"layer{number}/recurrent_kernel"] = gain * orthogonal(units, columns, rng)
        arrays[f"layer{number}/bias"] = bias
        width = units
    limit = (6 / (units + vocab_size)) ** 0.5
    arrays["output/bias"] = np.zeros(vocab_size)
    if not config.tied:
        arrays["output/kernel"] = rng.uniform(-limit, limit, (units, vocab_size))
    elif units != config.embed:
        limit = (6 / (units + config.embed)) ** 0.5
        arrays["projection/kernel"] = rng.uniform(-limit, limit, (units, config.embed))
    return TracedNetwork(config, vocab_size, Weights(arrays))


def orthogonal(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """A random matrix float64[rows, columns], columns >= rows, whose rows are orthonormal.

    Reference:
        Saxe, McClelland and Ganguli, 2014, Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks.

    Example:
        >>> matrix = orthogonal(2, 6, np.random.default_rng(0))
        >>> np.allclose(matrix @ matrix.T, np.eye(2))
        True
    """
    q, r = np.linalg.qr(rng.normal(0, 1, (columns, rows)))
    matrix: np.ndarray = (q * np.sign(np.diag(r))).T
    return matrix


def draw(result: dict[str, Any], warn: Callable[[str], None]) -> None:
    """Draws the picture of a result into its `output`."""
    draw_curves(
        Path(result["output"]),
        [(one["name"], *(np.array(one[key]) for key in ("median", "low", "high"))) for one in result["curves"]],
        titles=Titles(
            f"{result['windows']} windows of {cut(result['text'], 40)}: median, and where 80 % of them are",
            "gradient of the loss (1 at distance 0)",
            "distance back in time (tokens)",
        ),
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
