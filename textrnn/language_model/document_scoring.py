"""How well a model predicts whole documents, in each of the conditions that it learnt: a generative classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textrnn.base.errors import DataError
from textrnn.language_model.conditions import frequencies
from textrnn.language_model.model import Model
from textrnn.language_model.scoring import LARGEST_LOGITS, STEPS, Score
from textrnn.nn.numpy.network import Network
from textrnn.text.documents import spelled
from textrnn.text.tokens.load import UNKNOWN_ID

ROWS = 64  # texts that are read side by side


@dataclass(frozen=True)
class Start:
    """How texts begin: the id, and the network that reads it."""

    network: Network
    start_id: int


def starts_of(model: Model) -> list[Start]:
    """A start for each condition of a model; a single one if there are none."""
    documents = model.documents
    if documents is None or not documents.conditions:
        return [Start(model.network, model.start_id)]
    return [Start(model.network, documents.start_id(name)) for name in documents.conditions]


def document_nats(starts: Sequence[Start], texts: Sequence[np.ndarray], end_id: int) -> np.ndarray:
    """Nats of documents, their ends included, from each start on.

    Args:
        starts: how they begin; all of networks with equal states.
        texts: int32[tokens] each.
        end_id: the token that ends a document.

    Returns:
        float64[texts, starts].
    """
    nats = np.zeros((len(texts), len(starts)))
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # so that little is padded
    for column, start in enumerate(starts):
        for begin in range(0, len(order), ROWS):
            places = order[begin : begin + ROWS]
            nats[places, column] = _nats(start, [texts[place] for place in places], end_id)
    return nats


def _nats(start: Start, texts: Sequence[np.ndarray], end_id: int) -> np.ndarray:
    """Nats of some documents side by side, float64[texts]."""
    network, lengths = start.network, np.array([len(text) + 1 for text in texts])
    ids = np.zeros((len(texts), int(lengths.max()) + 1), np.int32)
    for row, text in enumerate(texts):
        ids[row, : len(text) + 2] = [start.start_id, *text, end_id]
    total, state = np.zeros(len(texts)), network.initial_state(len(texts))
    steps = max(1, min(STEPS, LARGEST_LOGITS // (len(texts) * network.vocab_size)))
    for begin in range(0, ids.shape[1] - 1, steps):
        end = min(begin + steps, ids.shape[1] - 1)
        nats, state = network.target_nats(ids[:, begin:end], ids[:, begin + 1 : end + 1], state)
        real = np.arange(begin, end) < lengths[:, None]  # [texts, steps]
        total += np.where(real, nats, 0).sum(1)
    return total


def log_joint(model: Model, nats: np.ndarray) -> np.ndarray:
    """ln P(text, condition), float64[texts, conditions], from nats of that shape and the conditions' frequencies."""
    if nats.shape[1] == 1:
        return -nats
    with np.errstate(divide="ignore"):
        joint: np.ndarray = np.log(frequencies(model)) - nats
    return joint


def log_sum(joint: np.ndarray) -> np.ndarray:
    """ln of the sum of each row's exponentials.

    Example:
        >>> np.exp(log_sum(np.log([[0.25, 0.5]]))).round(6).tolist()
        [0.75]
    """
    highest = joint.max(axis=1, keepdims=True)
    total: np.ndarray = highest[:, 0] + np.log(np.exp(joint - highest).sum(axis=1))
    return total


def score_document(model: Model, text: str) -> Score:
    """Scores one document, in whatever condition it is.

    Raises:
        DataError: it is empty.
    """
    if not text:
        raise DataError("the text is empty: there is nothing to score")
    ids = model.tokenizer.encode(spelled(text, model.tokenizer.level))
    joint = log_joint(model, document_nats(starts_of(model), [ids], model.start_id))
    unknown = int(np.count_nonzero(ids == UNKNOWN_ID))
    return Score(len(text), len(ids) + 1, -float(log_sum(joint)[0]), unknown)
