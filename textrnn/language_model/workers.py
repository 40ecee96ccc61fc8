"""How the workers of one training come to the same text and options; the chief decides, the others follow."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, DataError, RunError, TextRNNError
from textrnn.language_model.data import PARTS, lasting_parts
from textrnn.language_model.options import Config
from textrnn.language_model.packed_documents import prepare_documents
from textrnn.text.corpus import Corpus, Part, between, check_ids, map_ids, normalized_text, smallest_dtype, write_ids
from textrnn.text.documents import Documents
from textrnn.text.reader import Reading, as_bytes, open_sources
from textrnn.text.tokens.load import Tokenizer, tokenizer_from_json
from textrnn.text.windows import make_windows
from textrnn.training.prepared import Prepared
from textrnn.training.workers import WorkerError, Workers


def invite(workers: Workers, prepared: Prepared, options: Mapping[str, Any]) -> None:
    """The chief tells all others what is trained, and sees that they have the same text.

    Args:
        workers: all of them.
        prepared: what the chief has made ready.
        options: those that were given to its command.

    Raises:
        WorkerError: one cannot follow.
    """
    corpus = prepared.data
    setup = {
        "folder": str(prepared.folder.resolve()),
        "path": str(prepared.path),
        "config": prepared.config.to_json(),
        "tokenizer": corpus.tokenizer.to_json(),
        "details": prepared.details,
        "resume": prepared.resume,
        "new_budget": prepared.new_budget,
        "options": dict(options),
        "sha256": {name: getattr(corpus, name).sha256 for name in PARTS},
    }
    workers.share(setup, {})
    _all_can_follow(workers)


def check_rows(workers: Workers, prepared: Prepared) -> None:
    """Raises ConfigError where a batch has too few rows for so many workers."""
    data = prepared.config.data
    num_rows = make_windows(prepared.data.train.ids, data, 0).num_rows
    if num_rows < workers.workers:
        raise ConfigError(
            f"a batch of this text has {num_rows} rows (--batch {data.batch}, --window {data.window}) and there are "
            f"{workers.workers} workers, each of which needs one: use fewer workers, or a larger --batch or more text"
        )


def turn_away(workers: Workers, error: BaseException) -> None:
    """The chief tells all others that there is nothing to train."""
    workers.share({"failed": str(error) or "interrupted"}, {})


def _all_can_follow(workers: Workers, problem: TextRNNError | None = None) -> None:
    """Every worker says what keeps it from following, if anything does; raises that everywhere."""
    said = workers.exchange("" if problem is None else str(problem))
    if any(said):
        workers.leave()  # together: an error ends this process, and the others may still be fetching what it said
    if problem is not None:
        raise problem
    for rank, line in enumerate(said):
        if line:
            raise WorkerError(f"worker {rank} of {workers.workers} has failed: {line:.300}", rank)


def follow(
    workers: Workers,
    files: Sequence[str],
    validation: Sequence[str],
    *,
    reading: Reading,
    options: Mapping[str, Any],
) -> Prepared:
    """What a worker beside the chief trains: the chief's options, and its text, mapped or encoded from own files.

    Args:
        workers: all of them.
        files: the corpus that this worker's command names.
        validation: its validation files.
        reading: how they are read.
        options: those that were given to this worker's command.

    Raises:
        ConfigError: the options are not the chief's.
        DataError: the text is not the chief's, or there is none.
        WorkerError: another worker cannot follow, or the chief has nothing to train.
    """
    setup, _ = workers.share({}, {})
    if "failed" in setup:
        raise WorkerError(f"the chief of {workers.workers} workers has failed: {setup['failed']:.300}")
    try:
        _same_options(options, setup["options"])
        corpus = _followed_corpus(setup, files, validation, reading)
    except TextRNNError as error:
        _all_can_follow(workers, error)
        raise
    _all_can_follow(workers)
    return Prepared(
        folder=Path(setup["folder"]),
        path=Path(setup["path"]),
        config=Config.from_json(setup["config"]),
        data=corpus,
        parts=lasting_parts(corpus),
        details=setup["details"],
        resume=setup["resume"],
        new_budget=setup["new_budget"],
        is_own=False,
    )


def _same_options(own: Mapping[str, Any], chiefs: Mapping[str, Any]) -> None:
    wrong = sorted(
        f"{name} is {own.get(name)!r:.40} here and {chiefs.get(name)!r:.40} there"
        for name in own.keys() | chiefs.keys()
        if own.get(name) != chiefs.get(name)
    )
    if wrong:
        raise ConfigError(f"this worker has other options than the chief: {', '.join(wrong)}; start all by one command")


def _followed_corpus(
    setup: Mapping[str, Any], files: Sequence[str], validation: Sequence[str], reading: Reading
) -> Corpus:
    config, tokenizer = Config.from_json(setup["config"]), tokenizer_from_json(setup["tokenizer"])
    documents = Documents.from_json(setup["details"].get("documents"), tokenizer.vocab_size)
    corpus = _mapped(setup, tokenizer, documents)
    if corpus is None:
        corpus = _encoded(setup, files, validation, reading=reading, config=config, tokenizer=tokenizer)
    for name in PARTS:
        found, expected = getattr(corpus, name), setup["details"]["corpus"][name]["tokens"]
        if len(found.ids) != expected or found.sha256 != setup["sha256"][name]:
            raise DataError(
                f"this worker's text is not the chief's: the {name} part has {len(found.ids):,} tokens here and "
                f"{expected:,} there (SHA-256 {found.sha256[:8]} and {setup['sha256'][name][:8]}); give all "
                "workers the same files"
            )
    return corpus


def _mapped(setup: Mapping[str, Any], tokenizer: Tokenizer, documents: Documents | None) -> Corpus | None:
    """The chief's own files, when they are here too, as on one machine or a shared disk; they are only read."""
    parts = []
    for name in PARTS:
        path, facts = Path(setup["folder"]) / "checkpoint" / f"{name}.ids", setup["details"]["corpus"][name]
        try:
            check_ids(path, setup["sha256"][name])
            num_ids = tokenizer.vocab_size if documents is None else documents.num_ids
            ids = map_ids(path, smallest_dtype(num_ids))
        except RunError:
            return None
        parts.append(Part(ids, facts["chars"], facts["unknown"], setup["sha256"][name]))
    return Corpus(parts[0], parts[1], tokenizer, documents)


