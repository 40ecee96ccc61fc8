"""What `--size` chooses, by hand-made cases; that it ends best is shown by benchmarks, not here."""

import pytest

from textrnn.language_model.options import Config
from textrnn.language_model.size import LADDER, OVERHEAD_S, PRESETS, SIZED, sized, tied_if_large, wants_size
from textrnn.nn.architectures import BIDIRECTIONAL, CELLS

LONG = 10**9


def choose(*, num_tokens=LONG, vocab_size=0, seconds=3600.0, speed=1.0, **options):
    config, words = sized(
        Config.from_options(options).resolve(),
        options,
        num_tokens=num_tokens,
        vocab_size=vocab_size,
        seconds=seconds,
        speed=speed,
    )
    return config, words


def test_sized_says_nothing_where_there_is_nothing_to_choose():
    assert choose(arch="bidirectional")[1] == ""


@pytest.mark.parametrize("rung", range(len(LADDER)))
def test_sized_takes_the_rung_whose_time_is_reached(rung):
    size = LADDER[rung]
    config, _ = choose(seconds=OVERHEAD_S + size.from_s + 0.01)
    assert (config.model.layers, config.model.units, config.data.batch) == (size.layers, size.units, size.batch)


def test_sized_counts_seconds_of_the_reference_machine():
    last = LADDER[-1]
    seconds = OVERHEAD_S + last.from_s / 2
    assert choose(seconds=seconds)[0].model.layers < last.layers
    assert choose(seconds=seconds, speed=2.01)[0].model.layers == last.layers


def test_sized_counts_what_a_large_vocabulary_costs():
    seconds = OVERHEAD_S + LADDER[2].from_s
    assert choose(seconds=seconds + 0.1)[0].model.units == LADDER[2].units
    assert choose(seconds=seconds + 0.1, vocab_size=4_000)[0].model.units == LADDER[1].units
    assert choose(seconds=seconds + 100, vocab_size=4_000)[0].model.units == LADDER[2].units


@pytest.mark.parametrize(
    ("vocab_size", "given", "tied", "embed"),
    [
        (999, {}, False, 64),
        (1_000, {}, True, 128),
        (1_000, dict(tied=False), False, 64),
        (1_000, dict(embed=32), True, 32),
        (1_000, dict(input="one-hot"), False, 64),
        (60, dict(tied=True), True, 128),
    ],
)
def test_a_large_vocabulary_has_one_vector_for_each_token(vocab_size, given, tied, embed):
    model = tied_if_large(Config.from_options(given).resolve(), given, vocab_size).model
    assert (model.tied, model.embed) == (tied, embed)


def test_sized_reads_more_often_where_one_vector_makes_predicting_cheap():
    seconds = OVERHEAD_S + 1.5 * LADDER[2].from_s
    parted, tied = (choose(seconds=seconds, vocab_size=4_000, tied=tied, embed=64)[0] for tied in (False, True))
    assert parted.model.units == LADDER[1].units and tied.model.units == LADDER[2].units


def test_sized_without_time_looks_at_epochs_and_text():
    assert choose(seconds=None, epochs=1.0)[0].model.dropout == 0
    assert choose(seconds=None, epochs=100.0)[0].model.dropout == 0.5


def test_sized_keeps_a_short_text_from_a_large_network():
    assert choose(num_tokens=50_000)[0].model.units == LADDER[1].units


def test_sized_drops_more_the_more_often_a_text_is_read():
    rates = [choose(num_tokens=number, seconds=300.0)[0].model.dropout for number in (10**9, 10**7, 3 * 10**6, 10**5)]
    assert rates == sorted(rates) and rates[0] == 0 and rates[-1] == 0.5


def test_sized_drops_more_where_a_large_vocabulary_has_many_weights():
    few, many = (
        choose(num_tokens=500_000, vocab_size=n, size="medium", seconds=None, epochs=2.5) for n in (60, 20_000)
    )
    assert few[0].model.units == many[0].model.units and few[0].model.dropout < many[0].model.dropout


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("arch", [*CELLS, BIDIRECTIONAL])
def test_sized_presets_grow(name, arch):
    config, words = choose(size=name, arch=arch, seconds=30.0)
    assert config.model.size == name and words.startswith(f"size {name}: ")
    if name != "small":
        smaller = choose(size=list(PRESETS)[list(PRESETS).index(name) - 1], arch=arch, seconds=30.0)[0]
        assert config.model.units * config.model.layers > smaller.model.units * smaller.model.layers


def test_sized_leaves_what_was_given():
    given = dict(size="large", units=77, learning_rate=0.5, batch=3)
    config, words = choose(**given)
    assert (config.model.units, config.optimization.learning_rate, config.data.batch) == (77, 0.5, 3)
    assert config.model.layers == LADDER[-1].layers
    assert "units" not in words and "layers 2" in words


def test_sized_leaves_other_optimizers_their_learning_rate():
    assert (
        choose(optimizer="sgd")[0].optimization.learning_rate
        == Config.from_options({"optimizer": "sgd"}).resolve().optimization.learning_rate
    )


def test_sized_round_trips_through_json():
    config, _ = choose()
    assert Config.from_json(config.to_json()) == config


@pytest.mark.parametrize("name", SIZED)
def test_wants_size_unless_one_of_them_is_given(name):
    assert wants_size({}) and wants_size({"time_s": 5, "arch": "gru"})
    assert not wants_size({name: 1})
    assert wants_size({name: 1, "size": "auto"})
