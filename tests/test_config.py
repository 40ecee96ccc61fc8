"""Every option: what it accepts, what it refuses, and the rules that fill in what is not given."""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.base.config import expected, flag_of, option
from textrnn.base.errors import ConfigError, TextRNNError
from textrnn.classifier.options import ClassifierConfig
from textrnn.language_model.options import Config
from textrnn.language_model.sample_options import SampleConfig
from textrnn.nn.options import ModelConfig, layer_cells
from textrnn.text.options import DataConfig, NormalizeConfig, TokenizerConfig
from textrnn.training.options import OptimizationConfig, StopConfig

GROUPS = (NormalizeConfig, TokenizerConfig, DataConfig, ModelConfig, OptimizationConfig, StopConfig, SampleConfig)
UNUSUAL = {
    NormalizeConfig: dict(unicode="none", lowercase=True, remove_digits=True, collapse_whitespace=True),
    TokenizerConfig: dict(level="bpe", vocab_size=300, min_count=3),
    DataConfig: dict(held_out=0.25, batching="sliding", target="last", window=7, stride=3, batch=5),
    ModelConfig: dict(
        arch="bidirectional",
        units=7,
        layers=2,
        cells="lstm,bi-gru",
        embed=5,
        dropout=0.25,
        recurrent_dropout=0.5,
        l1=1e-5,
        l2=1e-4,
        tied=True,
        residual=True,
    ),
    OptimizationConfig: dict(
        optimizer="sgd",
        learning_rate=0.3,
        schedule="constant",
        warmup=3,
        clip_norm=0,
        weight_decay=0.01,
        random_seed=2**32 - 1,
    ),
    StopConfig: dict(epochs=2.5, time_s=90, patience=2),
    SampleConfig: dict(length=3, temperature=0.5, top_k=4, top_p=0.5, min_p=0.1, repetition_penalty=1.3, random_seed=8),
}


def options_of(*groups):
    """Each option: its group, its field and the types that it may have, None left out."""
    for group in groups:
        hints = typing.get_type_hints(group)
        for item in dataclasses.fields(group):
            kind = hints[item.name]
            kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
            yield pytest.param(group, item, set(kinds) - {type(None)}, id=f"{group.__name__}.{item.name}")


ALL = list(options_of(*GROUPS))
NUMBERS = [param for param in ALL if param.values[2] & {int, float}]


def beside(item):
    """What an option needs beside it."""
    return {"arch": "memory"} if item.name.startswith("memory_") else {}


def refuse(group, item, value):
    """Both ways of making a group refuse a value, and the message names the flag."""
    with pytest.raises(ConfigError) as made:
        group(**{item.name: value})
    with pytest.raises(ConfigError) as read:
        group.from_json({item.name: value})
    assert str(made.value) == str(read.value)
    assert flag_of(item) in str(made.value) and len(str(made.value)) < 400


def test_texts_with_a_condition_are_read_in_words_unless_something_else_is_said():
    told = {"text_column": "text", "condition": "kind"}
    levels = [Config.from_options(more).tokenizer.level for more in (told, {**told, "level": "char"}, {})]
    assert levels == ["word", "char", "char"]


@pytest.mark.parametrize("group", GROUPS)
def test_from_json_is_the_inverse_of_to_json(group):
    for values in ({}, UNUSUAL[group]):
        config = group(**values)
        assert group.from_json(json.loads(json.dumps(config.to_json()))) == config
        assert set(config.to_json()) == {item.name for item in dataclasses.fields(group)}


@pytest.mark.parametrize("options", [{}, {"arch": "bidirectional"}, {"level": "bpe", "epochs": 2}, {"target": "last"}])
def test_from_json_is_the_inverse_of_to_json_for_a_whole_config(options):
    config = Config.from_options(options)
    for case in (config, config.resolve()):
        assert Config.from_json(json.loads(json.dumps(case.to_json()))) == case


