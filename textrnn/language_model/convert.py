"""From a saved run to the files of its fast runtime; needs TensorFlow, and LiteRT to measure what was made."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import MODEL_FILE, weights_checksum, write_atomically, write_json
from textrnn.base.native import standard_error_kept_back
from textrnn.language_model.fast import FAST_FILE, FAST_MODEL, stack_of
from textrnn.language_model.predict import LanguageModel
from textrnn.language_model.sampling import FIRST_ID
from textrnn.nn.keras.litert import convert
from textrnn.nn.litert import MOST_STEPS
from textrnn.nn.numpy.litert import LiteNetwork
from textrnn.nn.numpy.network import CarriedNetwork, Network
from textrnn.text.corpus import map_ids, smallest_dtype

MOST_LOST = 0.01  # bits per character
ROWS, STEPS = 32, 256  # of held-out text, on which the loss is measured
MOST_LOGITS = 1 << 26  # for that: with a large vocabulary a part of it is enough


def held_out(model: LanguageModel) -> np.ndarray:
    """The beginning of the text that was held out in training, int32[tokens].

    Raises:
        RunError: the run does not keep it.
    """
    path = (model.path or Path()) / "checkpoint" / "valid.ids"
    if not path.is_file() or len(ids := map_ids(path, smallest_dtype(model.num_ids))) < 2:
        raise RunError(f"{path} is missing, the held-out text on which the loss of int8 is measured: restore it")
    num_tokens = ROWS * max(8, min(STEPS, MOST_LOGITS // (ROWS * model.num_ids)))
    known: np.ndarray = np.minimum(ids[: num_tokens + 1], model.num_ids - 1).astype(np.int32)
    return known


def bits_lost(model: LanguageModel, network: CarriedNetwork, other: Network, ids: np.ndarray) -> float:
    """How many more bits a character of held-out text costs by another network, int32[tokens]."""
    rows = min(ROWS, len(ids) - 1)
    steps = (len(ids) - 1) // rows
    read, targets = (part[: rows * steps].reshape(rows, steps) for part in (ids[:-1], ids[1:]))
    targets = np.minimum(targets, network.vocab_size - 1)
    nats = [one.target_nats(read, targets, one.initial_state(rows))[0].mean() for one in (network, other)]
    try:
        part = model.details["corpus"]["valid"]
        tokens_per_char = float(part["tokens"]) / float(part["chars"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        raise RunError(f"{model.path} is damaged: run.json does not say how long the held-out text is") from None
    return float(nats[1] - nats[0]) / math.log(2) * tokens_per_char


def save_fast(model: LanguageModel) -> float:
    """Makes the files of the fast runtime of a run.

    Args:
        model: a saved one.

    Returns:
        the bits that a character of held-out text costs more in int8.

    Raises:
        ConfigError: its network is not one that carries its state.
        RunError: int8 loses more than `MOST_LOST`, or there is no held-out text; nothing is written.
    """
    path, network = model.path or Path(), (model.predictors or {"network": model.network})["network"]
    stack, ids = stack_of(model, gated=True), held_out(model)
    if not isinstance(network, CarriedNetwork):
        raise ConfigError(f"--arch is {model.config.model.arch}: it has no fast runtime")
    with standard_error_kept_back():
        content = convert(stack, int8=True, first_id=FIRST_ID)
    lost = bits_lost(model, network, LiteNetwork(network, content), ids)
    if not lost <= MOST_LOST:
        raise RunError(f"int8 costs {lost:.4f} bits per character, more than {MOST_LOST}: NumPy goes on running {path}")
    details = dict(weights=weights_checksum(path / MODEL_FILE), model=hashlib.sha256(content).hexdigest())
    write_atomically(path / FAST_MODEL, content)
    write_json(path / FAST_FILE, {**details, "steps": MOST_STEPS, "bits_lost_per_char": lost, "tokens": len(ids) - 1})
    return lost
