"""The fast runtime: the network of a run in int8, by LiteRT, made once and kept beside the run (`convert.py`)."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
from pathlib import Path
from typing import Any, TypeVar

from textrnn.base.errors import ConfigError, RunError, TextRNNError, warn
from textrnn.base.files import MODEL_FILE, read_json, read_weights, weights_checksum
from textrnn.base.install import pip_install
from textrnn.language_model.mixture import MixtureNetwork
from textrnn.language_model.model import Model
from textrnn.nn.litert import MOST_STEPS
from textrnn.nn.numpy.network import CarriedNetwork
from textrnn.nn.stack import Stack, check_stack, make_stack

M = TypeVar("M", bound=Model)
FAST_MODEL, FAST_FILE = "fast.tflite", "fast.json"
LEAST_LOST = 0.00005  # bits that are told
RUNTIMES = ("auto", "numpy", "litert")


def has_litert() -> bool:
    """Whether LiteRT is installed."""
    return importlib.util.find_spec("ai_edge_litert") is not None


def stack_of(model: Model, *, gated: bool = False) -> Stack:
    """The network of a run put apart; raises ConfigError if it is none that carries its state, see `check_stack`."""
    check_stack(model.config.model)
    weights, _ = read_weights((model.path or Path()) / MODEL_FILE)
    documents = model.documents
    return make_stack(
        model.config.model,
        model.vocab_size + (documents is not None),
        weights,
        num_conditions=0 if documents is None else len(documents.conditions),
        gated=gated,
    )


def with_runtime(model: M, runtime: str) -> tuple[M, str]:
    """The same model, whose network is run by what is asked for.

    Args:
        model: a saved one.
        runtime: `numpy`, `litert`, or `auto` for LiteRT where it can be had.

    Returns:
        the model, and what a person should know of the choice, if anything.

    Raises:
        ConfigError: there is no such runtime, or it is not installed, or not for such a network.
        RunError: the files that it needs are not there, or damaged.
    """
    if runtime not in RUNTIMES:
        raise ConfigError(f"--runtime is {runtime!r:.40}: expected one of {', '.join(RUNTIMES)}")
    if runtime == "numpy" or (runtime == "auto" and not (has_litert() and _folder(model, FAST_FILE).is_file())):
        return model, ""
    try:
        network, lost = _opened(model)
    except TextRNNError as error:
        if runtime == "litert":
            raise
        warn(f"writing with NumPy, which is slower: {error}")
        return model, ""
    known = model.predictors or {"network": model.network}
    used = next((name for name, one in known.items() if one is model.network), "network")
    found = {
        name: one.over(network) if isinstance(one, MixtureNetwork) else network if name == "network" else one
        for name, one in known.items()
    }
    said = f"writing by LiteRT in int8, which costs {cost_in_words(lost)}; --runtime numpy is exact"
    return dataclasses.replace(model, network=found[used], predictors=found), said


def cost_in_words(lost: float) -> str:
    """What a network in int8 loses.

    Example:
        >>> cost_in_words(0.0012), cost_in_words(-0.0003)
        ('0.0012 bits per character', 'nothing')
    """
    return f"{lost:.4f} bits per character" if lost >= LEAST_LOST else "nothing"


def _folder(model: Model, name: str) -> Path:
    return (model.path or Path()) / name


def _opened(model: Model) -> tuple[Any, float]:
    """The network run by LiteRT, and the bits per character that it loses."""
    network = (model.predictors or {"network": model.network})["network"]
    path, make = model.path or Path(), f"textrnn export {(model.path or Path()).name} --to litert --int8"
    if not isinstance(network, CarriedNetwork):
        raise ConfigError(f"--runtime litert is not for --arch {model.config.model.arch}: expected numpy")
    if not has_litert():
        raise ConfigError(f"--runtime litert needs ai-edge-litert: {pip_install('fast')}")
    if not (path / FAST_FILE).is_file():
        raise RunError(f"{path} has no {FAST_FILE}: '{make}' makes it")
    details, again = read_json(path / FAST_FILE), f"'{make}' makes it anew"
    if details.get("weights") != weights_checksum(path / MODEL_FILE) or details.get("steps") != MOST_STEPS:
        raise RunError(f"{path / FAST_MODEL} is of other weights than {MODEL_FILE}: {again}")
    try:
        content = (path / FAST_MODEL).read_bytes()
        if hashlib.sha256(content).hexdigest() != details.get("model"):
            raise ValueError("its content does not fit its checksum")
        from textrnn.nn.numpy.litert import LiteNetwork

        return LiteNetwork(network, content), float(details["bits_lost_per_char"])
    except (OSError, ImportError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise RunError(f"{path / FAST_MODEL} cannot be used ({error!s:.120}): {again}") from None
