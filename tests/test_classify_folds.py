"""Cross-validation: each row evaluated once by a model that has not seen it, and how much that varies."""

import itertools
import json
import math
import statistics

import numpy as np
import pytest
from classify_cases import TINY, reviews, write_table
from cli_fixtures import good

from textrnn.base.errors import DataError
from textrnn.base.files import RUN_FILE, read_json
from textrnn.classifier import models
from textrnn.classifier import train as classify
from textrnn.classifier.data import Rows
from textrnn.classifier.evaluation import Evaluated, _raw_log_loss, fit_and_evaluate, joined
from textrnn.classifier.kinds import Classes
from textrnn.classifier.models import FitRequest, Models
from textrnn.classifier.network_request import FittedNetwork
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.plan import cross_validation
from textrnn.classifier.splits import folded
from textrnn.report.calibration import apply_temperature, softmax
from textrnn.report.comparison import Judged, folds_in_words, folds_table, over_folds
from textrnn.report.html_report import format_html
from textrnn.report.metrics import log_loss
from textrnn.report.text_report import format_report

KIND = Classes(["bad", "good"])
LINEAR = ("--model", "linear", "--time", "1s", "-q")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows_of(texts, labels):
    return Rows(list(texts), np.array(labels), np.arange(1, len(texts) + 1))


def test_over_folds_by_hand():
    """Fold 0 has 1 of 2 rows right, fold 1 has 3 of 3: 0.5 and 1, mean 0.75, deviation sqrt(2 * 0.25^2 / (2 - 1))."""
    labels, fold_of = np.array([0, 1, 1, 0, 1]), np.array([0, 0, 1, 1, 1])
    said = np.array([[0.9, 0.1], [0.6, 0.4], [0.1, 0.9], [0.8, 0.2], [0.5 - 1e-6, 0.5 + 1e-6]])
    found = over_folds(KIND, labels, {"linear": Judged(said, np.zeros((5, 0)))}, fold_of)
    assert (found["count"], found["rows"]) == (2, [2, 3])
    spread = found["models"]["linear"]
    assert spread["accuracy"] == pytest.approx(dict(mean=0.75, std=math.sqrt(0.125)))
    nats = [-(math.log(0.9) + math.log(0.4)) / 2, -(math.log(0.9) + math.log(0.8) + math.log(0.5)) / 3]
    assert spread["log_loss"]["mean"] == pytest.approx(statistics.mean(nats), abs=1e-5)
    assert spread["log_loss"]["std"] == pytest.approx(statistics.stdev(nats), abs=1e-5)
    json.dumps(found, allow_nan=False)


def test_over_folds_without_roc_auc_and_of_one_fold():
    said = np.full((3, 3), 1 / 3)
    judged = {"rnn": Judged(said, np.zeros((3, 0)))}
    spread = over_folds(Classes("abc"), np.array([0, 1, 2]), judged, np.zeros(3, int))["models"]["rnn"]
    assert spread["roc_auc"] is None and spread["accuracy"]["std"] is None
    table = folds_table(dict(models=dict(rnn=spread)))
    assert table[0] == ["model", "accuracy", "macro F1", "log-loss", "calibration error"]
    assert table[1][:2] == ["rnn", "33.3 %"]
    assert folds_in_words(dict(count=1, rows=[3])) == "A single fold of 3 rows was judged."


def test_over_folds_needs_a_fold_for_each_row():
    with pytest.raises(DataError, match="2 numbers of folds and 3 labels"):
        over_folds(KIND, np.array([0, 1, 1]), {}, np.array([0, 1]))


def test_cross_validation_judges_each_row_once_and_splits_no_text():
    texts = [f"text {n % 17}" if n % 3 else f"TEXT  {n % 17}" for n in range(60)]
    plan = cross_validation(rows_of(texts, [n % 2 for n in range(60)]), "a.csv", KIND, 4, 0)
    assert plan.num_fits == 5 and plan.every.numbers.tolist() == list(range(1, 61))
    assert sorted(np.concatenate([held.numbers for _, held in plan.parts]).tolist()) == list(range(1, 61))
    for learnt, held in plan.parts:
        assert not {folded(text) for text in learnt.texts} & {folded(text) for text in held.texts}
        assert len(learnt.texts) + len(held.texts) == 60


