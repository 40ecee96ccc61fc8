"""`textrnn train`: from text files to a saved language model."""

from __future__ import annotations

import contextlib
import functools
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from textrnn import __version__
from textrnn.base.errors import ConfigError, DataError, RunError
from textrnn.base.files import RUN_FILE, TOKENIZER_FILE, remove_temporaries, run_head, write_json
from textrnn.base.machine import machine_speed
from textrnn.base.place import Place, resumed_options
from textrnn.base.run import find_run, locked, staged
from textrnn.language_model.memory_estimate import check_memory
from textrnn.language_model.options import Config
from textrnn.language_model.packed_documents import prepare_documents
from textrnn.language_model.predict import KIND, open_run
from textrnn.language_model.prepared import Prepared
from textrnn.language_model.size import sized, wants_size
from textrnn.language_model.worker import end_with_launcher, follow, invite, one_voice
from textrnn.nn.options import ModelConfig
from textrnn.nn.reservoir_options import ESN, check_reservoir
from textrnn.text.corpus import Corpus, Part, check_ids, largest_id, map_ids, prepare, smallest_dtype, start_id
from textrnn.text.document_options import DocumentConfig
from textrnn.text.documents import describe_documents
from textrnn.text.options import DataConfig
from textrnn.text.reader import Source, find_files, open_sources
from textrnn.text.windows import make_windows
from textrnn.training.backend import start_tensorflow
from textrnn.training.cluster import read_cluster
from textrnn.training.display import Display, duration
from textrnn.training.distributed import lost_workers_told, make_strategy
from textrnn.training.interrupt import certain_interrupts
from textrnn.training.link import Link
from textrnn.training.options import TrainConfig
from textrnn.training.team import Alone, Team

# May differ between a run and its resumption: they say how long to train, not what is learnt.
RESUMABLE = ("epochs", "time_s", "patience", "save_every_s", "precision", "accumulate")
# The options of these groups that go with an echo state network.
GROUPS = (DocumentConfig, ModelConfig, DataConfig, TrainConfig)
WITH_ESN = ("size", "units", "held_out", "batch", "time_s", "random_seed", "save_every_s")


