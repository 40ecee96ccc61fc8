"""`textrnn inspect attention`: the weights are those of the pooling, the page is harmless, pictures show their text."""

import dataclasses
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from cli_fixtures import good
from inspect_cases import EMBED, LABELS, write_classifier
from matplotlib import font_manager
from report_cases import EVIL, POLICY, Strict

from textrnn.classifier import recurrent as recurrent_classifier
from textrnn.classifier.predict import Networks, open_classifier
from textrnn.inspect.attention import Attended, attention_weights, format_attention
from textrnn.nn.numpy.weights import Weights
from textrnn.report import pictures
from textrnn.report.pictures import MISSING, Titles, draw_curves, draw_matrix
from textrnn.text.tokens.vocabulary import build_vocabulary


@pytest.fixture
def classifier(tmp_path, rng):
    write_classifier(tmp_path / "models" / "judge", rng, ["good", "tea", "bad"], layers=2)
    return open_classifier(tmp_path / "models" / "judge")


def test_attention_weights_are_those_that_predict(classifier):
    networks, text = classifier.networks, "Good, BAD green tea"
    tokens, weights = attention_weights(networks, text)
    assert tokens == ["good", " ,", " bad", " green", " tea"] and weights.shape == (2, 5)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    for member, shares in zip(networks.members, weights, strict=True):
        ids, _ = networks.encode(text)
        pooled = shares @ member.outputs(ids)[-1]
        np.testing.assert_allclose(pooled @ member._kernel + member._bias, member.logits([ids])[0], atol=1e-5)


def test_attention_weights_of_a_long_text_are_of_its_ends(classifier):
    classifier.networks.max_length = 4
    tokens, weights = attention_weights(classifier.networks, "a b c d e f g")
    assert tokens == ["a", " b", " f", " g"] and weights.shape == (2, 4)


def test_attention_weights_of_subwords_add_up(rng):
    vocabulary = build_vocabulary(["好茶"] * 3, level="bpe", max_size=260)
    config = recurrent_classifier.EncoderConfig(arch="simple", units=3, embed=EMBED, pooling="attention")
    shapes = {
        "embedding/embeddings": (vocabulary.vocab_size, EMBED),
        "layer0/kernel": (EMBED, 3),
        "layer0/recurrent_kernel": (3, 3),
        "layer0/bias": (3,),
        "pooling/query": (3, 1),
        "output/kernel": (3, 2),
        "output/bias": (2,),
    }
    weights = Weights({name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()})
    member = recurrent_classifier.RecurrentClassifier(config, vocabulary.vocab_size, 2, weights)
    tokens, found = attention_weights(Networks([member], vocabulary, 256), "好茶。")
    ids = vocabulary.encode("好茶。")
    assert "".join(tokens) == "好茶。" and len(ids) > len(tokens)  # 。 is spelled in bytes
    shares = member.attention(ids)
    np.testing.assert_allclose(found.sum(), 1, atol=1e-6)
    np.testing.assert_allclose(found[0, -1], shares[-3:].sum(), atol=1e-6)


def test_format_attention_is_well_formed_and_never_active():
    texts = [Attended([EVIL, " tea", "好"], np.array([[0.8, 0.15, 0.05]]), EVIL, 0.9)] * 2
    page = format_attention(texts, run=EVIL)
    found = Strict(page)
    assert "script" not in found.elements and ("meta", "content", POLICY) in found.attributes
    assert found.elements.count("section") == 2 and EVIL in " ".join(found.words)
    assert 'class="right2" title="0.800"' in page and '<mark title="0.150">tea' in page


def test_attention_writes_a_page_and_a_picture(classifier, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts.txt").write_text("good tea\n\nbad tea, bad\n")
    told = good("inspect", "attention", "texts.txt", "--text", "tea", "--json").json
    assert [one["tokens"] for one in told["texts"]] == [["tea"], ["good", " tea"], ["bad", " tea", " ,", " bad"]]
    assert told["texts"][0]["weights"] == [1.0] and told["texts"][0]["label"] in LABELS
    assert (tmp_path / "attention.html").read_text().count('class="explained"') == 3
    out = good("inspect", "attention", "--text", "bad tea", "-o", "one.png").out
    assert "wrote one.png" in out and (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


# ---------------------------------------------------------------- pictures


def test_draw_matrix_warns_of_characters_that_no_font_has(tmp_path):
    said = []
    draw_matrix(
        tmp_path / "x.png", np.eye(2), ["a$b$", "\U00012000"], ["\n", " "], titles=Titles("t"), warn=said.append
    )
    assert len(said) == 1 and "no font here has 1 of the characters" in said[0] and MISSING in said[0]
    assert (tmp_path / "x.png").is_file()


def test_draw_matrix_shows_the_first_of_many_tokens(tmp_path):
    said = []
    draw_matrix(tmp_path / "x.png", np.ones((1, 99)), ["a"], ["b"] * 99, titles=Titles(), warn=said.append)
    assert said == [f"{tmp_path / 'x.png'}: the picture shows the first 80 tokens of 99"]


def test_cjk_font_is_found_though_matplotlib_does_not_know_it_yet(tmp_path, monkeypatch):
    manager = font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", [])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [])
    assert pictures._cjk_font() is None
    new = tmp_path / "NotoSansSC-Regular.otf"
    new.write_bytes((Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf").read_bytes())
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/x/Other.ttf", str(new)])
    assert pictures._cjk_font() == "DejaVu Sans" and [font.fname for font in manager.ttflist] == [str(new)]
    manager.ttflist[0] = dataclasses.replace(manager.ttflist[0], name="SimHei")
    assert pictures._cjk_font() == "SimHei"


def test_draw_curves_leaves_out_what_is_zero(tmp_path):
    values, said = np.array([1.0, 0.1, 0.0]), []
    draw_curves(tmp_path / "x.png", [("a", *[values] * 3)], titles=Titles("t", "y", "x"), warn=said.append)
    assert said == [] and (tmp_path / "x.png").is_file()
