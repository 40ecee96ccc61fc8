"""`textrnn translate`: from pairs of texts to a measured translator."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError
from textrnn.base.files import RUN_FILE, read_json, write_json
from textrnn.base.run_target import TrainingCall
from textrnn.text.files import input_name
from textrnn.training.backend import start_tensorflow
from textrnn.training.display import Display, first_words
from textrnn.training.interrupt import certain_interrupts
from textrnn.training.options import check_nothing_frozen
from textrnn.training.prepared import Prepared
from textrnn.training.tensorboard import board
from textrnn.translator.data import new_pairs, read_files, resumed_pairs
from textrnn.translator.metrics import measure
from textrnn.translator.options import DecodeConfig, TranslateConfig
from textrnn.translator.pairs import PairOptions, Pairs
from textrnn.translator.predict import Translator, open_translator
from textrnn.translator.split import by_source
from textrnn.translator.warm_start import WarmStart


@dataclass(frozen=True)
class Call(TrainingCall):
    """How training was asked for, beside the options of `TranslateConfig`.

    Attributes:
        target: the file with the targets of the lines of the file; None if that has both sides.
        test: a file of pairs to measure on; None to hold some out.
        resume: the run to go on with.
        from_run: the run whose weights, tokens and options a new one begins with.
        tensorboard: a folder to which all that happens is written for TensorBoard, into a folder of the run's name.
        options: what is known about the files.
        decode: how translations are searched for when measuring.
    """

    target: str | None = None
    test: str | None = None
    resume: str | None = None
    from_run: str | None = None
    tensorboard: str | Path | None = None
    options: PairOptions = field(default_factory=PairOptions)
    decode: DecodeConfig = field(default_factory=DecodeConfig)
    command: str = "textrnn.translate"


def train(path: str | Path | None, **settings: Any) -> dict[str, Any]:
    """Trains a translator on a file of pairs, measures and saves it.

    Args:
        path: the file; `-` for standard input; None to resume. With `target`, the file of the sources.
        settings: fields of `Call`, such as `name="fra"` or `resume="fra"`, and fields of the groups of
            `TranslateConfig`.

    Returns:
        the object that `textrnn translate --json` prints.

    Raises:
        ConfigError, DataError, TokenizerError, RunError: as their messages say.
    """
    call, settings = Call.split(settings)
    path = None if path is None else str(path)
    display = Display(quiet=call.quiet)
    with _prepared(path, call, settings, display) as prepared, board(call.tensorboard, prepared.path.name) as tell:
        with certain_interrupts():
            display.say("loading TensorFlow ...")
            start_tensorflow(deterministic=prepared.config.optimization.deterministic)
            from textrnn.translator.fit import fit
        learner = fit(prepared, display, begin=call.begin, tell=tell)
        test = None
        if learner.trainer.ended != "interrupted":
            if prepared.start is not None:
                prepared.details["from"].update(prepared.start.forgotten(learner.nats_of, prepared.data.sides))
            test = _tested(prepared, call.decode, display)
        return _result(prepared, learner, test, time.monotonic() - call.begin)


@contextlib.contextmanager
def _prepared(path: str | None, call: Call, settings: dict[str, Any], display: Display) -> Iterator[Prepared]:
    """What is trained, held within the block: a new run, or one that is gone on with."""
    TranslateConfig.from_options(settings)  # refused before anything is read
    if call.resume is not None:
        if call.from_run is not None:
            raise ConfigError("--resume goes on with a run, --from begins a new one from it: leave out one of them")
        if path is not None or call.target is not None:
            raise ConfigError("--resume goes on with a run and its own pairs: leave out file, --name, --overwrite")
        with resumed_pairs(call.resume, call.run_target, settings, call.decode) as prepared:
            display.say(prepared.resuming)
            yield prepared
        return
    if path is None:
        raise ConfigError(
            "there is nothing to learn from: name a file of pairs, source TAB target, or - for standard input"
        )
    call.run_target.name_for(input_name(path), display.say)  # refused, or said, before pairs are read
    start = None if call.from_run is None else WarmStart.open(call.from_run, Path(call.models_dir))
    config = TranslateConfig.from_options(settings if start is None else start.options(settings))
    if start is None:
        check_nothing_frozen(config.optimization)
    read = read_files((path, call.target, call.test), call.options, config, display)
    more: dict[str, Any] = dict(start=start, decode=call.decode, command=call.command, display=display)
    with new_pairs(read, config, call.run_target, **more) as prepared:
        yield prepared


def _tested(prepared: Prepared, decode: DecodeConfig, display: Display) -> dict[str, Any]:
    """Measures what is saved, and adds that to `run.json`."""
    display.say(f"translating {prepared.details['pairs']['judged_on']} ...")
    test = measured(open_translator(prepared.path), prepared.data.pairs["test"], decode)
    more = {name: prepared.details[name] for name in ("from",) if name in prepared.details}
    write_json(prepared.path / RUN_FILE, {**read_json(prepared.path / RUN_FILE), **more, "test": test})
    return test


def _result(prepared: Prepared, learner: Any, test: dict[str, Any] | None, seconds: float) -> dict[str, Any]:
    progress, details = learner.progress, prepared.details
    return dict(
        run=str(prepared.path),
        kind=prepared.data.kind,
        levels=details["levels"],
        parameters=details["parameters"],
        test=test,
        judged_on=details["pairs"]["judged_on"],
        **({"from": details["from"]} if "from" in details else {}),
        train_pairs=len(prepared.data.pairs["train"]),
        val_nats_per_token=details["metrics"].get("val_nats_per_token"),
        epochs=progress.step / learner.objective.num_batches,
        steps=progress.step,
        best_epoch=details["metrics"].get("epoch"),
        changes=details.get("changes", []),
        tokens_per_s=progress.tokens_per_s,
        precision=learner.precision,
        seconds=round(seconds, 3),
        ended=learner.trainer.ended,
        example=first_words(prepared.data.pairs["valid"].sources[0]),
    )


def measured(model: Translator, pairs: Pairs, decode: DecodeConfig) -> dict[str, Any]:
    """How well a translator does on pairs, see `textrnn.translator.metrics.measure`."""
    sources, references = by_source(pairs)
    begin = time.monotonic()
    made = [found.text for found in model.stream(sources, decode)]
    seconds = time.monotonic() - begin
    return {**measure(made, references, model.target.level), "texts_per_s": len(made) / seconds, "beam": decode.beam}
