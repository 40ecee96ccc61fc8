"""From files of pairs to what a translator learns from: parts, tokens, and how long to learn."""

from __future__ import annotations

import contextlib
import dataclasses
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrnn import __version__
from textrnn.base.errors import DataError
from textrnn.base.files import TOKENIZER_FILE, run_head, write_json
from textrnn.base.run_target import RunTarget, changes_between, resumed_options
from textrnn.training.display import Display, duration
from textrnn.training.from_run import check_other
from textrnn.training.options import resolve_optimization, resolve_stop
from textrnn.training.prepared import Parts, Prepared, new_run, resumed_run
from textrnn.translator.batches import EncodedPairs, encode_pairs
from textrnn.translator.info import began_in_words
from textrnn.translator.options import DecodeConfig, TranslateConfig
from textrnn.translator.pairs import PARALLEL, PairOptions, Pairs, read_pairs
from textrnn.translator.predict import KIND, open_translator
from textrnn.translator.split import by_source, selected, split
from textrnn.translator.store import PAIRS_FILE, read_pairs_file, write_pairs
from textrnn.translator.tokens import ENCODER_DECODER, Side, build_side, check_vocabularies, chosen_kind
from textrnn.translator.warm_start import WarmStart

RESUMABLE = ("epochs", "time_s", "patience", "save_every_s", "precision")
FORMS = {
    "tsv": "source TAB target",
    "csv": "a table with a column for each",
    "cmudict": "a dictionary: a word, blanks, its phonemes",
    "jsonl": "JSON",
    "tmx": "a translation memory",
    PARALLEL: "two files with a text on each line",
}
TINY_STEPS = 150  # that pairs are learnt in which are too few to hold any out
# The default of --time: this much, and this much more for each token of the targets, at most so much.
SHORTEST_S, LONGEST_S, SECONDS_PER_TOKEN = 40.0, 1_200.0, 2.5e-3
# What translating takes for each token and beam, for a weight and for a token of the vocabulary, in seconds.
WEIGHT_S, TOKEN_S, LARGEST_RESERVE = 4e-11, 1e-8, 0.25
REFERENCE_SHARE = 0.995  # of the pairs, whose target is not longer than is allowed for


@dataclass(frozen=True)
class TranslationData:
    """What a translator learns from.

    Attributes:
        kind: `aligned` or `encoder-decoder`.
        sides: tokens of source and target.
        pairs: by `train`, `valid` and `test`.
        reserve_s: seconds of the command to leave for what comes after training.
    """

    kind: str
    sides: tuple[Side, Side]
    pairs: dict[str, Pairs]
    reserve_s: float = 0.0

    def encoded(self, part: str) -> EncodedPairs:
        """A part as ids, with ends if the kind has them."""
        source, target = self.sides
        ends = (source.vocab_size, target.vocab_size) if self.kind == ENCODER_DECODER else None
        return encode_pairs(self.pairs[part], self.sides, ends)

    def parts(self) -> Parts:
        """What writes the files of a run that training never changes."""
        source, target = (side.tokenizer for side in self.sides)
        return {
            TOKENIZER_FILE: lambda path: write_json(path, {"source": source.to_json(), "target": target.to_json()}),
            PAIRS_FILE: lambda path: write_pairs(path, self.pairs),
        }


def read_files(
    paths: tuple[str, str | None, str | None], options: PairOptions, config: TranslateConfig, display: Display
) -> tuple[Pairs, Pairs | None]:
    """Reads a file of pairs, and one to measure on, if there is one.

    Args:
        paths: the file; the file with the targets of its lines, or None; the file to measure on, or None.
        options: what is known about them.
        config: all options.
        display: shows what was found.

    Raises:
        DataError: one cannot be read, or has no pair.
    """
    path, target, test = paths
    pairs = _read(path, target, options, config, display)
    return pairs, None if test is None else _read(test, None, options, config, display)


