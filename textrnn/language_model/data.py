"""From text files to what a language model learns from: a new run's corpus, or that of a run that is gone on with."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from textrnn import __version__
from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import RUN_FILE, TOKENIZER_FILE, run_head, write_json
from textrnn.base.run_target import RunTarget, changes_between, resumed_options
from textrnn.language_model.file_weights import add_weights, weights_of
from textrnn.language_model.mixture import earlier_files
from textrnn.language_model.options import Config
from textrnn.language_model.packed_documents import prepare_documents
from textrnn.language_model.predict import KIND, open_run
from textrnn.language_model.source_changes import check_same_text
from textrnn.language_model.warm_start import WarmStart
from textrnn.nn.reservoir_options import ESN
from textrnn.text.corpus import (
    Corpus,
    Part,
    check_ids,
    copy_ids,
    decoded,
    largest_id,
    map_ids,
    prepare,
    smallest_dtype,
    start_id,
)
from textrnn.text.reader import Reading, Source, open_sources
from textrnn.training.display import Display, first_words
from textrnn.training.from_run import check_other
from textrnn.training.prepared import Parts, Prepared, new_run, resumed_run

# May differ between a run and its resumption: they say how long to train, not what is learnt.
RESUMABLE = ("epochs", "time_s", "patience", "save_every_s", "precision", "accumulate")
PARTS = ("train", "valid")
EXAMPLE_TOKENS = 2_000  # of the held-out text, in which the words to try are


@contextlib.contextmanager
def read_files(
    files: Sequence[str], validation: Sequence[str], reading: Reading, display: Display
) -> Iterator[tuple[list[Source], list[Source]]]:
    """Opens the corpus and the validation files within the block; says what was guessed or replaced in them."""
    with (
        open_sources(files, reading, warn=display.warn) as sources,
        open_sources(validation, reading, warn=display.warn) as held,
    ):
        yield sources, held


@contextlib.contextmanager
def new_text(
    run_target: RunTarget,
    files: tuple[list[Source], list[Source]],
    config: Config,
    *,
    sized_for: Callable[[Corpus], Config],
    start: WarmStart | None,
    command: str,
    display: Display,
) -> Iterator[Prepared]:
    """A new run, held within the block, with its corpus encoded.

    Args:
        run_target: where the run goes.
        files: the corpus; and validation files, in the place of the end of the corpus if there are some.
        config: resolved options, but for the sizes that follow from the text.
        sized_for: gives all options for the encoded corpus; raises what is wrong with them.
        start: the run that it begins from.
        command: what the run says that it was made by.
        display: is told what is left out.

    Raises:
        ConfigError, DataError, RunError: as their messages say.
    """
    sources, held = files
    weights = weights_of(config.data.weights or {}, sources)
    with new_run(run_target, sources[0].name, display.say) as (folder, path):
        if start is not None:
            check_other(start.path, path)
            start.copy_counts(folder)
        if config.documents.has_documents:
            corpus = prepare_documents(
                sources, held, folder / "checkpoint", config=config, start=start, warn=display.warn
            )
        else:
            corpus = prepare(
                sources,
                held,
                folder / "checkpoint",
                normalize=config.normalize,
                tokenizer=config.tokenizer,
                held_out=config.data.held_out,
                known=None if start is None else start.model.tokenizer,
            )
        config = sized_for(corpus)
        write_json(folder / TOKENIZER_FILE, corpus.tokenizer.to_json())
        details = _details(config, corpus, sources, held, command)
        if start is not None:
            details["from"] = {"run": str(start.path), "counts": len(earlier_files(folder))}
            if added := corpus.tokenizer.vocab_size - start.model.vocab_size:
                display.say(
                    f"{added:,} tokens of the text are new to {start.path}: their vectors are learnt from nothing"
                )
        if config.data.weights:
            display.say(add_weights(details["corpus"]["files"], weights, corpus.train.ends))
        yield Prepared(folder, path, config, corpus, details, parts=lasting_parts(corpus), start=start)


@contextlib.contextmanager
def resumed_text(
    name: str, run_target: RunTarget, sources: list[Source], held: list[Source], options: Mapping[str, Any]
) -> Iterator[Prepared]:
    """A run that is gone on with, held within the block; files are only compared with those that it learnt from.

    Raises:
        ConfigError: an option differs from that of the run.
        DataError: the files are others.
        RunError: the run is missing, in use or damaged.
    """
    with resumed_run(name, run_target, KIND) as path:
        yield _restored(path, sources, held, options)


def _restored(path: Path, sources: list[Source], held: list[Source], options: Mapping[str, Any]) -> Prepared:
    model = open_run(path)  # which also sees whether its parts belong together
    details, saved = model.details, model.config
    Config.from_options(options)
    before = saved.options()
    before["counts"] = bool(before["counts"])  # runs of earlier versions say nothing of them, and have none
    given = resumed_options(before, options, resumable=RESUMABLE, path=path, flags={"weights": "--weight"})
    config = Config.from_options(given).resolve()
    changes = changes_between(before, config.options())
    if changes and config.model.arch == ESN:
        raise ConfigError(f"{path} is an echo state network, which has no learning rate and no dropout: leave them out")
    check_same_text(details, sources, held, path)
    train, valid = (_restored_part(path, name, details["corpus"][name], model.num_ids) for name in PARTS)
    corpus = Corpus(train, valid, model.tokenizer, model.documents)
    details.update(config=config.to_json(), versions=dict(details["versions"]), metrics=dict(details["metrics"]))
    # Seconds are always meant from now on; epochs count from the beginning, and the same ones again are no new budget.
    new_budget = "time_s" in options or options.get("epochs", saved.stop.epochs) != saved.stop.epochs
    parts = lasting_parts(corpus)
    prepared = Prepared(
        path, path, config, corpus, details, resume=True, new_budget=new_budget, parts=parts, changes=changes
    )
    if config.model.arch != ESN:  # which reads a text once, and says by itself how far it is
        prepared.check_budget(config.stop.epochs)
    return prepared


def _restored_part(path: Path, name: str, facts: Mapping[str, Any], num_ids: int) -> Part:
    file = path / "checkpoint" / f"{name}.ids"
    ids = map_ids(file, smallest_dtype(num_ids))
    check_ids(file, facts["sha256"])
    if len(ids) != facts["tokens"] or largest_id(ids) >= num_ids:
        raise RunError(f"{file} is damaged: it is not what {RUN_FILE} says of it; train again")
    return Part(ids, facts["chars"], facts["unknown"], facts["sha256"])


def lasting_parts(corpus: Corpus) -> Parts:
    """What writes the files of a run that training never changes."""
    return {
        TOKENIZER_FILE: lambda path: write_json(path, corpus.tokenizer.to_json()),
        "checkpoint/train.ids": lambda path: copy_ids(corpus.train.ids, path),
        "checkpoint/valid.ids": lambda path: copy_ids(corpus.valid.ids, path),
    }


def _details(config: Config, corpus: Corpus, sources: list[Source], held: list[Source], command: str) -> dict[str, Any]:
    def files(found: list[Source]) -> list[dict[str, Any]]:
        return [dict(name=s.name, bytes=s.num_bytes, sha256=s.sha256, encoding=s.encoding) for s in found]

    def part(part: Part) -> dict[str, Any]:
        return dict(chars=part.num_chars, tokens=len(part.ids), unknown=part.num_unknown, sha256=part.sha256)

    return {
        **run_head(KIND, command, config.to_json()),
        "vocab_size": corpus.tokenizer.vocab_size,
        "start_id": start_id(corpus.tokenizer) if corpus.documents is None else corpus.documents.end_id,
        **({} if corpus.documents is None else {"documents": corpus.documents.to_json()}),
        "corpus": dict(
            files=files(sources), validation_files=files(held), train=part(corpus.train), valid=part(corpus.valid)
        ),
        "metrics": {},
        "versions": {"textrnn": __version__, "python": platform.python_version()},
    }


def example_of(corpus: Corpus) -> str:
    """Words of the held-out text, to try a model with; empty where there are none."""
    return first_words("".join(decoded(corpus.valid.ids, corpus.tokenizer, EXAMPLE_TOKENS)))