def test_joined_keeps_rows_and_what_is_said_of_them_together():
    parts = []
    for numbers in ([2, 5], [1, 4], [3]):
        some = Rows([f"text {n}" for n in numbers], np.array(numbers) % 2, np.array(numbers))
        said = np.array([[n / 10, 1 - n / 10] for n in numbers])
        cuts, fold = np.array(numbers)[:, None] / 7, np.zeros(len(numbers), int)
        parts.append(Evaluated(some, {"rnn": said}, said, {"rnn": cuts}, cuts, [f"m{numbers[0]}"], fold, 1))
    found = joined(parts)
    assert found.rows.numbers.tolist() == [1, 2, 3, 4, 5] and found.rows.texts[3] == "text 4"
    assert found.rows.labels.tolist() == [1, 0, 1, 0, 1]
    assert found.predictions["rnn"][:, 0].tolist() == found.used[:, 0].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert (found.decisions["rnn"] * 7).round().tolist() == [[n] for n in range(1, 6)]
    assert found.fold_of.tolist() == [1, 0, 2, 1, 0]
    assert (found.choices, found.truncated) == (["m2", "m1", "m3"], 3)


class Sayer:
    """A classifier that says for each text which rows it has learnt from."""

    chosen = "linear"

    def __init__(self, fitted):
        self.known = set(fitted.rows.texts)

    def decision_of(self, model):
        return np.zeros(0)

    def all_predictions(self, texts, *, every):
        known = np.array([text in self.known for text in texts], float)
        return {"linear": np.stack([known, 1 - known], 1)}, np.zeros(len(texts), bool)


def test_fit_and_evaluate_asks_only_models_that_have_not_seen_the_row():
    plan = cross_validation(rows_of([f"t{n}" for n in range(20)], [n % 2 for n in range(20)]), "a.csv", KIND, 3, 0)
    learnt, told = [], []
    fitted, evaluated = fit_and_evaluate(
        plan, lambda rows: learnt.append(len(rows.texts)), Sayer, interrupted=lambda: False, say=told.append
    )
    assert sorted(learnt[:3]) == [13, 13, 14] and learnt[3] == 20
    assert fitted.rows is plan.every and evaluated.used[:, 0].tolist() == [0.0] * 20
    assert told == ["fold 1 of 3:", "fold 2 of 3:", "fold 3 of 3:", "all rows:"]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_raw_log_loss_is_that_of_the_logits_before_calibration(temperature, rng):
    logits, labels = rng.normal(0, 2, (50, 3)), rng.integers(0, 3, 50)
    calibrated = apply_temperature(logits, temperature)
    assert _raw_log_loss(labels, calibrated, temperature) == pytest.approx(log_loss(labels, softmax(logits)))