def test_from_json_takes_defaults_for_what_is_not_there():
    assert Config.from_json({"model": {"units": 7}}) == Config(model=ModelConfig(units=7))


@pytest.mark.parametrize("group", [*GROUPS, Config])
def test_from_json_refuses_unknown_keys(group):
    with pytest.raises(ConfigError, match=r"unknown option 'unitz', 'x'"):
        group.from_json({"x": 1, "unitz": 2})


@pytest.mark.parametrize("values", [None, [], "units", 3, [["units", 3]]])
@pytest.mark.parametrize("group", [ModelConfig, Config])
def test_from_json_refuses_what_is_no_object(group, values):
    with pytest.raises(ConfigError, match="expected an object"):
        group.from_json(values)


@pytest.mark.parametrize("value", [None, 3, "lstm", ["arch"], {"model": {}}])
def test_from_json_refuses_a_group_that_is_no_object(value):
    with pytest.raises(ConfigError):
        Config.from_json({"model": value})


def test_config_refuses_a_group_of_another_kind():
    with pytest.raises(ConfigError, match="model: expected ModelConfig"):
        Config(model=DataConfig())


@pytest.mark.parametrize(("group", "item", "kinds"), ALL)
def test_options_refuse_wrong_types(group, item, kinds):
    wrong = {
        bool: [0, 1, "true", 0.0],
        int: [True, False, "3", 3.5, 3.0, math.nan, math.inf, [3]],
        float: [True, False, "0.5", math.nan, math.inf, -math.inf, [0.5], 10**400, -(10**400)],
        str: [True, 3, 0.5, b"lstm", ["lstm"], {}],
        Mapping[str, float]: [
            True,
            3,
            "a",
            ["a", 1],
            [["a", 1]],
            {"a": "1"},
            {"a": True},
            {"a": None},
            {"a": math.nan},
        ],
    }
    (kind,) = kinds
    for value in wrong[kind]:
        refuse(group, item, value)
    if item.default is not None:
        refuse(group, item, None)


@pytest.mark.parametrize(("group", "item", "kinds"), NUMBERS)
def test_options_accept_their_range_and_refuse_what_is_outside(group, item, kinds):
    low, high, above = (item.metadata[name] for name in ("low", "high", "above"))
    assert high is not None and (low is None) != (above is None), "each number has two ends"
    whole = int in kinds

    def step(value, way):
        return value + way if whole else math.nextafter(value, way * math.inf)

    group(**{item.name: int(high) if whole else high}, **beside(item))
    refuse(group, item, step(high, 1))
    refuse(group, item, 10**30)
    refuse(group, item, -(10**30))
    if low is not None:
        group(**{item.name: low}, **beside(item))
        refuse(group, item, step(low, -1))
    else:
        refuse(group, item, above)
        refuse(group, item, step(above, -1))
        group(**{item.name: step(above, 1)})


@pytest.mark.parametrize(("group", "item", "kinds"), [param for param in ALL if param.values[1].metadata["choices"]])
def test_options_accept_their_choices_only(group, item, kinds):
    assert kinds == {str}
    choices = list(item.metadata["choices"])
    for choice in choices:
        group(**{item.name: choice}, **beside(item))
    for wrong in ("", choices[0].upper() + "?", " " + choices[0], "x" * 1000):
        refuse(group, item, wrong)


def test_options_have_help_and_names_that_are_unique():
    everywhere = list(options_of(*GROUPS[:6]))
    for names in (
        [item.name for _, item, _ in (param.values for param in everywhere)],
        [flag_of(item) for _, item, _ in (param.values for param in everywhere)],
        [item.name for item in dataclasses.fields(SampleConfig)],
    ):
        assert len(names) == len(set(names))
    for _, item, _ in (param.values for param in ALL):
        assert item.metadata["help"][0].isupper() and item.metadata["help"].rstrip()[-1] in ".]", item.name
        if item.default is None and item.name not in ("epochs", "cells", "random_seed"):
            assert "[default:" in item.metadata["help"], item.name


