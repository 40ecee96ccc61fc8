"""Counts beside a network: made while TensorFlow loads, kept in the run, and mixed with what the network says."""

from __future__ import annotations

import contextlib
import functools
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import RunError
from textrnn.base.files import atomic_file
from textrnn.language_model.mixed_counts import MixedCounts
from textrnn.language_model.mixture import COUNTS_FILE, AnyCounts, earlier_files, open_counts
from textrnn.text.corpus import Corpus, check_ids, copy_ids, sha256_of
from textrnn.text.counts.build import save_counts
from textrnn.text.counts.cache import Cache
from textrnn.text.counts.codes import PROBABILITY_OF_CODE, probability_codes
from textrnn.text.counts.count import counted, map_probabilities
from textrnn.text.windows import MAX_TOKENS
from textrnn.training.prepared import Prepared

CODES = {"train": "checkpoint/train.counts", "valid": "checkpoint/valid.counts"}
FITTED = 60_000  # tokens, the last ones of the training part, that the cache is fitted on
LONGEST = 10  # tokens of n-grams, if nothing is said: longer ones need more room and time than they are worth
LEAST_BYTES, BYTES_A_CHAR = 13e6, 7  # of a file of counts: 20 MB for a million characters, 150 for 20 million
# Of a second of --time, of which counting may take a tenth; and what is counted at least and at most.
TOKENS_A_SECOND, FEWEST_COUNTED, MOST_COUNTED = 40_000, 1_200_000, 20_000_000


@contextlib.contextmanager
def counting(prepared: Prepared) -> Iterator[Callable[[], MixedCounts | None]]:
    """Counts the text of a run in a thread of its own.

    Yields:
        a function that waits for the counts, None if there are to be none; raises what counting raised.
    """
    if not prepared.config.counts.counts:
        yield lambda: None
        return
    found, ended = list[Any](), threading.Event()

    def check() -> None:
        if ended.is_set():
            raise InterruptedError

    def work() -> None:
        try:
            found.append(_counts(prepared, check))
        except BaseException as error:  # told to whoever waits for the counts
            found.append(error)

    thread = threading.Thread(target=work, name="counting", daemon=True)
    thread.start()

    def counts() -> MixedCounts | None:
        thread.join()
        if isinstance(found[0], BaseException):
            raise found[0]
        mixed: MixedCounts = found[0]
        return mixed

    try:
        yield counts
    finally:
        ended.set()
        thread.join()


def _counts(prepared: Prepared, check: Callable[[], None] = lambda: None) -> MixedCounts:
    """The counts of a run: those that are there, if it is gone on with, or new ones."""
    if prepared.resume and (kept := _kept(prepared)) is not None:
        return kept
    if "cache" not in prepared.details.get("counts", {"cache": None}):
        raise RunError(f"{prepared.path} has lost counts of an earlier version, and today's are others: train again")
    corpus = prepared.data
    with _folder(prepared) as folder:
        path, codes = folder / COUNTS_FILE, {name: folder / file for name, file in CODES.items()}
        codes["train"].parent.mkdir(exist_ok=True)
        num_counted = min(len(corpus.train.ids), _most_tokens(prepared.config.stop.time_s))
        ids = _tokens(corpus, corpus.train.ids[-num_counted:])
        limit = prepared.config.counts.max_order or LONGEST
        with counted(ids, corpus.vocab_size, folder, max_order=limit, check=check) as found:
            saved = save_counts(found, path, max_bytes=LEAST_BYTES + BYTES_A_CHAR * num_counted)
            counts, end_id = _opened(prepared, path), corpus.end_id
            check()
            begin = max(0, num_counted - FITTED)
            last = PROBABILITY_OF_CODE[found.left_out(begin, num_counted)[:, -1]]
            cache = Cache.fitted(ids[begin:], last, corpus.vocab_size, end_id=end_id)
            write_train(counts, cache, ids, found.left_out, codes["train"], end_id=end_id)
        check()
        held_out = _tokens(corpus, corpus.valid.ids[:MAX_TOKENS])
        write_held_out(counts, cache, held_out, codes["valid"], start_id=prepared.details["start_id"], end_id=end_id)
        part = f" in the last {num_counted:,} of the text" if num_counted < len(corpus.train.ids) else ""
        said = (
            f"n-grams of up to {found.order} tokens{part}: {saved.kept:,} of {saved.ngrams:,} kept, "
            f"{saved.size_bytes / 1e6:.1f} MB, at a loss of about {max(0.0, saved.lost_nats):.4f} nats per token; "
            f"a cache of the last {cache.size:,} tokens"
        )
        train, valid = (map_probabilities(codes[name], counts.order + 1) for name in ("train", "valid"))
        return MixedCounts(
            counts, cache, _files(prepared, path), corpus.train.ids, train, valid, end_id=end_id, said=said
        )


def _opened(prepared: Prepared, path: Path) -> AnyCounts:
    """Own counts, with those of texts before; raises RunError where these are lost."""
    earlier, expected = earlier_files(prepared.folder), prepared.details.get("from", {}).get("counts", 0)
    if len(earlier) != expected:
        raise RunError(f"{prepared.folder} has the counts of {len(earlier)} texts before its own, expected {expected}")
    return open_counts(path, earlier, has_end=prepared.data.documents is not None)


