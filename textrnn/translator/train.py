"""`textrnn translate`: from pairs of texts to a measured translator."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import RUN_FILE, read_json, remove_temporaries, write_json
from textrnn.base.place import Place, resumed_options
from textrnn.base.run import find_run, locked, staged
from textrnn.training.backend import start_tensorflow
from textrnn.training.display import Display, duration
from textrnn.training.interrupt import certain_interrupts
from textrnn.translator.metrics import measure
from textrnn.translator.options import DecodeConfig, TranslateConfig
from textrnn.translator.pairs import PairOptions, Pairs, read_pairs
from textrnn.translator.plan import new_details, reserve_s, short_pairs, with_budget
from textrnn.translator.predict import KIND, Translator, open_translator
from textrnn.translator.prepared import PreparedPairs
from textrnn.translator.split import by_source, selected, split
from textrnn.translator.store import PAIRS_FILE, read_pairs_file
from textrnn.translator.tokens import Side, build_side, check_vocabularies, chosen_kind

RESUMABLE = ("epochs", "time_s", "patience", "save_every_s", "precision")


FORMS = {
    "tsv": "source TAB target",
    "csv": "a table with a column for each",
    "cmudict": "a dictionary: a word, blanks, its phonemes",
}


def train(
    path: str | None,
    *,
    test: str | None = None,
    resume: str | None = None,
    options: PairOptions | None = None,
    decode: DecodeConfig | None = None,
    place: Place | None = None,
    quiet: bool = True,
    command: str = "textrnn.translator.train.train",
    begin: float | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Trains a translator on a file of pairs, measures and saves it.

    Args:
        path: the file; `-` for standard input; None to resume.
        test: a file of pairs to measure on; None to hold some out.
        resume: the run to go on with.
        options: what is known about the files.
        decode: how translations are searched for when measuring.
        place: where the run goes.
        quiet: print warnings only.
        command: what the run says that it was made by.
        begin: when the command began, by `time.monotonic`.
        settings: fields of the groups of `TranslateConfig`.

    Returns:
        the object that `textrnn translate --json` prints.

    Raises:
        ConfigError, DataError, TokenizerError, RunError: as their messages say.
    """
    begin = time.monotonic() if begin is None else begin
    display, place = Display(quiet=quiet), place or Place()
    options, decode = options or PairOptions(), decode or DecodeConfig()
    if resume is not None:
        prepared = _resumed(resume, path, place, settings, display, decode)
    elif path is not None:
        prepared = _new(path, test, options, place, settings, display, command, decode)
    else:
        raise ConfigError(
            "there is nothing to learn from: name a file of pairs, source TAB target, or - for standard input"
        )
    with prepared as ready:
        with certain_interrupts():
            display.say("loading TensorFlow ...")
            start_tensorflow(deterministic=ready.config.train.deterministic)
            from textrnn.translator.fit import TranslatorSession

            session = TranslatorSession(ready, display)
        ended = session.run(begin)
        return _result(ready, session, ended, decode, display, begin)


@contextlib.contextmanager
def _new(
    path: str,
    test: str | None,
    options: PairOptions,
    place: Place,
    settings: Mapping[str, Any],
    display: Display,
    command: str,
    decode: DecodeConfig,
) -> Iterator[PreparedPairs]:
    config = TranslateConfig.from_options(settings)
    pairs = _read(path, options, config, display)
    tested = None if test is None else _read(test, options, config, display)
    models_dir = place.models_dir
    name = place.name_for(str(pairs.file["name"]))
    rng = np.random.default_rng((config.train.random_seed, 1))
    pairs = selected(pairs, max_words=config.pairs.max_words, max_pairs=config.pairs.max_pairs, rng=rng)
    kind, levels = chosen_kind(pairs, config.pairs)
    parts, words = split(pairs, share=config.pairs.held_out, max_rows=config.pairs.max_held_out, test=tested, rng=rng)
    sides = _sides(parts["train"], levels, config)
    parts["train"] = short_pairs(parts["train"], sides, config.pairs.max_length, display)
    parts["valid"] = short_pairs(parts["valid"], sides, config.pairs.max_length, display)
    check_vocabularies(kind, sides, parts["train"])
    check_vocabularies(kind, sides, parts["valid"])
    is_tiny = parts["test"] is pairs
    config = with_budget(config, parts["train"], sides[1], is_tiny=is_tiny)
    details = new_details(config, kind, sides, parts, pairs, words, command)
    _describe(details, display, is_tiny=is_tiny)
    with locked(models_dir, name):
        run = place.check_free(name, resumable=True)
        with staged(models_dir, name) as folder:
            reserve = reserve_s(config, sides[1], parts["test"], decode)
            yield PreparedPairs(folder, run, config, kind, sides, parts, details, reserve_s=reserve)