def test_shares_of_the_time_are_equal_and_pass_on_what_is_left(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(classify.time, "monotonic", lambda: clock[0])
    shares = classify._shares(60.0, 90.0, 3)  # ten seconds have gone by
    first = next(shares)
    assert first() == pytest.approx(50 / 3)
    clock[0] = 110.0
    second = next(shares)
    assert (first(), second()) == (pytest.approx(50 / 3 - 10), pytest.approx(20))
    clock[0] = 135.0  # five seconds too long
    assert (second(), next(shares)()) == (pytest.approx(-5), pytest.approx(15))


def test_folds_are_reported_in_text_page_and_json(place):
    rows = reviews(61)
    write_table("reviews.csv", [*rows, rows[0], rows[1], ("a lovely tea", "")])
    report = good("classify", "reviews.csv", "--folds", "4", *LINEAR, "--json").json
    assert report["test"]["rows"] == report["rows"]["used"] == sum(report["folds"]["rows"]) == 63
    assert report["folds"]["count"] == 4 and report["folds"]["chosen"] == ["linear"] * 4
    assert report["test"] == report["models"]["linear"]
    spread = report["folds"]["models"]["linear"]
    assert set(spread) == {"accuracy", "macro_f1", "log_loss", "calibration_error", "roc_auc"}
    shown = f"{100 * spread['accuracy']['mean']:.1f} % ± {100 * spread['accuracy']['std']:.1f}"
    page = (place / "models" / "reviews" / "report.html").read_text(encoding="utf-8")
    for text in (format_report(report), page, format_html(report)):
        assert shown in text and "over 4 folds of 15 to 16 rows" in text
    details = read_json(place / "models" / "reviews" / RUN_FILE)
    assert details["metrics"]["folds"] == 4 and details["table"]["rows"] == 63
    assert "of 63 rows of reviews.csv, each held out once in 4 folds (95 %" in good("info", "reviews").out
    assert (place / "reviews.predicted.csv").exists()


def test_folds_that_choose_differently_say_so():
    report = dict(folds=dict(count=2, rows=[3, 3], models={}, words="Each fold chose for itself."))
    for text in (format_report(report), format_html(report)):
        assert "Each fold chose for itself." in text


@pytest.mark.parametrize("labels, num_folds", [([0] * 9 + [2] * 4, 4), ([0] * 9 + [1], 2)])
def test_no_more_folds_of_networks_than_the_smallest_class_has_rows(labels, num_folds):
    texts = [f"text {n}" for n in range(len(labels))]
    request = FitRequest(ClassifierConfig(), Classes("abc"), texts=texts, labels=np.array(labels))
    once = list(itertools.islice(models._folds(request), num_folds))
    assert sorted(np.concatenate([held for _, held in once]).tolist()) == list(range(len(labels)))


@pytest.mark.parametrize(
    ("options", "num_networks"),
    [({}, 5), ({"time_s": 60.0}, 10), ({"networks": 2}, 2), ({"networks": 7, "time_s": 60.0}, 7)],
)
def test_networks_beyond_the_folds_leave_out_each_row_again(monkeypatch, options, num_networks):
    labels = np.arange(40) % 2
    texts, made = [f"text {n}" for n in range(40)], list[tuple[set[int], float]]()

    def fit(asked):
        made.append(({int(ids[-1]) for ids in asked.held}, len(made) + 1.0))
        return FittedNetwork({}, np.full((len(asked.held), 2), made[-1][1]))

    monkeypatch.setattr(models, "_fit_function", lambda config: fit)
    config = ClassifierConfig.from_options({**options, "min_count": 1})
    request = FitRequest(config, Classes("ab"), "rnn", texts=texts, labels=labels)
    vocabulary, _ = models._make_vocabulary(request)
    found = Models()
    outputs = models._fit_networks(request, found, vocabulary, None)
    assert len(found.networks) == len(made) == num_networks
    for text, own in zip(texts, outputs, strict=True):
        left_out = [number for ids, number in made if int(vocabulary.encode(text)[-1]) in ids]
        assert len(left_out) in {num_networks // 5, -(-num_networks // 5)}
        assert not left_out or own.tolist() == [np.mean(left_out)] * 2
        assert left_out or np.isnan(own).all()
    if num_networks > 5:  # other folds than those of before
        assert made[5][0] not in [held for held, _ in made[:5]]


@pytest.mark.slow
def test_networks_are_evaluated_in_folds(place):
    write_table("reviews.csv", reviews(80))
    ran = good("classify", "reviews.csv", "--folds", "2", *TINY[:-1], "--json")
    assert set(ran.json["folds"]["models"]) == {"linear", "rnn", "combined"}
    assert ran.json["test"]["rows"] == ran.json["models"]["rnn"]["rows"] == 80
    assert ran.err.count("loading TensorFlow") == 1 and "3 fits in at most" in ran.err
    assert (place / "models" / "reviews" / "history.csv").read_text().startswith("network,epoch,train_nats,seconds")
    assert "Learning" in (place / "models" / "reviews" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("count", "folds", "is_warned"), [(101, None, False), (100, 5, False), (20, 5, False), (19, 5, True)]
)
def test_few_rows_are_each_measured_once_and_that_is_said(place, count, folds, is_warned):
    write_table("few.csv", reviews(count))
    ran = good("classify", "few.csv", "--model", "linear", "--time", "1s")
    assert (f"{count} labelled rows are few: each is measured once, in 5 folds; --folds or --test" in ran.err) == bool(
        folds
    )
    assert ("too few to learn from" in ran.err) == is_warned
    details = read_json(place / "models/few" / RUN_FILE)
    assert details["metrics"].get("folds") == folds
    if folds:
        assert details["metrics"]["test_rows"] == count