def _files(prepared: Prepared, path: Path) -> dict[str, Path]:
    """The files of all counts, by their names in the run."""
    return {file.name: file for file in (path, *earlier_files(prepared.folder))}


def _most_tokens(time_s: float | None) -> int:
    """Tokens that are counted: as many as a tenth of the time is enough for."""
    return MOST_COUNTED if time_s is None else int(np.clip(time_s * TOKENS_A_SECOND, FEWEST_COUNTED, MOST_COUNTED))


@contextlib.contextmanager
def _folder(prepared: Prepared) -> Iterator[Path]:
    """Where counts are written: into the run, or, by a worker beside the chief, into files that lose their names."""
    if prepared.is_own:
        yield prepared.folder
        return
    with tempfile.TemporaryDirectory(prefix="textrnn-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _tokens(corpus: Corpus, ids: np.ndarray) -> np.ndarray:
    """Ids as the tokens they are counted as: those that begin a document all are its last one's end."""
    return ids if corpus.end_id is None else np.minimum(ids, corpus.end_id)


def write_train(
    counts: AnyCounts,
    cache: Cache,
    ids: np.ndarray,
    left_out: Callable[[int, int], np.ndarray],
    path: Path,
    *,
    end_id: int | None,
) -> None:
    """Writes codes of the probability of each token by the counts of earlier texts, by the own ones, and by the cache.

    Args:
        counts: of all texts.
        cache: on top of the own counts.
        ids: int[tokens], the text.
        left_out: gives the own codes from one place to another, uint8[places, own orders].
        path: of the file, uint8[tokens, experts].
        end_id: see `Cache.pieces`.
    """
    nodes = counts.start(1)
    with atomic_file(path) as file:
        for place, size, seen in cache.pieces(ids, end_id=end_id):
            own = left_out(place, place + size)
            remembered = probability_codes(cache.leant(PROBABILITY_OF_CODE[own[:, -1]], seen))
            parts = [own, remembered[:, None]]
            if earlier := counts.order - own.shape[1]:
                tokens = np.asarray(ids[place : place + size], np.int64)
                found, nodes = counts.text_probabilities(nodes, tokens)
                parts = [probability_codes(found[:, :earlier]), *parts]
            file.write(np.concatenate(parts, 1).data)


def write_held_out(
    counts: AnyCounts, cache: Cache, ids: np.ndarray, path: Path, *, start_id: int, end_id: int | None
) -> None:
    """Writes the codes of the probability of each token of a text by each expert, uint8[tokens, experts]."""
    text, nodes = np.concatenate([[min(start_id, counts.vocab - 1)], ids]), counts.start(1)
    with atomic_file(path) as file:
        for place, size, seen in cache.pieces(text, end_id=end_id):
            found, nodes = counts.text_probabilities(nodes, text[place : place + size])
            found = np.concatenate([found, cache.leant(found[:, -1], seen)[:, None]], 1)
            file.write(probability_codes(found[1:] if place == 0 else found).data)


def _kept(prepared: Prepared) -> MixedCounts | None:
    """The counts that a run was trained with; None if they are lost and have to be made again.

    Raises:
        RunError: a file is damaged.
    """
    facts, path = prepared.details.get("counts"), prepared.path / COUNTS_FILE
    files = {name: prepared.path / file for name, file in CODES.items()}
    if not isinstance(facts, dict) or not all(file.is_file() for file in (path, *files.values())):
        return None
    codes = dict[str, np.ndarray]()
    for name, file in files.items():
        check_ids(file, facts["sha256"][name])
        codes[name] = map_probabilities(file, facts["orders"])
        if len(codes[name]) > len(getattr(prepared.data, name).ids):
            raise RunError(f"{file} is damaged: it is of another text; train again")
    corpus, cache = prepared.data, facts.get("cache")
    return MixedCounts(
        _opened(prepared, path),
        None if cache is None else Cache.from_json(cache, corpus.vocab_size),
        _files(prepared, path),
        corpus.train.ids,
        codes["train"],
        codes["valid"],
        end_id=corpus.end_id,
    )


def with_parts(prepared: Prepared, mixed: MixedCounts | None) -> Prepared:
    """The same run, in which the counts are kept as well."""
    if mixed is None:
        return prepared
    files = {CODES["train"]: mixed.train, CODES["valid"]: mixed.valid}
    for name, path in mixed.files.items():
        if path.is_file():  # among workers, only the chief keeps them
            files[name] = np.memmap(path, np.uint8, mode="r")
    prepared.details["counts"] = {
        "orders": mixed.num_experts,
        **({} if mixed.cache is None else {"cache": mixed.cache.to_json()}),
        "sha256": {name: sha256_of(files[file]) for name, file in CODES.items()},
    }
    parts = {name: functools.partial(copy_ids, array) for name, array in files.items()}
    return replace(prepared, parts={**prepared.parts, **parts})