def _unsaid(line: str) -> None:
    """What the chief says of its files, workers beside it do not say again."""


def _encoded(
    setup: Mapping[str, Any],
    files: Sequence[str],
    validation: Sequence[str],
    *,
    reading: Reading,
    config: Config,
    tokenizer: Tokenizer,
) -> Corpus:
    """A copy of its own, which nobody else sees: its files lose their names at once, and go when the process goes."""
    if not files:
        raise DataError(
            f"this worker does not find the encoded text of {setup['path']}: name the corpus on all machines, or put "
            "--models-dir on a disk that they share"
        )
    reading = replace(reading, any_bytes=config.is_bytes)
    cut = setup["details"]["corpus"]["train"]["chars"]
    with (
        open_sources(files, reading, warn=_unsaid) as sources,
        open_sources(validation, reading, warn=_unsaid) as held,
        tempfile.TemporaryDirectory(prefix="textrnn-", ignore_cleanup_errors=True) as name,
    ):
        if config.is_bytes:
            sources, held = list(map(as_bytes, sources)), list(map(as_bytes, held))
        if documents := Documents.from_json(setup["details"].get("documents"), tokenizer.vocab_size):
            return prepare_documents(sources, held, Path(name), config=config, known=(tokenizer, documents))
        text = normalized_text(sources, config.normalize)
        train = write_ids(between(text, 0, cut), tokenizer, Path(name) / "train.ids")
        rest = normalized_text(held or sources, config.normalize)
        valid = write_ids(rest if held else between(rest, cut, None), tokenizer, Path(name) / "valid.ids")
        return Corpus(train, valid, tokenizer)
