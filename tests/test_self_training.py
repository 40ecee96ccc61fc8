"""Texts without labels that are learnt from by what models say of them."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from classify_cases import TINY, reviews, write_table
from cli_fixtures import good

from textrnn.classifier.fit import fit_classifier
from textrnn.classifier.kinds import Classes, Grades, Numbers, Several
from textrnn.classifier.network_request import FittedNetwork, NetworkRequest, Taught
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.self_training import SelfTraining

KIND, LABELS = Classes(["bad", "good"]), (np.arange(10) + 1) % 2
LEARNT, HELD = np.arange(2, 10), np.arange(2)
TEXTS = [f"more {n}" for n in range(6)]


class FakeLinear:
    """Is sure that a text is good if its last figure is even."""

    def logits(self, texts):
        good = np.array([float(int(text[-1]) % 2 == 0) for text in texts])
        return np.stack([5 - 10 * good, 10 * good - 5], 1)


class World:
    """A network that is trained without learning, a clock that stands still, and all that was asked for."""

    def __init__(self, left_s=1e6, stops_at=None):
        self.requests, self.linear_rows, self.said, self.stops_at = [], [], [], stops_at
        self.training = SelfTraining(
            fit=self.fit,
            texts=TEXTS,
            rows=[f"row {n}" for n in range(10)],
            labels=LABELS,
            encode=lambda texts: [np.array([int(text[-1])]) for text in texts],
            refit=self.refit,
            left_s=lambda: left_s,
            say=self.said.append,
        )
        config = ClassifierConfig.from_options({})
        self.request = NetworkRequest(
            config=config,
            texts=[np.array([n]) for n in LEARNT],
            labels=LABELS[LEARNT],
            held=[np.array([n]) for n in HELD],
            vocab_size=10,
            kind=KIND,
            row_weights=np.ones(8),
            interrupted=lambda: self.stops_at is not None and len(self.requests) >= self.stops_at,
        )

    def fit(self, request):
        self.requests.append(request)
        number = len(self.requests)
        read = lambda ids: np.zeros((len(ids), 2), np.float32)  # noqa: E731
        return FittedNetwork({"number": np.array(number)}, read(request.held), [dict(epoch=3.0)], read)

    def refit(self, rows):
        self.linear_rows.append(rows)
        return FakeLinear()

    def train(self):
        return int(self.training.train(self.request, LEARNT, HELD).weights["number"])


def test_the_second_network_learns_what_models_that_left_out_the_same_rows_say():
    world = World()
    assert world.train() == 2 and len(world.requests) == 2
    first, second = world.requests
    assert not first.taught.texts and second.held is first.held and second.texts is first.texts
    assert [rows.tolist() for rows in world.linear_rows] == [LEARNT.tolist()]
    assert [ids.tolist() for ids in second.taught.texts] == [[n] for n in range(6)]
    good = second.taught.targets[:, 1]
    assert second.taught.targets.sum(1) == pytest.approx(np.ones(6), rel=1e-5)
    assert (good[::2] > 0.6).all() and (good[1::2] < 0.4).all()
    assert world.said[-1].startswith("6 texts without labels are learnt from by what models say of them")


@pytest.mark.parametrize(
    ("world", "num_requests"), [(World(left_s=0.0), 1), (World(stops_at=1), 1), (World(stops_at=2), 2)]
)
def test_the_first_network_stays_where_there_is_no_time_for_another(world, num_requests):
    assert world.train() == 1 and len(world.requests) == num_requests
    assert ("no time is left" in "".join(world.said)) == (world.stops_at is None)


@pytest.mark.parametrize(
    ("kind", "labels", "sure"),
    [
        (KIND, np.array([0, 1]), np.eye(2)),
        (Grades(["1", "2", "5"], [1.0, 2.0, 5.0]), np.array([2, 0]), np.eye(3)[[2, 0]]),
        (Several(["art", "food"], "; "), np.array([[True, False], [True, True]]), np.array([[1.0, 0.0], [1.0, 1.0]])),
        (Numbers(10.0, 2.0), np.array([7.0, 11.0]), np.array([[7.0], [11.0]])),
    ],
    ids=lambda value: getattr(value, "task", None),
)
def test_soft_targets_of_what_is_sure_are_the_targets(kind, labels, sure):
    targets = kind.targets(labels)
    expected = np.eye(2)[targets] if targets.ndim == 1 else targets
    assert kind.soft_targets(sure) == pytest.approx(expected) and kind.soft_targets(sure).dtype == np.float32


def test_a_network_learns_the_rule_that_only_the_taught_texts_show(rng):
    """Whether token 5 is in a text; of the rows with labels none has it."""
    options = dict(units=8, embed=8, epochs=12, learning_rate=0.02, dropout=0.0, embed_dropout=0.0, word_dropout=0.0)
    texts = [rng.integers(1, 11, rng.integers(2, 9)).astype(np.int32) for _ in range(400)]
    has = np.array([int(5 in text) for text in texts])
    rows = list(itertools.islice((text for text in texts if 5 not in text), 20))
    taught = Taught(texts[:300], KIND.soft_targets(np.where(has[:300, None] == np.arange(2), 0.9, 0.1)))
    request = NetworkRequest(
        config=ClassifierConfig.from_options(options),
        texts=rows,
        labels=np.zeros(20, int),
        held=texts[300:],
        vocab_size=11,
        kind=KIND,
        row_weights=np.ones(20),
    )
    assert (fit_classifier(replace(request, taught=taught)).outputs.argmax(1) == has[300:]).mean() > 0.9


@pytest.mark.slow
def test_texts_of_a_file_are_learnt_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_table("reviews.csv", reviews(80))
    write_table("others.csv", reviews(40, seed=2))
    texts = [f"{text} once more {place}" for place, (text, _) in enumerate(reviews())]
    (tmp_path / "more.txt").write_text("\n".join(texts), encoding="utf-8")
    ran = good("classify", "reviews.csv", "--test", "others.csv", "--unlabelled", "more.txt", *TINY[:-1], "--json")
    assert "more.txt: 120 texts without labels" in ran.err and ran.err.count("network 1: ") == 1
    assert "120 texts without labels are learnt from by what models say of them" in ran.err
    assert {"linear", "rnn", "combined"} <= set(ran.json["models"])