def test_expected_says_the_range_in_words():
    ranges = {item.name: expected(item.metadata) for group in GROUPS for item in dataclasses.fields(group)}
    assert ranges["units"] == "from 1 to 16,384"
    assert ranges["held_out"] == "above 0 and at most 0.9"
    assert ranges["cells"] == ""
    assert ranges["optimizer"] == "one of adam, adamw, rmsprop, sgd"


def test_config_error_shows_value_flag_and_range():
    with pytest.raises(ConfigError) as error:
        StopConfig(time_s=0)
    assert str(error.value) == "--time is 0: expected a number above 0 and at most 31,536,000"


def test_from_options_sorts_into_groups():
    values = {key: value for group in GROUPS[:6] for key, value in UNUSUAL[group].items()}
    config = Config.from_options(values)
    for name, group in zip(
        ("normalize", "tokenizer", "data", "model", "optimization", "stop"), GROUPS[:6], strict=True
    ):
        assert getattr(config, name) == group(**UNUSUAL[group])
    assert Config.from_options(config.options()) == config
    assert Config.from_options({}) == Config()


def test_from_options_refuses_unknown_names():
    with pytest.raises(ConfigError, match="unknown option top_k, unitz"):
        Config.from_options({"units": 7, "unitz": 8, "top_k": 1})


def test_from_options_takes_a_name_of_the_version_before():
    with pytest.warns(FutureWarning, match="warm_up_epochs is called pretrain_epochs now"):
        config = ClassifierConfig.from_options({"warm_up_epochs": 3.0, "units": 7})
    assert (config.ensemble.pretrain_epochs, config.encoder.units) == (3.0, 7)


def test_option_refuses_a_fact_that_nothing_reads():
    with pytest.raises(TypeError, match="unknown hihg"):
        option(1, "Help.", hihg=3)


def resolve(**options):
    return Config.from_options(options).resolve()


@pytest.mark.parametrize(
    ("options", "data"),
    [
        ({}, ("streams", "each", 64, 64, 32)),
        ({"window": 10}, ("streams", "each", 10, 10, 32)),
        ({"batching": "sliding"}, ("sliding", "each", 64, 64, 32)),
        ({"target": "last"}, ("sliding", "last", 64, 1, 64)),
        ({"target": "last", "stride": 5, "batch": 3}, ("sliding", "last", 64, 5, 3)),
        ({"arch": "bidirectional"}, ("sliding", "last", 16, 1, 64)),
        ({"arch": "bidirectional", "window": 9, "stride": 2}, ("sliding", "last", 9, 2, 64)),
    ],
)
def test_resolve_fills_in_the_data_options(options, data):
    found = resolve(**options).data
    assert (found.batching, found.target, found.window, found.stride, found.batch) == data


@pytest.mark.parametrize(
    ("options", "size", "count"),
    [
        ({}, None, 1),
        ({"level": "byte"}, None, 1),
        ({"level": "word"}, 20_000, 2),
        ({"level": "bpe"}, 2_000, 2),
        ({"level": "bpe", "vocab_size": 259, "min_count": 1}, 259, 1),
        ({"level": "char", "vocab_size": 50, "min_count": 4}, 50, 4),
    ],
)
def test_resolve_fills_in_the_tokenizer_options(options, size, count):
    found = resolve(**options).tokenizer
    assert (found.vocab_size, found.min_count) == (size, count)