def train(
    corpus: str | Path | Sequence[str | Path],
    *,
    validation: Sequence[str | Path] = (),
    encoding: str | None = None,
    name: str | None = None,
    models_dir: str | Path = "models",
    overwrite: bool = False,
    resume: str | None = None,
    quiet: bool = True,
    samples: bool = True,
    command: str = "textrnn.train",
    begin: float | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Trains a language model on text files and saves it.

    Args:
        corpus: a file, folder or glob pattern, `-` for standard input, or several of them; may be empty with `resume`.
        validation: files to validate on, instead of the end of the corpus.
        encoding: of the files; told from their bytes when None.
        name: of the run; made from the corpus' name when None.
        models_dir: the folder that holds runs.
        overwrite: whether a run of that name may be replaced.
        resume: the name of a run to go on with.
        quiet: print warnings only.
        samples: show a line that the model wrote at each check.
        command: what the run says that it was made by.
        begin: when the command began, by `time.monotonic`; now when None.
        options: fields of the groups of `textrnn.language_model.options.Config`, such as `arch="gru"`, `units=128`
            or `time_s=60`.

    Returns:
        the object that `textrnn train --json` prints, and `ended`: `budget`, `patience` or `interrupted`; under
        `TF_CONFIG`, workers beside the chief return only `ended`.

    Raises:
        ConfigError: an option is unknown, out of range or at odds with another one.
        DataError: the text cannot be used.
        RunError: the run exists, is in use, cannot be written, or cannot be resumed.
        WorkerError: another worker is gone.

    Example:
        textrnn.train("corpus.txt", arch="gru", units=128, time_s=60)["run"]
    """
    begin = time.monotonic() if begin is None else begin
    display, cluster = Display(quiet=quiet), read_cluster()
    files = [str(path) for path in ([corpus] if isinstance(corpus, str | Path) else corpus)]
    held_files = [str(path) for path in validation]
    end_with_launcher()
    with one_voice(cluster):
        if resume is None:
            check_reservoir(options, WITH_ESN, GROUPS)
        if cluster is not None and options.get("arch") == ESN:
            raise ConfigError("--arch esn reads the text in one process: leave out --workers and TF_CONFIG")
    with one_voice(cluster), contextlib.nullcontext() if cluster is None else Link(cluster) as link:
        if link is not None and not link.cluster.is_chief:
            prepared = follow(link, files, held_files, encoding=encoding, options=options)
            return _run(prepared, Display(mute=True), begin=begin, samples=False, link=link)
        paths = find_files(files) if files else []
        held_paths = find_files(held_files) if held_files else []
        place = Place(Path(models_dir), name, overwrite)
        with open_sources(paths, encoding) as sources, open_sources(held_paths, encoding) as held_sources:
            for source in [*sources, *held_sources]:
                if source.encoding not in ("utf-8", "ascii"):
                    display.warn(f"{source.name} was read as {source.encoding}")
            if resume is not None:
                session = _resumed(resume, place, sources, held_sources, options, display)
            elif sources:
                config = Config.from_options(options).resolve()
                sized_for = functools.partial(_sized, config, options, display, begin)
                session = _new(place, sources, held_sources, sized_for, config, command, display)
            else:
                raise ConfigError("there is nothing to train on: name a text file, a folder, or - for standard input")
            with session as prepared:
                if link is not None:
                    invite(link, prepared, options)
                return _run(prepared, display, begin=begin, samples=samples, link=link)


@contextlib.contextmanager
def _new(
    place: Place,
    sources: list[Source],
    held: list[Source],
    sized_for: Callable[[Corpus], Config],
    config: Config,
    command: str,
    display: Display,
) -> Iterator[Prepared]:
    models_dir = place.models_dir
    name = place.name_for(sources[0].name)
    with locked(models_dir, name):
        path = place.check_free(name, resumable=True)
        with staged(models_dir, name) as folder:
            corpus = _prepared_corpus(sources, held, folder / "checkpoint", config, display)
            config = sized_for(corpus)
            make_windows(corpus.train.ids, config.data, 0)  # the text may be too short: say so before TensorFlow loads
            check_memory(config, corpus.vocab_size)
            _describe(corpus, config, display)
            write_json(folder / TOKENIZER_FILE, corpus.tokenizer.to_json())
            details = _details(config, corpus, sources, held, command)
            yield Prepared(folder, path, config, corpus, details, resume=False)


def _prepared_corpus(
    sources: list[Source], held: list[Source], folder: Path, config: Config, display: Display
) -> Corpus:
    if config.documents.has_documents:
        return prepare_documents(sources, held, folder, config=config, warn=display.warn)
    return prepare(
        sources,
        held,
        folder,
        normalize=config.normalize,
        tokenizer=config.tokenizer,
        held_out=config.data.held_out,
    )


@contextlib.contextmanager
def _resumed(
    name: str, place: Place, sources: list[Source], held: list[Source], options: Mapping[str, Any], display: Display
) -> Iterator[Prepared]:
    if place.name is not None or place.overwrite:
        raise ConfigError("--resume goes on with a run in its own place: leave out --name and --overwrite")
    path = find_run(name, place.models_dir, KIND)
    with locked(path.resolve().parent, path.resolve().name):
        remove_temporaries(path)
        try:
            prepared = _restored(path, sources, held, options)
        except (AttributeError, KeyError, TypeError, ValueError) as error:  # a checksum can be right over nonsense
            raise RunError(f"{path / RUN_FILE} is damaged: {error!r:.80}; train again") from None
        display.say(f"resuming {path}")
        yield prepared


def _restored(path: Path, sources: list[Source], held: list[Source], options: Mapping[str, Any]) -> Prepared:
    model = open_run(path)  # which also sees whether its parts belong together
    details, tokenizer, documents = model.details, model.tokenizer, model.documents
    num_ids = tokenizer.vocab_size if documents is None else documents.num_ids
    config = _same_options(model.config, options, path)
    _same_text(details, sources, held, path)
    parts = []
    for part in ("train", "valid"):
        file, facts = path / "checkpoint" / f"{part}.ids", details["corpus"][part]
        ids = map_ids(file, smallest_dtype(num_ids))
        check_ids(file, facts["sha256"])
        if len(ids) != facts["tokens"] or largest_id(ids) >= num_ids:
            raise RunError(f"{file} is damaged: it is not what {RUN_FILE} says of it; train again")
        parts.append(Part(ids, facts["chars"], facts["unknown"], facts["sha256"]))
    details.update(config=config.to_json(), versions=dict(details["versions"]), metrics=dict(details["metrics"]))
    corpus = Corpus(parts[0], parts[1], tokenizer, documents)
    # Seconds are always meant from now on; epochs count from the beginning, and the same ones again are no new budget.
    new_budget = "time_s" in options or options.get("epochs", model.config.train.epochs) != model.config.train.epochs
    return Prepared(path, path, config, corpus, details, resume=True, new_budget=new_budget)


def _same_options(saved: Config, options: Mapping[str, Any], path: Path) -> Config:
    Config.from_options(options)
    return Config.from_options(resumed_options(saved.options(), options, resumable=RESUMABLE, path=path)).resolve()


def _same_text(details: Mapping[str, Any], sources: list[Source], held: list[Source], path: Path) -> None:
    for given, key in ((sources, "files"), (held, "validation_files")):
        known = details["corpus"][key]
        if given and [source.sha256 for source in given] != [file["sha256"] for file in known]:
            names = ", ".join(file["name"] for file in known) or "no file"
            raise DataError(
                f"{path} was trained on other text ({names}; the SHA-256 differs): resume without naming "
                "a corpus, or train a new run"
            )


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


def _describe(corpus: Corpus, config: Config, display: Display) -> None:
    train, valid, tokenizer = corpus.train, corpus.valid, corpus.tokenizer
    display.say(
        f"text: {train.num_chars:,} characters to learn from, {valid.num_chars:,} held out; "
        f"{tokenizer.vocab_size:,} tokens in the vocabulary ({tokenizer.level})"
    )
    if corpus.documents is not None:
        display.say(describe_documents(corpus.documents, config.documents.condition))
    if valid.num_unknown:
        display.say(f"the held-out text has {valid.num_unknown:,} tokens that the vocabulary does not know")
    if config.train.time_s is not None:
        display.say(f"training for {duration(config.train.time_s)} at most (--time or --epochs change that)")


def _sized(config: Config, options: Mapping[str, Any], display: Display, begin: float, corpus: Corpus) -> Config:
    """Chooses the sizes that were left to the rule, now that the text is known."""
    if not wants_size(options):
        return config
    time_s, cluster = config.train.time_s, read_cluster()
    config, words = sized(
        config,
        options,
        num_tokens=len(corpus.train.ids),
        vocab_size=corpus.vocab_size,
        seconds=None if time_s is None else time_s - (time.monotonic() - begin),
        speed=machine_speed(config.train.precision) * (1 if cluster is None else cluster.workers),
    )
    display.say(words)
    return config


def _run(
    prepared: Prepared, display: Display, *, begin: float, samples: bool, link: Link | None = None
) -> dict[str, Any]:
    """Loads TensorFlow if it is needed, builds, trains and saves."""
    config = prepared.config
    if config.model.arch == ESN:
        from textrnn.language_model.reservoir_fit import ReservoirSession

        return ReservoirSession(prepared, display, samples=samples).train(begin)
    num_rows = make_windows(prepared.corpus.train.ids, config.data, config.train.random_seed).num_rows
    cluster = None if link is None else link.cluster
    with certain_interrupts():
        display.say("loading TensorFlow ...")
        strategy = start_tensorflow(
            deterministic=config.train.deterministic, strategy=lambda: make_strategy(cluster, num_rows)
        )
        from textrnn.language_model.fit import Session

        team = Alone() if link is None else Team(link)
        with lost_workers_told(team):
            session = Session(prepared, display, samples=samples, team=team, strategy=strategy)
    with lost_workers_told(team):
        return session.train(begin)
