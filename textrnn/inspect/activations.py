"""What each unit of a network does while it reads a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from textrnn.base.errors import ConfigError, DataError, RunError
from textrnn.classifier.predict import Networks
from textrnn.classifier.recurrent import RecurrentClassifier
from textrnn.language_model.predict import LanguageModel
from textrnn.nn.numpy.network import CarriedNetwork, State, WindowNetwork
from textrnn.nn.options import ModelConfig, layer_cells
from textrnn.text.tokens.load import UNKNOWN_ID, Tokenizer
from textrnn.text.tokens.vocabulary import WORD

WINDOWS = 256  # of a network that reads both ways, at a time
FORWARD, BACKWARD = "forward", "backward"


class Unit(NamedTuple):
    """One number of a network's state.

    Attributes:
        layer: from 1.
        state: `h` or `c`; `forward` or `backward` for layers that read both ways.
        number: from 0.
    """

    layer: int
    state: str
    number: int

    def __str__(self) -> str:
        return f"layer {self.layer} {self.state} {self.number}"


@dataclass(frozen=True)
class Reading:
    """A text and what went on in a network that read it.

    Attributes:
        tokens: the parts of the text, none empty, as they are shown.
        units: the units.
        values: float32[units, tokens], the activation of each unit after it has read the token.
    """

    tokens: list[str]
    units: list[Unit]
    values: np.ndarray


def read_language_model(model: LanguageModel, ids: np.ndarray, text: str | None = None) -> Reading:
    """Lets a language model read a text from its beginning.

    Args:
        model: any language model. Of one that reads both ways, the activations are those of the last layer after it has
            read the window that ends with the token.
        ids: int[tokens].
        text: what the ids were made from; None for what they decode to.

    Raises:
        DataError: there is no token.
        RunError: activations are not finite.
    """
    tokens, kept = token_texts(model.tokenizer, ids, text, end_id=model.end_id)
    if not tokens:
        raise DataError("the text is empty: expected some text to read")
    model = model.using("network")
    network = model.network
    if isinstance(network, WindowNetwork):
        values = _window_values(network, ids)
        units = _halves(len(layer_cells(model.config.model)), len(values))
        return _reading(tokens, units, values[:, kept])
    states = list(_states(model, ids))
    # Behind the states of the cells there may be more that is carried, such as the condition of a document.
    names = state_names(model.config.model) if isinstance(network, CarriedNetwork) else []
    names = names or [(number, "state") for number in range(1, len(states[0]) + 1)]
    of_state = [k for k in range(len(names)) if states[0][k].ndim == 2 and states[0][k].dtype.kind == "f"]
    values = np.stack([np.concatenate([state[number][:, 0] for number in of_state]) for state in states], 1)
    units = [Unit(*names[number], k) for number in of_state for k in range(len(states[0][number]))]
    return _reading(tokens, units, values[:, kept])


def _states(model: LanguageModel, ids: np.ndarray) -> Iterator[State]:
    """The state of a network after each token of a text, which begins after the start token."""
    network, ids = model.network, np.asarray(ids, np.int32)
    _, state = network.read(np.array([model.start_id], np.int32), network.initial_state(1))
    if isinstance(network, CarriedNetwork):
        yield from network.states(ids, state)
        return
    for place in range(len(ids)):
        _, state = network.step(ids[place : place + 1], state)
        yield state


def state_names(config: ModelConfig) -> list[tuple[int, str]]:
    """Layer and name of each array in the state of the cells that carry one; none for a network with a memory.

    Example:
        >>> state_names(ModelConfig(arch="lstm", layers=2))
        [(1, 'h'), (1, 'c'), (2, 'h'), (2, 'c')]
    """
    layers = [(number, layer.spec) for number, layer in enumerate(layer_cells(config), 1)]
    return [(number, state) for number, spec in layers if spec.begin is None for state in spec.states]


def _window_values(network: WindowNetwork, ids: np.ndarray) -> np.ndarray:
    window = network.initial_state(1)[0][:, 0]
    places = np.arange(len(ids))[:, None] + np.arange(1, len(window) + 1)
    windows = np.concatenate([window, np.asarray(ids, np.int32)])[places]  # [tokens, window]
    parts = [
        network.window_outputs(np.ascontiguousarray(windows[k : k + WINDOWS].T)) for k in range(0, len(ids), WINDOWS)
    ]
    return np.concatenate(parts, 1)


def _halves(layer: int, width: int) -> list[Unit]:
    half = width // 2
    return [Unit(layer, way, number) for way in (FORWARD, BACKWARD) for number in range(half)]


def token_texts(
    tokenizer: Tokenizer, ids: np.ndarray, text: str | None, *, end_id: int | None = None
) -> tuple[list[str], np.ndarray]:
    """The text of each token that has one, and the places of these tokens, int64[kept].

    A token that ends within a character has no text.

    Args:
        tokenizer: made the ids.
        ids: int[tokens].
        text: what the ids were made from: unknown characters are shown as they are in it.
        end_id: this and larger ids stand between documents, and are shown as line ends.
    """
    decoder, place = tokenizer.decoder(), 0
    tokens, kept = list[str](), list[int]()
    for number, token in enumerate(np.asarray(ids).tolist()):
        piece = decoder.feed(token) if end_id is None or token < end_id else "\n"
        if text is not None and token == UNKNOWN_ID:
            piece = text[place : place + len(piece)] or piece
        place += len(piece)
        if piece:
            tokens.append(piece)
            kept.append(number)
    return tokens, np.array(kept, np.int64)


def read_classifier(networks: Networks, text: str) -> Reading:
    """Lets the first network of a classifier read a text.

    Args:
        networks: of a classifier.
        text: normalised.

    Raises:
        DataError: there is no token.
        ConfigError: it is an echo state network.
        RunError: activations are not finite.
    """
    tokens, ids = classifier_tokens(networks, text)
    kept = [number for number, token in enumerate(tokens) if token]
    network = networks.members[0]
    if not isinstance(network, RecurrentClassifier):
        raise ConfigError("the units of an echo state network are random: there is nothing that they learnt to track")
    units, values = _classifier_values(network, ids)
    return _reading([tokens[number] for number in kept], units, values[:, kept])


def classifier_tokens(networks: Networks, text: str) -> tuple[list[str], np.ndarray]:
    """The tokens that a classifier reads of a text, with the blanks between words, and their ids int32[tokens].

    Subwords that end within a character are empty.

    Raises:
        DataError: there is no token.
    """
    tokens = networks.vocabulary.split(text)
    if not any(token.strip() for token in tokens):
        raise DataError("the text is empty: expected some text to read")
    ids, is_cut = networks.encode(text)
    if is_cut:  # as `rows.cut` does
        length = networks.max_length
        tokens = [*tokens[: length - length // 2], *tokens[len(tokens) - length // 2 :]]
    if networks.vocabulary.level == WORD:
        tokens = [token if number == 0 else f" {token}" for number, token in enumerate(tokens)]
    return tokens, ids


def _classifier_values(network: RecurrentClassifier, ids: np.ndarray) -> tuple[list[Unit], np.ndarray]:
    units, values = list[Unit](), list[np.ndarray]()
    for layer, outputs in enumerate(network.outputs(ids), 1):
        width = outputs.shape[1]
        units += _halves(layer, width) if network.config.both_ways else [Unit(layer, "h", k) for k in range(width)]
        values.append(outputs.T)
    return units, np.concatenate(values)


def _reading(tokens: Sequence[str], units: list[Unit], values: np.ndarray) -> Reading:
    if not np.isfinite(values).all():
        raise RunError("the network's activations are not finite: its weights are damaged; train again")
    return Reading(list(tokens), units, np.ascontiguousarray(values, np.float32))
