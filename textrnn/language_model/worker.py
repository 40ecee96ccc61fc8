"""How the workers of one training come to the same text and options; the chief decides, the others follow."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, DataError, RunError, TextRNNError
from textrnn.language_model.data import lasting_parts
from textrnn.language_model.options import Config
from textrnn.language_model.packed_documents import prepare_documents
from textrnn.text.corpus import Corpus, Part, between, check_ids, map_ids, normalized_text, smallest_dtype, write_ids
from textrnn.text.documents import Documents
from textrnn.text.reader import find_files, open_sources
from textrnn.text.tokens.load import Tokenizer, tokenizer_from_json
from textrnn.text.windows import make_windows
from textrnn.training.cluster import LAUNCHED, Cluster, was_launched
from textrnn.training.link import Link, is_told_elsewhere
from textrnn.training.prepared import Prepared

PARTS = ("train", "valid")
ORPHAN_S = 30.0  # in which a process ends by itself when the one that started it is gone


def invite(link: Link, prepared: Prepared, options: Mapping[str, Any]) -> None:
    """The chief tells all others what is trained, and sees that they have the same text.

    Args:
        link: the connections.
        prepared: what the chief has made ready.
        options: those that were given to its command.

    Raises:
        ConfigError: a batch has too few rows for so many workers.
        WorkerError: some did not come, or one cannot follow.
    """
    corpus, data, workers = prepared.data, prepared.config.data, link.cluster.workers
    num_rows = make_windows(corpus.train.ids, data, 0).num_rows
    if num_rows < workers:
        raise ConfigError(
            f"a batch of this text has {num_rows} rows (--batch {data.batch}, --window {data.window}) and there are "
            f"{workers} workers, each of which needs one: use fewer workers, or a larger --batch or more text"
        )
    if not prepared.resume:
        link.unfinished = prepared.folder  # until it is moved to its name
    link.wait_for_all()
    link.send(
        {
            "kind": "setup",
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
    )
    for rank in range(1, workers):
        link.receive("ready", rank)


def follow(
    link: Link,
    files: Sequence[str],
    validation: Sequence[str],
    *,
    encoding: str | None,
    options: Mapping[str, Any],
) -> Prepared:
    """What a worker beside the chief trains: the chief's options, and its text, mapped or encoded from own files.

    Args:
        link: the connection to the chief.
        files: the corpus that this worker's command names.
        validation: its validation files.
        encoding: of the files; told from their bytes when None.
        options: those that were given to this worker's command.

    Raises:
        ConfigError: the options are not the chief's.
        DataError: the text is not the chief's, or there is none.
    """
    setup, _ = link.receive("setup")
    if dict(options) != setup["options"]:
        wrong = sorted(
            f"{name} is {options.get(name)!r:.40} here and {setup['options'].get(name)!r:.40} there"
            for name in options.keys() | setup["options"].keys()
            if options.get(name) != setup["options"].get(name)
        )
        raise ConfigError(f"this worker has other options than the chief: {', '.join(wrong)}; start all by one command")
    config, tokenizer = Config.from_json(setup["config"]), tokenizer_from_json(setup["tokenizer"])
    documents = Documents.from_json(setup["details"].get("documents"), tokenizer.vocab_size)
    corpus = _mapped(setup, tokenizer, documents)
    if corpus is None:
        corpus = _encoded(setup, files, validation, encoding=encoding, config=config, tokenizer=tokenizer)
    for name in PARTS:
        found, expected = getattr(corpus, name), setup["details"]["corpus"][name]["tokens"]
        if len(found.ids) != expected or found.sha256 != setup["sha256"][name]:
            raise DataError(
                f"this worker's text is not the chief's: the {name} part has {len(found.ids):,} tokens here and "
                f"{expected:,} there (SHA-256 {found.sha256[:8]} and {setup['sha256'][name][:8]}); give all "
                "workers the same files"
            )
    link.send({"kind": "ready"})
    return Prepared(
        folder=Path(setup["folder"]),
        path=Path(setup["path"]),
        config=config,
        data=corpus,
        parts=lasting_parts(corpus),
        details=setup["details"],
        resume=setup["resume"],
        new_budget=setup["new_budget"],
    )


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


def _encoded(
    setup: Mapping[str, Any],
    files: Sequence[str],
    validation: Sequence[str],
    *,
    encoding: str | None,
    config: Config,
    tokenizer: Tokenizer,
) -> Corpus:
    """A copy of its own, which nobody else sees: its files lose their names at once, and go when the process goes."""
    if not files:
        raise DataError(
            f"this worker does not find the encoded text of {setup['path']}: name the corpus on all machines, or put "
            "--models-dir on a disk that they share"
        )
    cut = setup["details"]["corpus"]["train"]["chars"]
    with (
        open_sources(find_files(files), encoding) as sources,
        open_sources(find_files(validation) if validation else [], encoding) as held,
        tempfile.TemporaryDirectory(prefix="textrnn-", ignore_cleanup_errors=True) as name,
    ):
        if documents := Documents.from_json(setup["details"].get("documents"), tokenizer.vocab_size):
            return prepare_documents(sources, held, Path(name), config=config, known=(tokenizer, documents))
        text = normalized_text(sources, config.normalize)
        train = write_ids(between(text, 0, cut), tokenizer, Path(name) / "train.ids")
        rest = normalized_text(held or sources, config.normalize)
        valid = write_ids(rest if held else between(rest, cut, None), tokenizer, Path(name) / "valid.ids")
        return Corpus(train, valid, tokenizer)


@contextlib.contextmanager
def one_voice(cluster: Cluster | None) -> Iterator[None]:
    """Of several processes on one terminal, lets one tell what went wrong."""
    try:
        yield
    except TextRNNError as error:
        if cluster is None or not is_told_elsewhere(cluster, error):
            raise
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        if cluster is None or cluster.is_chief or not was_launched():
            raise
        raise SystemExit(130) from None


def end_with_launcher() -> None:
    """Lets this process stop as by SIGTERM when the one that started it is gone."""
    if not was_launched() or not hasattr(os, "getppid"):
        return
    parent = int(os.environ[LAUNCHED])

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
