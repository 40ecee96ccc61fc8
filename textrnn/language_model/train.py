"""`textrnn train`: from text files to a saved language model."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, TextRNNError
from textrnn.base.machine import machine_speed
from textrnn.base.run import find_run, read_run
from textrnn.base.run_target import TrainingCall
from textrnn.language_model.counting import counting
from textrnn.language_model.data import new_text, read_files, resumed_text
from textrnn.language_model.given_corpus import given_corpus
from textrnn.language_model.launch import end_with_launcher, one_voice
from textrnn.language_model.level import bytes_if_needed, subwords_if_better
from textrnn.language_model.memory_estimate import check_memory
from textrnn.language_model.options import Config
from textrnn.language_model.predict import KIND
from textrnn.language_model.size import sized, tied_if_large, wants_size
from textrnn.language_model.source_changes import changed_since
from textrnn.language_model.warm_start import WarmStart
from textrnn.language_model.workers import check_rows, follow, invite, turn_away
from textrnn.nn.options import ModelConfig
from textrnn.nn.reservoir_options import ESN, check_reservoir
from textrnn.text.corpus import Corpus
from textrnn.text.document_options import DocumentConfig
from textrnn.text.documents import describe_documents
from textrnn.text.options import DataConfig
from textrnn.text.reader import Reading, as_bytes
from textrnn.text.windows import make_windows
from textrnn.training.backend import start_tensorflow
from textrnn.training.cluster import Cluster, read_cluster
from textrnn.training.display import Display, duration
from textrnn.training.events import Tell, event_lines, together
from textrnn.training.interrupt import certain_interrupts
from textrnn.training.options import OptimizationConfig, StopConfig, check_nothing_frozen
from textrnn.training.prepared import Prepared
from textrnn.training.strategy import make_strategy
from textrnn.training.tensorboard import board
from textrnn.training.workers import Workers, WorkersOfCluster, lost_workers_told

# The options of these groups that go with an echo state network.
GROUPS = (DocumentConfig, ModelConfig, DataConfig, OptimizationConfig, StopConfig)
WITH_ESN = ("size", "units", "held_out", "batch", "time_s", "random_seed", "save_every_s")


@dataclass(frozen=True)
class Call(TrainingCall):
    """How training was asked for, beside the options of `Config`.

    Attributes:
        validation: files or texts to validate on, instead of the end of the corpus, see `train`.
        encoding: of the files; told from their bytes when None.
        strict_encoding: whether to refuse bytes that do not decode, instead of replacing a few of them.
        strip_gutenberg: whether to cut what Project Gutenberg puts around its books.
        keep_tags: whether web pages and EPUB books are read as they are, and not their text alone.
        resume: the name of a run to go on with.
        from_run: the name of a run whose weights, vocabulary and options a new one begins with.
        samples: whether to show a line that the model wrote at each check.
        events: a file to which all that happens is added as lines of JSON; `-` for standard output.
        tensorboard: a folder to which it is written for TensorBoard, into a folder of the run's name.
    """

    validation: str | Path | Iterable[Any] = ()
    encoding: str | None = None
    strict_encoding: bool = False
    strip_gutenberg: bool = False
    keep_tags: bool = False
    resume: str | None = None
    from_run: str | None = None
    samples: bool = True
    events: str | None = None
    tensorboard: str | Path | None = None
    command: str = "textrnn.train"

    @property
    def reading(self) -> Reading:
        """How files are read."""
        return Reading(self.encoding, self.strict_encoding, self.strip_gutenberg, self.keep_tags)

    @contextlib.contextmanager
    def told(self, name: str, *, is_chief: bool = True) -> Iterator[Tell]:
        """What takes all events of the run of a name, within the block; workers beside the chief write none."""
        targets = (self.events, self.tensorboard) if is_chief else (None, None)
        with event_lines(targets[0]) as lines, board(targets[1], name) as shown:
            yield together(lines, shown)


def train(corpus: str | Path | Iterable[Any] = (), **options: Any) -> dict[str, Any]:
    """Trains a language model on text and saves it.

    Args:
        corpus: a file, folder or glob pattern, `-` for standard input, or a list of them; may be left out with
            `resume`. Or texts: any other iterable of strings, an iterable of dictionaries such as a data set of
            Hugging Face, or a DataFrame; `text_column` names their key or column, by default "text". Each text is a
            document, as with `--text-column`. They are read once, and copied to a temporary file. `validation` is of
            the same kinds.
        options: fields of `Call`, such as `name="tales"` or `resume="tales"`, and fields of the groups of
            `textrnn.language_model.options.Config`, such as `arch="gru"`, `units=128` or `time_s=60`.

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
        textrnn.train(iter(["One text.", "Another."]), name="two")
    """
    call, options = Call.split(options)
    cluster, display = read_cluster(), Display(quiet=call.quiet)
    end_with_launcher()
    with contextlib.ExitStack() as stack:
        stack.enter_context(one_voice(cluster))
        files, form = stack.enter_context(given_corpus(corpus, options))
        held, of_held = stack.enter_context(given_corpus(call.validation, options))
        options = {**of_held, **form, **options}
        for flag in ("events", "tensorboard"):
            if getattr(call, flag) is not None and options.get("arch") == ESN:
                raise ConfigError(f"--{flag} is for networks that learn step by step, and --arch is esn: leave out one")
        if call.resume is None:
            check_reservoir(options, WITH_ESN, GROUPS)
        if cluster is not None:
            return _train_with_others(cluster, (files, held), call, options, display)
        with prepared_text(files, held, call, options, display) as prepared:
            return _run(prepared, call, display)


def _train_with_others(
    cluster: Cluster, files: tuple[list[str], list[str]], call: Call, options: dict[str, Any], display: Display
) -> dict[str, Any]:
    """Trains as one worker among several; TensorFlow comes first, as everything between them goes over it."""
    if options.get("arch") == ESN:
        raise ConfigError("--arch esn reads the text in one process: leave out --workers and TF_CONFIG")
    display = display if cluster.is_chief else Display(mute=True)
    with certain_interrupts():
        display.say("loading TensorFlow ...")
        strategy = start_tensorflow(strategy=lambda: make_strategy(cluster))
        workers = WorkersOfCluster(cluster, strategy)
        from textrnn.language_model.fit import fit
    with lost_workers_told(workers), contextlib.ExitStack() as stack:
        if cluster.is_chief:
            prepared = _invited(workers, stack, files, call, options, display)
        else:
            prepared = follow(workers, *files, reading=call.reading, options=options)
        start_tensorflow(deterministic=prepared.config.optimization.deterministic)
        samples = call.samples and cluster.is_chief
        with counting(prepared) as counts:
            found = counts()
        with call.told(prepared.path.name, is_chief=cluster.is_chief) as tell:
            result = fit(prepared, display, begin=call.begin, samples=samples, workers=workers, counts=found, tell=tell)
        workers.leave()
        return result


def _invited(
    workers: Workers,
    stack: contextlib.ExitStack,
    files: tuple[list[str], list[str]],
    call: Call,
    options: dict[str, Any],
    display: Display,
) -> Prepared:
    """What the chief has made ready, held until `stack` ends; all others follow, or are told why they cannot."""
    try:
        prepared = stack.enter_context(prepared_text(*files, call, options, display))
        check_rows(workers, prepared)
    except (TextRNNError, KeyboardInterrupt) as error:
        turn_away(workers, error)
        raise
    invite(workers, prepared, options)
    return prepared


@contextlib.contextmanager
def prepared_text(
    files: list[str], held: list[str], call: Call, options: dict[str, Any], display: Display
) -> Iterator[Prepared]:
    """What is trained, held within the block: a new run, or one that is gone on with."""
    Config.from_options(options)  # refused before anything is read
    start = None
    if call.from_run is not None and call.resume is None:
        start = WarmStart.open(call.from_run, Path(call.models_dir))
        options = start.options(options)
    reading = replace(call.reading, any_bytes=_takes_bytes(call, options))
    with read_files(files, held, reading, display) as (sources, held_sources):
        if call.resume is not None:
            if call.from_run is not None:
                raise ConfigError("--resume goes on with a run, --from begins a new one from it: leave out one of them")
            with resumed_text(call.resume, call.run_target, sources, held_sources, options) as prepared:
                display.say(prepared.resuming)
                if not sources and (line := changed_since(prepared.details, prepared.path)):
                    display.warn(line)
                yield prepared
            return
        if not sources:
            raise ConfigError("there is nothing to train on: name a text file, a folder, or - for standard input")
        options = bytes_if_needed(options, [*sources, *held_sources], display)
        if start is None:
            options = subwords_if_better(options, sources, display)
        config = Config.from_options(options).resolve()
        if config.is_bytes:
            sources, held_sources = list(map(as_bytes, sources)), list(map(as_bytes, held_sources))
        if start is None:
            check_nothing_frozen(config.optimization)
        else:
            display.say(f"beginning with the weights of {start.path}")
            options = {**options, "units": config.model.units}  # which leaves nothing to the rule of sizes
        settle = functools.partial(_settled, config, options, display, call.begin)
        new = functools.partial(new_text, sized_for=settle, start=start, command=call.command, display=display)
        with new(call.run_target, (sources, held_sources), config) as prepared:
            yield prepared


def _takes_bytes(call: Call, options: dict[str, Any]) -> bool:
    """Whether a file may be no text: with `--level byte`, or where the run that is gone on with has learnt bytes."""
    if call.resume is None:
        return options.get("level") == "byte"
    try:
        details = read_run(find_run(call.resume, Path(call.models_dir), KIND), KIND)
        return Config.from_json(details.get("config")).is_bytes
    except TextRNNError:  # which is told when the run is opened
        return False


def _settled(config: Config, options: dict[str, Any], display: Display, begin: float, corpus: Corpus) -> Config:
    """Chooses the sizes that were left to the rule, now that the text is known, and refuses what cannot work."""
    config = tied_if_large(config, options, corpus.vocab_size)
    if wants_size(options):
        time_s, cluster = config.stop.time_s, read_cluster()
        config, words = sized(
            config,
            options,
            num_tokens=len(corpus.train.ids),
            vocab_size=corpus.vocab_size,
            seconds=None if time_s is None else time_s - (time.monotonic() - begin),
            speed=machine_speed(config.optimization.precision) * (1 if cluster is None else cluster.workers),
        )
        if words:
            display.say(words)
    make_windows(corpus.train.ids, config.data, 0)  # the text may be too short: say so before TensorFlow loads
    check_memory(config, corpus.vocab_size)
    _describe(corpus, config, display)
    return config


def _describe(corpus: Corpus, config: Config, display: Display) -> None:
    train, valid, tokenizer = corpus.train, corpus.valid, corpus.tokenizer
    display.say(
        f"text: {train.num_chars:,} characters to learn from, {valid.num_chars:,} held out; "
        f"{tokenizer.vocab_size:,} tokens in the vocabulary ({config.tokenizer.level})"
    )
    if config.model.tied:
        display.say(f"each token has one vector of {config.model.embed} for being read and predicted (--no-tied: two)")
    if corpus.documents is not None:
        display.say(describe_documents(corpus.documents, config.documents.condition))
    if valid.num_unknown:
        display.say(f"the held-out text has {valid.num_unknown:,} tokens that the vocabulary does not know")
    if config.stop.time_s is not None:
        display.say(f"training for {duration(config.stop.time_s)} at most (--time or --epochs change that)")


def _run(prepared: Prepared, call: Call, display: Display) -> dict[str, Any]:
    """Trains in this process; loads TensorFlow if it is needed."""
    config = prepared.config
    if config.model.arch == ESN:
        from textrnn.language_model.reservoir_fit import ReservoirSession

        return ReservoirSession(prepared, display, samples=call.samples).train(call.begin)
    num_rows = make_windows(prepared.data.train.ids, config.data, config.optimization.random_seed).num_rows
    with call.told(prepared.path.name) as tell:
        with counting(prepared) as counts, certain_interrupts():
            display.say("loading TensorFlow ...")
            strategy = start_tensorflow(
                deterministic=config.optimization.deterministic, strategy=lambda: make_strategy(None, num_rows)
            )
            from textrnn.language_model.fit import fit

            found = counts()
        workers = Workers(strategy)
        return fit(prepared, display, begin=call.begin, samples=call.samples, workers=workers, counts=found, tell=tell)
