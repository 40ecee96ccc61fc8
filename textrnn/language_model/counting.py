"""Counts beside a network: made while TensorFlow loads, kept in the run, and mixed with what the network says."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import RunError
from textrnn.language_model.mixture import CountsNetwork, MixtureNetwork
from textrnn.nn.numpy.network import CarriedNetwork, Network
from textrnn.text.corpus import Corpus, check_ids, copy_ids, map_ids
from textrnn.text.counts.codes import CODE_NATS, encode
from textrnn.text.counts.count import count
from textrnn.text.counts.model import NgramModel
from textrnn.training.prepared import Prepared

COUNTS_FILE = "counts.safetensors"
CODES = {"train": "checkpoint/train.counts", "valid": "checkpoint/valid.counts"}
PIECE = 1 << 20  # held-out tokens that are looked up at a time


@dataclass(frozen=True)
class Counts:
    """What training mixes with the network.

    Attributes:
        model: the n-grams of the training part.
        train: uint8[tokens, orders], codes of the nats of each token of the training part by each order, from counts of
            other blocks, see `textrnn.text.counts.count`.
        valid: uint8[tokens, orders], the same of the held-out part, from counts of the whole training part.
        seconds: that counting took.
    """

    model: NgramModel
    train: np.ndarray
    valid: np.ndarray
    seconds: float = 0.0
    code_nats = CODE_NATS

    @property
    def num_orders(self) -> int:
        """Orders of n-grams."""
        return self.model.order

    @functools.cached_property
    def held_out_nats(self) -> float:
        """Nats per token of the held-out part by the longest n-grams alone."""
        return float(CODE_NATS[self.valid[:, -1]].mean(dtype=np.float64))


@contextlib.contextmanager
def counting(prepared: Prepared) -> Iterator[Callable[[], Counts | None]]:
    """Counts the text of a run in a thread of its own.

    Yields:
        a function that waits for the counts, None if there are to be none; raises what counting raised.
    """
    if not prepared.config.counts.counts:
        yield lambda: None
        return
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(_counts(prepared))
        except BaseException as error:  # told to whoever waits for the counts
            found.append(error)

    thread = threading.Thread(target=work, name="counting", daemon=True)
    thread.start()

    def counts() -> Counts | None:
        thread.join()
        if isinstance(found[0], BaseException):
            raise found[0]
        return found[0]  # type: ignore[no-any-return]

    yield counts


def _counts(prepared: Prepared) -> Counts:
    """The counts of a run: those that are there, if it is gone on with, or new ones."""
    if prepared.resume and (kept := _kept(prepared)) is not None:
        return kept
    begin, corpus = time.monotonic(), prepared.data
    ids = _tokens(corpus, corpus.train.ids)
    starts = None if corpus.end_id is None else np.flatnonzero(corpus.train.ids >= corpus.end_id)
    counted = count(ids, corpus.vocab_size, max_order=prepared.config.counts.max_order, starts=starts)
    valid = held_out_codes(counted.model, _tokens(corpus, corpus.valid.ids), prepared.details["start_id"])
    return Counts(counted.model, counted.codes, valid, time.monotonic() - begin)


def _tokens(corpus: Corpus, ids: np.ndarray) -> np.ndarray:
    """Ids as the tokens they are counted as: those that begin a document all are its last one's end."""
    return ids if corpus.documents is None else np.minimum(ids, corpus.vocab_size - 1)


def held_out_codes(model: NgramModel, ids: np.ndarray, start_id: int) -> np.ndarray:
    """Codes of the nats of each token of a text by each order, uint8[tokens, orders]."""
    codes = np.empty((len(ids), model.order), np.uint8)
    context = model.advance(np.array([min(start_id, model.vocab_size - 1)]), model.initial_context(1))
    for begin in range(0, len(ids), PIECE):
        piece = np.asarray(ids[begin : begin + PIECE], np.int32)[None]
        contexts = model.read(piece, context)
        found = model.target_probabilities([each[:, :-1] for each in contexts], piece)
        codes[begin : begin + PIECE] = encode(found[:, 0]).T
        context = np.array([each[:, -1] for each in contexts], np.int32).reshape(context.shape)
    return codes


def _kept(prepared: Prepared) -> Counts | None:
    """The counts that a run was trained with; None if they are lost and have to be made again.

    Raises:
        RunError: a file is damaged.
    """
    facts = prepared.details.get("counts")
    if not isinstance(facts, dict) or not all(
        (prepared.path / name).is_file() for name in (COUNTS_FILE, *CODES.values())
    ):
        return None
    codes = dict[str, Any]()
    for name, file in CODES.items():
        check_ids(prepared.path / file, facts["sha256"][name])
        codes[name] = map_ids(prepared.path / file, np.dtype(np.uint8)).reshape(-1, facts["orders"])
        if len(codes[name]) != len(getattr(prepared.data, name).ids):
            raise RunError(f"{prepared.path / file} is damaged: it is of another text; train again")
    return Counts(NgramModel.load(prepared.path / COUNTS_FILE), **codes)


def with_parts(prepared: Prepared, counts: Counts | None) -> Prepared:
    """The same run, in which the counts are kept as well."""
    if counts is None:
        return prepared
    prepared.details["counts"] = {
        "orders": counts.num_orders,
        "sha256": {name: hashlib.sha256(getattr(counts, name).tobytes()).hexdigest() for name in CODES},
    }
    parts: dict[str, Callable[[Path], None]] = {COUNTS_FILE: counts.model.save}
    for name, file in CODES.items():
        parts[file] = functools.partial(copy_ids, getattr(counts, name))
    return replace(prepared, parts={**prepared.parts, **parts})


def predictors(network: Network, path: Path, vocab_size: int) -> dict[str, Network]:
    """What a run with counts can predict with: the network, the counts, or both.

    Args:
        network: with a gate for each order.
        path: of the counts; where they are not there, there is the network alone.
        vocab_size: number of tokens.

    Raises:
        RunError: the counts do not belong to the network.
    """
    if not path.is_file() or not isinstance(network, CarriedNetwork) or not network.num_orders:
        return {"network": network}
    counts = NgramModel.load(path)
    if counts.order != network.num_orders or counts.vocab_size != vocab_size:
        raise RunError(f"{path} does not fit the network: it has order {counts.order}; restore it, or remove it")
    return {"mixture": MixtureNetwork(network, counts), "network": network, "counts": CountsNetwork(counts)}