def test_resolve_fills_in_time_and_learning_rate():
    assert resolve().stop.time_s == 300
    assert resolve(epochs=2).stop.time_s is None
    assert (resolve(epochs=2, time_s=5).stop.epochs, resolve(epochs=2, time_s=5).stop.time_s) == (2, 5)
    rates = {name: resolve(optimizer=name).optimization.learning_rate for name in ("adam", "adamw", "rmsprop", "sgd")}
    assert rates == {"adam": 0.006, "adamw": 0.006, "rmsprop": 0.002, "sgd": 1.0}
    assert resolve(learning_rate=0.5).optimization.learning_rate == 0.5


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        ({"arch": "bidirectional", "batching": "streams"}, ("--arch bidirectional", "--batching")),
        ({"arch": "bidirectional", "target": "each"}, ("--arch bidirectional", "--target")),
        ({"target": "last", "batching": "streams"}, ("--target", "--batching")),
        ({"stride": 3}, ("--stride", "--batching")),
        ({"level": "byte", "vocab_size": 300}, ("--vocab-size", "--level byte")),
        ({"level": "byte", "min_count": 2}, ("--min-count", "--level byte")),
        ({"level": "bpe", "vocab_size": 258}, ("--vocab-size is 258", "--level bpe")),
        ({"tied": True, "input": "one-hot"}, ("--tied", "--input one-hot")),
        ({"cells": "bi-gru"}, ("--cells", "--arch")),
    ],
)
def test_resolve_refuses_contradictions_and_names_both_flags(options, flags):
    with pytest.raises(ConfigError) as error:
        resolve(**options)
    assert all(flag in str(error.value) for flag in flags)


options_strategy = st.fixed_dictionaries(
    {},
    optional={
        "arch": st.sampled_from(["simple", "gru", "lstm", "bidirectional"]),
        "level": st.sampled_from(["char", "byte", "word", "bpe"]),
        "vocab_size": st.none() | st.integers(3, 400),
        "min_count": st.none() | st.integers(1, 3),
        "batching": st.sampled_from([None, "streams", "sliding"]),
        "target": st.sampled_from([None, "each", "last"]),
        "window": st.none() | st.integers(1, 80),
        "stride": st.none() | st.integers(1, 80),
        "epochs": st.none() | st.floats(0.1, 9),
        "time_s": st.none() | st.integers(1, 9),
    },
)


@settings(deadline=None)
@given(options_strategy)
def test_resolve_of_what_is_resolved_changes_nothing(options):
    try:
        config = resolve(**options)
    except ConfigError:
        return
    assert config.resolve() == config
    assert None not in dataclasses.astuple(config.data)
    for name, value in options.items():
        assert value is None or config.options()[name] == value, name


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.data())
def test_from_json_of_anything_is_a_config_or_a_config_error(data):
    names = st.sampled_from(["normalize", "tokenizer", "data", "model", "train"])
    fields = st.sampled_from([item.name for group in GROUPS for item in dataclasses.fields(group)])
    values = data.draw(
        st.dictionaries(names, st.dictionaries(fields, json_values, max_size=3) | json_values, max_size=3)
    )
    try:
        Config.from_json(values)
    except TextRNNError as error:
        assert isinstance(error, ConfigError) and str(error)


@pytest.mark.parametrize(
    ("options", "chain"),
    [
        ({"arch": "lstm", "layers": 3}, "lstm lstm lstm"),
        ({"arch": "simple", "layers": 1}, "simple"),
        ({"arch": "bidirectional", "layers": 1}, "bi-gru"),
        ({"arch": "bidirectional", "layers": 2}, "simple bi-gru"),
        ({"arch": "bidirectional", "layers": 4}, "simple bi-gru bi-gru bi-gru"),
        ({"arch": "bidirectional", "cells": "bi-lstm, gru ,bi-simple"}, "bi-lstm gru bi-simple"),
    ],
)
def test_layer_cells_lists_the_layers(options, chain):
    cells = [("bi-" if layer.both_ways else "") + layer.cell for layer in layer_cells(ModelConfig(**options))]
    assert cells == chain.split()


@pytest.mark.parametrize("cells", ["", ",", "bi-gru,", "bi-bi-gru", "gru,lstm", "LSTM", "bi-", "bi-gru;bi-gru"])
def test_layer_cells_refuses_chains_that_cannot_be(cells):
    with pytest.raises(ConfigError, match="--cells"):
        ModelConfig(arch="bidirectional", cells=cells)