@contextlib.contextmanager
def new_pairs(
    read: tuple[Pairs, Pairs | None],
    config: TranslateConfig,
    run_target: RunTarget,
    *,
    start: WarmStart | None,
    decode: DecodeConfig,
    command: str,
    display: Display,
) -> Iterator[Prepared]:
    """A new run, held within the block, with its pairs divided.

    Args:
        read: the pairs, and those to measure on, or None to hold some out.
        config: all options, but for what follows from the pairs.
        run_target: where the run goes.
        start: the run that it begins from.
        decode: how translations are searched for when measuring.
        command: what the run says that it was made by.
        display: shows what was found.

    Raises:
        ConfigError, DataError, TokenizerError, RunError: as their messages say.
    """
    pairs, tested = read
    rng = np.random.default_rng((config.optimization.random_seed, 1))
    pairs = selected(pairs, max_words=config.pairs.max_words, max_pairs=config.pairs.max_pairs, rng=rng)
    kind, levels = chosen_kind(pairs, config.pairs)
    parts, judged_on = split(
        pairs, share=config.pairs.held_out, max_rows=config.pairs.max_held_out, test=tested, rng=rng
    )
    sides = _sides(parts["train"], levels, config, start)
    for name in ("train", "valid"):
        parts[name] = _short_pairs(parts[name], sides, config.pairs.max_length, display)
        check_vocabularies(kind, sides, parts[name])
    is_tiny = parts["test"] is pairs
    config = _with_budget(config, parts["train"], sides[1], is_tiny=is_tiny)
    data = TranslationData(kind, sides, parts, _reserve_s(config, sides[1], parts["test"], decode))
    origin = {**pairs.file, "form": pairs.form, "judged_on": judged_on}
    details = _details(config, data, origin, command)
    _describe(details, display, is_tiny=is_tiny)
    with new_run(run_target, str(pairs.file["name"])) as (folder, run):
        if start is not None:
            check_other(start.path, run)
            details["from"] = start.to_json(data.sides, parts["test"])
            rate = config.optimization.learning_rate
            display.say(f"beginning with {began_in_words(details['from'])}; the highest learning rate is {rate:g}")
        yield Prepared(folder, run, config, data, details, parts=data.parts(), start=start)


@contextlib.contextmanager
def resumed_pairs(
    name: str, run_target: RunTarget, settings: Mapping[str, Any], decode: DecodeConfig
) -> Iterator[Prepared]:
    """A run that is gone on with, held within the block.

    Raises:
        ConfigError: an option differs from that of the run.
        RunError: the run is missing, in use or damaged.
    """
    with resumed_run(name, run_target, KIND) as run:
        model = open_translator(run)
        pairs = read_pairs_file(run / PAIRS_FILE)
        TranslateConfig.from_options(settings)
        before = model.config.options()
        config = TranslateConfig.from_options(resumed_options(before, settings, resumable=RESUMABLE, path=run))
        changes = changes_between(before, config.options())
        details = {**model.details, "config": config.to_json()}
        details.pop("test", None)
        new_budget = "time_s" in settings or settings.get("epochs", config.stop.epochs) != model.config.stop.epochs
        sides = (model.source, model.target)
        data = TranslationData(model.kind, sides, pairs, _reserve_s(config, model.target, pairs["test"], decode))
        kept: dict[str, Any] = dict(parts=data.parts(), changes=changes)
        prepared = Prepared(run, run, config, data, details, resume=True, new_budget=new_budget, **kept)
        prepared.check_budget(config.stop.epochs)
        yield prepared


def _read(path: str, target: str | None, options: PairOptions, config: TranslateConfig, display: Display) -> Pairs:
    pairs = read_pairs(path, options, config.normalize, target=target)
    form = FORMS[pairs.form] + f", {pairs.between} (--source-column, --target-column)" * bool(pairs.between)
    count = f"{len(pairs):,} pair{'s' * (len(pairs) > 1)}"
    way = ", the other way round (--reverse)" * pairs.is_reversed
    display.say(f"{pairs.file['name']}: {count}, read as {form}{' (--format)' * (target is None)}{way}")
    for line in pairs.warnings:
        display.warn(line)
    return pairs


def _sides(
    pairs: Pairs, levels: tuple[str, str], config: TranslateConfig, start: WarmStart | None
) -> tuple[Side, Side]:
    known = (None, None) if start is None else (start.model.source, start.model.target)
    source, target = (
        build_side(texts, level, config.pairs, before)
        for texts, level, before in zip((pairs.sources, pairs.targets), levels, known, strict=True)
    )
    return source, target