def _read(path: str, options: PairOptions, config: TranslateConfig, display: Display) -> Pairs:
    pairs = read_pairs(path, options, config.normalize)
    display.say(f"{pairs.file['name']}: {len(pairs):,} pairs, read as {FORMS[pairs.form]} (--format)")
    for line in pairs.warnings:
        display.warn(line)
    return pairs


def _sides(pairs: Pairs, levels: tuple[str, str], config: TranslateConfig) -> tuple[Side, Side]:
    source, target = (
        build_side(texts, level, config.pairs)
        for texts, level in zip((pairs.sources, pairs.targets), levels, strict=True)
    )
    return source, target


def _describe(details: Mapping[str, Any], display: Display, *, is_tiny: bool) -> None:
    levels, sizes, pairs = details["levels"], details["vocab_size"], details["pairs"]
    tokens = " to ".join(f"{level} ({size:,})" for level, size in zip(levels, sizes, strict=True))
    display.say(f"{details['translator']}, {tokens}; --kind, --source-level and --target-level change that")
    held = "too few to hold any out" if is_tiny else f"{pairs['valid']:,} to choose by, {pairs['test']:,} to measure on"
    display.say(f"{pairs['train']:,} pairs to learn from, {held}")
    train = details["config"]["train"]
    if train["time_s"] is not None:
        display.say(f"training for {duration(train['time_s'])} at most (--time or --epochs change that)")


@contextlib.contextmanager
def _resumed(
    name: str, path: str | None, place: Place, settings: Mapping[str, Any], display: Display, decode: DecodeConfig
) -> Iterator[PreparedPairs]:
    if place.name is not None or place.overwrite or path is not None:
        raise ConfigError(
            "--resume goes on with a run and its pairs in its own place: leave out file, --name, --overwrite"
        )
    run = find_run(name, place.models_dir, KIND)
    with locked(run.resolve().parent, run.resolve().name):
        remove_temporaries(run)
        model = open_translator(run)
        parts = read_pairs_file(run / PAIRS_FILE)
        config = _same_options(model.config, settings, run)
        details = {**model.details, "config": config.to_json()}
        details.pop("test", None)
        display.say(f"resuming {run}")
        new_budget = "time_s" in settings or settings.get("epochs", config.train.epochs) != model.config.train.epochs
        reserve = reserve_s(config, model.target, parts["test"], decode)
        sides = (model.source, model.target)
        try:
            yield PreparedPairs(
                run, run, config, model.kind, sides, parts, details, True, new_budget, reserve_s=reserve
            )
        except (AttributeError, KeyError, TypeError) as error:  # a checksum can be right over nonsense
            raise RunError(f"{run / RUN_FILE} is damaged: {error!r:.80}; train again") from None


def _same_options(saved: TranslateConfig, settings: Mapping[str, Any], run: Path) -> TranslateConfig:
    TranslateConfig.from_options(settings)
    options = resumed_options(saved.options(), settings, resumable=RESUMABLE, path=run)
    return TranslateConfig.from_options(options)


def _result(
    prepared: PreparedPairs, session: Any, ended: str, decode: DecodeConfig, display: Display, begin: float
) -> dict[str, Any]:
    """Measures what is saved, unless somebody is waiting for the end, and tells."""
    progress, details = session.progress, prepared.details
    test = None
    if ended != "interrupted":
        display.say(f"translating {prepared.details['pairs']['judged_on']} ...")
        test = measured(open_translator(prepared.path), prepared.parts["test"], decode)
        details = {**read_json(prepared.path / RUN_FILE), "test": test}
        write_json(prepared.path / RUN_FILE, details)
    return dict(
        run=str(prepared.path),
        kind=prepared.kind,
        levels=details["levels"],
        parameters=details["parameters"],
        test=test,
        judged_on=details["pairs"]["judged_on"],
        train_pairs=len(prepared.parts["train"]),
        val_nats_per_token=details["metrics"].get("val_nats_per_token"),
        epochs=progress.step / session.windows.num_batches,
        steps=progress.step,
        best_epoch=details["metrics"].get("epoch"),
        tokens_per_s=progress.timed_tokens / progress.step_s if progress.step_s else None,
        precision=session.precision,
        seconds=round(time.monotonic() - begin, 3),
        ended=ended,
    )


def measured(model: Translator, pairs: Pairs, decode: DecodeConfig) -> dict[str, Any]:
    """How well a translator does on pairs, see `textrnn.translator.metrics.measure`."""
    sources, references = by_source(pairs)
    begin = time.monotonic()
    made = [found.text for found in model.stream(sources, decode)]
    seconds = time.monotonic() - begin
    return {**measure(made, references, model.target.level), "texts_per_s": len(made) / seconds, "beam": decode.beam}
