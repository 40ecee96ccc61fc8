"""`textrnn inspect cells`: activations are the network's, what tracks is found, and the page is whole and harmless."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest
from cli_fixtures import good
from inspect_cases import (
    UNITS,
    config_of,
    language_model,
    language_model_arrays,
    write_classifier,
    write_language_model,
)
from report_cases import COLOURS, EVIL, TEMPLATES, Strict, contrast

from textrnn.base.errors import DataError, RunError
from textrnn.classifier.predict import open_classifier
from textrnn.inspect import cells
from textrnn.inspect.activations import Reading, Unit, read_classifier, read_language_model, token_texts
from textrnn.inspect.cells import Origin, format_cells, quantized, shown_units
from textrnn.inspect.tracking import BRACKETS, QUOTES, chance_of, depth, rank, standardized, token_values, top
from textrnn.language_model.predict import LanguageModel
from textrnn.nn.numpy.load import make_network
from textrnn.text.tokens.load import build_tokenizer

TEXT = 'He said "no (not yet)", and left.\n  Then 12 more came: “好”.\n\n' * 3


def tokens_of(model):
    return [model.tokenizer.token_text(number) for number in model.tokenizer.encode(TEXT).tolist()]


@pytest.mark.parametrize(
    "options",
    [
        dict(arch="simple"),
        dict(arch="gru", layers=2),
        dict(arch="lstm", layers=2, residual=True),
        dict(arch="lstm", input="one-hot"),
        dict(arch="gru", level="bpe", vocab_size=270),
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_read_language_model_gives_the_states_step_by_step(options, rng):
    model, _ = language_model(rng, TEXT, **options)
    ids = model.tokenizer.encode(TEXT)
    reading = read_language_model(model, ids, TEXT)
    assert "".join(reading.tokens) == TEXT
    _, state = model.network.step(np.array([2]), model.network.initial_state(1))
    decoder, column = model.tokenizer.decoder(), 0
    for token in ids:
        _, state = model.network.step(np.array([token]), state)
        if decoder.feed(int(token)):
            np.testing.assert_allclose(reading.values[:, column], np.concatenate(state)[:, 0], atol=1e-6)
            column += 1
    assert column == len(reading.tokens)
    states = ["h", "c"] if options["arch"] == "lstm" else ["h"]
    layers = range(1, options.get("layers", 1) + 1)
    assert reading.units == [Unit(layer, state, k) for layer in layers for state in states for k in range(UNITS)]


def test_read_language_model_of_bytes_shows_each_character_once(rng):
    model, _ = language_model(rng, TEXT, arch="gru", level="byte")
    reading = read_language_model(model, model.tokenizer.encode(TEXT), TEXT)
    assert reading.tokens == list(TEXT) and reading.values.shape == (UNITS, len(TEXT))
    place = len(TEXT[: TEXT.index("好") + 1].encode())
    _, state = model.network.read(np.array([2, *model.tokenizer.encode(TEXT)[:place]]), model.network.initial_state(1))
    np.testing.assert_allclose(reading.values[:, TEXT.index("好")], state[0][:, 0], atol=1e-6)


def test_read_language_model_that_reads_both_ways_looks_at_windows(rng):
    model, _ = language_model(rng, TEXT, arch="bidirectional", cells="bi-gru", window=4)
    ids = model.tokenizer.encode(TEXT)
    reading = read_language_model(model, ids, TEXT)
    window = np.array([[2], [2], [ids[0]], [ids[1]]], np.int32)
    np.testing.assert_allclose(reading.values[:, 1], model.network.window_outputs(window)[:, 0], atol=1e-6)
    window = np.array(ids[7:11])[:, None]
    np.testing.assert_allclose(reading.values[:, 10], model.network.window_outputs(window)[:, 0], atol=1e-6)
    assert reading.units[UNITS] == Unit(1, "backward", 0)


def test_read_language_model_shows_unknown_characters_as_they_are(rng):
    model, _ = language_model(rng, "abc", arch="gru")
    assert read_language_model(model, model.tokenizer.encode("a☃b"), "a☃b").tokens == ["a", "☃", "b"]
    with pytest.raises(DataError, match="empty"):
        read_language_model(model, np.zeros(0, np.int32), "")


def test_read_language_model_refuses_what_is_not_finite(rng):
    config = config_of(arch="gru")
    tokenizer = build_tokenizer(config.tokenizer, ["ab"])
    arrays = language_model_arrays(config, tokenizer.vocab_size, rng)
    arrays["layer0/bias"][:] = np.nan
    with pytest.raises(RunError, match="not finite"):
        network = make_network(config.model, tokenizer.vocab_size, arrays, window=4, start_id=2)
        read_language_model(LanguageModel(network, tokenizer, config, 2, {}), np.array([2, 3]), "ab")


def test_line_ends_are_shown_between_documents():
    tokenizer = build_tokenizer(config_of().tokenizer, ["ab"])
    a, b, end = *tokenizer.encode("ab"), tokenizer.vocab_size
    tokens, kept = token_texts(tokenizer, np.array([end + 1, a, b, end + 2, a]), None, end_id=end)
    assert tokens == ["\n", "a", "b", "\n", "a"]
    assert kept.tolist() == [0, 1, 2, 3, 4]


def test_read_classifier_gives_outputs_of_both_directions(tmp_path, rng):
    write_classifier(tmp_path / "run", rng, ["good", "tea"], pooling="mean", layers=2)
    networks = open_classifier(tmp_path / "run").networks
    reading = read_classifier(networks, "Good  green tea")
    assert reading.tokens == ["good", " green", " tea"]
    assert [reading.units[k] for k in (0, UNITS, 2 * UNITS)] == [
        Unit(1, "forward", 0),
        Unit(1, "backward", 0),
        Unit(2, "forward", 0),
    ]
    # Mean pooling: the mean of the last layer's outputs times the output weights gives the logits.
    network = networks.members[0]
    pooled = reading.values[2 * UNITS :].mean(1)
    np.testing.assert_allclose(
        pooled @ network._kernel + network._bias, network.logits([networks.encode("good green tea")[0]])[0], atol=1e-5
    )


# ---------------------------------------------------------------- properties


def test_depth_counts_pairs_that_are_whole():
    assert depth("“a” “b\n\nc”", QUOTES).tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert depth("((x)) :-) (《a》)", BRACKETS).tolist() == [1, 2, 2, 1, 0, 0, 0, 0, 0, 0, 1, 2, 2, 1, 0]


def test_token_values_of_characters_by_hand():
    found, values = token_values(list('A b,\n "c1"'))
    by_name = dict(zip([one.name for one in found], values.T.tolist(), strict=True))
    assert by_name["column"] == [1, 2, 3, 4, 0, 1, 2, 3, 4, 5]
    assert by_name["quotes"] == [0, 0, 0, 0, 0, 0, 1, 1, 1, 0]
    assert by_name["indentation"] == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert by_name["line-end"] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert by_name["word-begin"] == [1, 0, 1, 0, 0, 0, 0, 1, 0, 0]
    assert by_name["word-length"] == [1, 0, 1, 0, 0, 0, 0, 1, 2, 0]
    assert by_name["space"] == [0, 1, 0, 0, 0, 1, 0, 0, 0, 0]
    assert by_name["capital"] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0] == by_name["vowel"]
    assert by_name["digit"] == [0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    assert by_name["punctuation"] == [0, 0, 0, 1, 0, 0, 1, 0, 0, 1]
    assert by_name["line-share"] == [0.25, 0.5, 0.75, 1, 0, 0.2, 0.4, 0.6, 0.8, 1]
    assert "brackets" not in by_name  # there are none: it is the same everywhere


def test_token_values_of_words_take_events_anywhere_and_states_at_the_end():
    found, values = token_values(["The", " “old", " house”", " 7"])
    by_name = dict(zip([one.name for one in found], values.T.tolist(), strict=True))
    assert by_name["capital"] == [1, 0, 0, 0] and by_name["quotes"] == [0, 1, 0, 0]
    assert by_name["word-length"] == [3, 3, 0, 1] and by_name["position"] == [2, 7, 14, 16]


# ---------------------------------------------------------------- ranking


def quoting_model(rng):
    """A SimpleRNN whose unit 3 is set by “ and cleared by ”; the others are random."""
    text = "“Oh,” he said, “it is late.” She nodded, and took her hat.\n" * 8
    config = config_of(arch="simple", input="one-hot")
    tokenizer = build_tokenizer(config.tokenizer, [text])
    arrays = language_model_arrays(config, tokenizer.vocab_size, rng)
    kernel, recurrent, bias = (arrays[f"layer0/{name}"] for name in ("kernel", "recurrent_kernel", "bias"))
    kernel[:, 3] = recurrent[:, 3] = 0
    kernel[tokenizer.encode("“”"), 3] = 9, -9
    recurrent[3, 3], bias[3] = 3, -0.5
    network = make_network(config.model, tokenizer.vocab_size, arrays, window=4, start_id=2)
    return LanguageModel(network, tokenizer, config, 2, {}), text


def test_rank_finds_a_planted_unit(rng):
    model, text = quoting_model(rng)
    reading = read_language_model(model, model.tokenizer.encode(text), text)
    ranking = rank(reading)
    names = [one.name for one in ranking.properties]
    (unit, r), (_, second) = top(ranking, reading.units, names.index("quotes"), 2)
    assert unit == Unit(1, "h", 3) and r > 0.97 > 0.9 > abs(second)
    assert ranking.chance[names.index("quotes")] < r


def test_rank_gives_pearson_correlations(rng):
    tokens = list("some words, and Some more; 12\n" * 4)
    reading = Reading(tokens, [Unit(1, "h", k) for k in range(3)], rng.normal(size=(3, len(tokens))).astype(np.float32))
    ranking, (_, values) = rank(reading), token_values(tokens)
    expected = np.corrcoef(reading.values, values.T)[:3, 3:]
    np.testing.assert_allclose(ranking.correlations, expected, atol=1e-6)


def test_rank_of_units_that_stay_the_same_is_zero():
    tokens = list("some words, and Some more; 12\n" * 4)
    values = np.full((2, len(tokens)), 0.1, np.float32)
    assert not rank(Reading(tokens, [Unit(1, "h", 0), Unit(1, "h", 1)], values)).correlations.any()


def test_chance_of_noise_is_what_noise_reaches(rng):
    units, wanted = standardized(rng.normal(size=(2000, 50))), standardized(rng.normal(size=(2000, 2)))
    chance = chance_of(units, wanted)
    # The largest of 50 |r| of noise is about 2.5 / sqrt(2000) = 0.056 on average, its 95 % quantile about 0.075.
    assert ((chance > 0.055) & (chance < 0.1)).all()
    assert (np.abs(units.T @ wanted / 2000).max(0) < 1.3 * chance).all()


# ---------------------------------------------------------------- the page


@pytest.fixture(scope="module")
def evil():
    text = f"{EVIL} </script><!-- & “quoted” \n" * 4
    model, _ = language_model(np.random.default_rng(3), text, arch="lstm")
    reading = read_language_model(model, model.tokenizer.encode(text), text)
    page = format_cells(reading, rank(reading), Origin(EVIL, "lstm", EVIL, [EVIL]))
    return text, reading, page


def data_of(page):
    return json.loads(re.search('<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def test_format_cells_is_well_formed_and_escapes_everything(evil):
    text, _, page = evil
    found = Strict(page)
    assert found.elements.count("script") == 2 and found.elements.count("main") == 1 == found.elements.count("h1")
    assert page.count("<script") == 2 == page.count("</script") and "<!--" not in page
    assert "".join(re.findall(r"<span(?: class=e)?>(.*?)</span>", page, re.S)).count("&lt;") == text.count("<")
    assert not [name for _, name, _ in found.attributes if name.startswith("on") or name in ("href", "src", "srcset")]


def test_format_cells_lets_no_script_run_but_its_own(evil):
    _, _, page = evil
    script = re.search("<script>(.*?)</script>", page, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(value for tag, name, value in Strict(page).attributes if (tag, name) == ("meta", "content"))
    assert "default-src 'none'" in policy and f"script-src 'sha256-{digest}'" in policy and "unsafe-eval" not in policy
    assert "innerHTML" not in script and "http" not in script and "eval" not in script


def test_format_cells_holds_the_activations(evil):
    _, reading, page = evil
    data = data_of(page)
    small = np.frombuffer(base64.b64decode(data["values"]), np.int8).reshape(len(data["units"]), data["tokens"])
    scale = np.array(data["scale"])[:, None]
    assert np.abs(small / 127 * scale - reading.values).max() <= (scale / 254 * 1.01).max()
    assert data["units"][UNITS] == "layer 1 c 0" and len(data["r"][0]) == len(data["properties"])
    np.testing.assert_allclose(data["r"], rank(reading).correlations, atol=1e-4)
    assert np.abs(data["r"][data["first"]]).max() == np.abs(data["r"]).max()


def test_format_cells_keeps_the_best_units_when_there_is_too_much(evil, monkeypatch):
    _, reading, _ = evil
    ranking = rank(reading)
    monkeypatch.setattr(cells, "MOST_VALUES", 4 * len(reading.tokens) + 3)
    best = np.argsort(-np.abs(ranking.correlations).max(1))
    assert set(shown_units(reading, ranking)) == set(best[:4])
    assert best[-1] in shown_units(reading, ranking, int(best[-1]))
    assert len(shown_units(reading, ranking, int(best[-1]))) == 4
    page = format_cells(reading, ranking, Origin("run", "lstm", "text"))
    assert len(data_of(page)["units"]) == 4 and "it holds the 4 units" in page


def test_quantized_of_zeros_is_zero():
    small, scale = quantized(np.zeros((1, 3)))
    assert small.tolist() == [[0, 0, 0]] and scale.tolist() == [1]


def test_colours_of_units_can_be_read():
    style = (TEMPLATES / "cells.css").read_text(encoding="utf-8")
    for scheme, colours in zip(re.findall(r"--up: ([\d ]+); --down: ([\d ]+)", style), COLOURS, strict=True):
        for colour in scheme:
            strongest = "#" + "".join(f"{int(part):02x}" for part in colour.split())
            assert contrast(strongest, colours["ink"]) >= 4.5, (strongest, colours["ink"])


# ---------------------------------------------------------------- the command


@pytest.fixture
def home(tmp_path, monkeypatch, rng):
    monkeypatch.chdir(tmp_path)
    write_language_model(tmp_path / "models" / "small", rng, TEXT, arch="lstm")
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path


def test_cells_writes_a_page_of_a_file_or_of_what_was_held_out(home):
    told = good("inspect", "cells", "text.txt", "--unit", "5", "--json").json
    assert (told["output"], told["text"], told["tokens"], told["units"]) == ("cells.html", "text.txt", len(TEXT), 14)
    page = (home / "cells.html").read_text(encoding="utf-8")
    assert data_of(page)["units"][data_of(page)["first"]] in ("layer 1 h 5", "layer 1 c 5")
    best = told["properties"][0]["best"]
    assert [abs(one["r"]) for one in best] == sorted((abs(one["r"]) for one in best), reverse=True)
    assert told["statistic"] == "pearson" and len(best) == 5
    out = good("inspect", "cells", "--model", "small", "-o", "held.html", "--chars", "30").out
    assert "chance" in out and "wrote held.html: 30 tokens, 14 units" in out
    assert "the text held out in training" in (home / "held.html").read_text(encoding="utf-8")


def test_cells_of_a_classifier(home, rng):
    write_classifier(home / "models" / "judge", rng, ["said", "no", "came"], pooling="last", arch="lstm")
    told = good("inspect", "cells", "text.txt", "--model", "judge", "--json").json
    assert told["units"] == UNITS and told["tokens"] > 20
    assert "The first of 2 networks." in (home / "cells.html").read_text(encoding="utf-8")