def _describe(details: Mapping[str, Any], display: Display, *, is_tiny: bool) -> None:
    levels, sizes, pairs = details["levels"], details["vocab_size"], details["pairs"]
    tokens = " to ".join(f"{level} ({size:,})" for level, size in zip(levels, sizes, strict=True))
    display.say(f"{details['translator']}, {tokens}; --kind, --source-level and --target-level change that")
    held = "too few to hold any out" if is_tiny else f"{pairs['valid']:,} to choose by, {pairs['test']:,} to measure on"
    display.say(f"{pairs['train']:,} pairs to learn from, {held}")
    time_s = details["config"]["stop"]["time_s"]
    if time_s is not None:
        display.say(f"training for {duration(time_s)} at most (--time or --epochs change that)")


def _short_pairs(pairs: Pairs, sides: tuple[Side, Side], most: int, display: Display) -> Pairs:
    """The pairs of which no side is too long."""
    rows = [
        row
        for row, texts in enumerate(zip(pairs.sources, pairs.targets, strict=True))
        if all(len(side.encode(text)) <= most for side, text in zip(sides, texts, strict=True))
    ]
    if len(rows) == len(pairs):
        return pairs
    if not rows:
        raise DataError(f"each pair has more than {most} tokens on a side: use a larger --max-length")
    display.warn(
        f"{len(pairs) - len(rows):,} pairs have more than {most} tokens on a side and are left out (--max-length)"
    )
    return pairs.some(rows)


def _with_budget(config: TranslateConfig, pairs: Pairs, side: Side, *, is_tiny: bool) -> TranslateConfig:
    """The configuration with sizes and a length of training by the amount of text."""
    num_tokens = sum(len(side.encode(text)) for text in pairs.targets)
    config = config.sized(num_tokens=num_tokens)
    stop = config.stop
    if stop.epochs is None and stop.time_s is None:
        if is_tiny:
            num_batches = -(-len(pairs) // (config.learning.batch or 1))
            stop = dataclasses.replace(stop, epochs=float(-(-TINY_STEPS // num_batches)))
        else:
            time_s = min(LONGEST_S, round(SHORTEST_S + SECONDS_PER_TOKEN * num_tokens))
            stop = dataclasses.replace(stop, time_s=float(time_s))
    stop = resolve_stop(stop, deterministic=config.optimization.deterministic)
    return dataclasses.replace(config, stop=stop, optimization=resolve_optimization(config.optimization))


def _reserve_s(config: TranslateConfig, side: Side, test: Pairs, decode: DecodeConfig) -> float:
    """Seconds that translating the pairs to measure on will probably take."""
    units, embed, _ = config.network.sizes
    weights = config.network.decoder_layers * 12 * units**2 + side.vocab_size * embed
    steps = sum(len(side.encode(targets[0])) + 2 for targets in by_source(test)[1])
    seconds = 1.0 + steps * decode.beam * (WEIGHT_S * weights + TOKEN_S * side.vocab_size)
    return min(seconds, LARGEST_RESERVE * (config.stop.time_s or seconds / LARGEST_RESERVE))


def _details(config: TranslateConfig, data: TranslationData, origin: Mapping[str, Any], command: str) -> dict[str, Any]:
    """The content of `run.json`, but for what is learnt; `origin` is what it says of the file of pairs."""
    train, sides = data.pairs["train"], data.sides
    ratios = [
        len(sides[1].encode(target)) / max(1, len(sides[0].encode(source)))
        for source, target in zip(train.sources, train.targets, strict=True)
    ]
    return {
        **run_head(KIND, command, config.to_json()),
        "translator": data.kind,
        "levels": [side.level for side in sides],
        "vocab_size": [side.vocab_size for side in sides],
        "longest": max(0.5, float(np.quantile(ratios, REFERENCE_SHARE))),
        "pairs": {**origin, **{name: len(pairs) for name, pairs in data.pairs.items()}},
        "metrics": {},
        "versions": {"textrnn": __version__, "python": platform.python_version()},
    }
