"""A run that is gone on with by another learning rate or dropout: it is learnt with, kept in the run, and exact."""

import math
import signal
import time
from pathlib import Path

import pytest
from cli_fixtures import TINY, good, refused, start, story
from resume_cases import EXACT, model_of, train
from resume_cases import not_deterministic_for_ever as not_deterministic_for_ever  # a fixture

from textrnn.base.files import RUN_FILE, read_json, read_weights
from textrnn.language_model import learner as session
from textrnn.training.checkpoint import Progress, checkpoints, save_checkpoint

CHANGED = ("--learning-rate", "0.001", "--dropout", "0")


def run_of(name):
    return read_json(Path("models") / name / RUN_FILE)


@pytest.fixture
def watched(monkeypatch):
    """The learning rate of each step that is made, and the network of each training."""
    rates, networks, make, build = [], [], session.make_step, session.build_language_model

    def watched_step(*arguments, **options):
        step = make(*arguments, **options)

        def call(arrays, state, rate):
            rates.append(float(rate))
            return step(arrays, state, rate)

        return call

    monkeypatch.setattr(session, "make_step", watched_step)
    monkeypatch.setattr(
        session, "build_language_model", lambda *a, **o: networks.append(build(*a, **o)) or networks[-1]
    )
    return rates, networks


def test_resume_learns_with_the_new_rate_and_dropout_and_says_so(home, watched):
    rates, networks = watched
    steps = run_of("lstm")["metrics"]["step"]
    ran = good("train", "--resume", "lstm", *CHANGED, "--epochs", "3", "--no-samples")
    line = "resuming models/lstm; from here on learning rate 0.001 (was 0.006), dropout 0 (was 0.1)"
    assert ran.err.splitlines()[0] == line
    total = steps + len(rates)  # none of these steps teaches nothing, or the last one would be missing here
    for number, rate in enumerate(rates):
        cosine = 0.5 * (1 + math.cos(math.pi * (steps + number) / total))
        assert rate == pytest.approx(0.001 * (0.02 + 0.98 * cosine), rel=1e-5)
    assert [layer.rate for layer in networks[0].dropouts] == [0]
    found = run_of("lstm")
    assert found["changes"] == [{"step": steps, "learning_rate": [0.006, 0.001], "dropout": [0.1, 0]}]
    assert (found["config"]["optimization"]["learning_rate"], found["config"]["model"]["dropout"]) == (0.001, 0)
    shown = f"learning rate 0.001 (was 0.006), dropout 0 (was 0.1), after step {steps}"
    assert f"changed        {shown}" in good("info", "lstm").out
    assert good("info", "lstm", "--json").json["changes"] == found["changes"]


def test_same_values_change_nothing(home):
    given = ("--learning-rate", "0.006", "--dropout", "0.1")
    assert train("--resume", "lstm", *given, "--epochs", "2.5")["changes"] == []
    assert "changes" not in run_of("lstm") and "changed" not in good("info", "lstm").out


def test_new_rate_is_not_halved_by_what_went_wrong_before(home, watched):
    """A run whose learning rate was halved twice, by hand."""
    (path, *_) = checkpoints(Path("models/lstm")).values()
    arrays, metadata = read_weights(path)
    progress = Progress.from_json(metadata["progress"])
    progress.rate_scale = 0.25
    groups = {}
    for name, array in arrays.items():
        groups.setdefault(name.partition("/")[0], {})[name.partition("/")[2]] = array
    state = groups.pop("state", {})
    save_checkpoint(Path("models/lstm"), groups, [state[name] for name in sorted(state)], progress)
    plain = ("--schedule", "cosine", "--epochs", "2.2")
    train("--resume", "lstm", *plain)
    halved = watched[0].copy()
    assert 0 < max(halved) < 0.006 / 4
    train("--resume", "lstm", "--learning-rate", "0.004", "--epochs", "9")
    assert max(watched[0][len(halved) :]) > 0.003


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--learning-rate", "0"), ["--learning-rate is 0", "above 0"]),
        (("--dropout", "1"), ["--dropout is 1", "from 0 to 0.95"]),
        (("--units", "9", *CHANGED), ["--units is 8 in the run and 9 here"]),
        (CHANGED, ["has used up its budget"]),
    ],
)
def test_what_cannot_be_changed_is_refused_and_leaves_the_run_alone(home, options, says):
    before = (home / "models/lstm" / RUN_FILE).read_bytes()
    refused("train", "--resume", "lstm", *options, code=2, says=says)
    assert (home / "models/lstm" / RUN_FILE).read_bytes() == before


def test_echo_state_networks_have_no_rate_to_change(home):
    good("train", "story.txt", "--arch", "esn", "--units", "20", "--time", "9s", "--name", "esn", "-q")
    refused("train", "--resume", "esn", *CHANGED, code=2, says=["is an echo state network"])


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("translate", "".join(f"{word}\t{word[::-1]}\n" for word in story(9).split())),
        ("answer", "".join(f"1 {who} went home.\n2 Where is {who}?\thome\t1\n1 {who} left.\n2 Where is {who}?\tout\t1\n"
                           for who in ("Mary", "John", "Ann"))),
    ],
)  # fmt: skip
def test_other_commands_change_their_rate(home, command, text):
    Path("lines.tsv").write_text(text)
    extra = ("--tries", "1") if command == "answer" else ("--units", "8")
    good(command, "lines.tsv", *extra, "--epochs", "2", "--name", "other", "-q")
    result = good(command, "--resume", "other", "--learning-rate", "0.0005", "--epochs", "3", "--json", "-q").json
    (change,) = result["changes"]
    assert change["learning_rate"][1] == 0.0005 and change["step"] > 0
    assert "learning rate 0.0005 (was" in good("info", "other").out


@pytest.mark.slow
def test_same_commands_give_the_same_bytes(home):
    """Dropout goes and comes: with it its generators of random numbers, of which a checkpoint has some or none."""
    for name in ("one", "two"):
        good("train", "story.txt", *TINY, "--deterministic", "--dropout", "0.3", "--epochs", "1", "--name", name, "-q")
        train("--resume", name, "--learning-rate", "0.002", "--dropout", "0", "--epochs", "1.5")
        train("--resume", name, "--learning-rate", "0.001", "--dropout", "0.5", "--epochs", "2")
    assert model_of("one") == model_of("two")
    changes = run_of("one")["changes"]
    assert changes == run_of("two")["changes"]
    assert [(change["learning_rate"][1], change["dropout"]) for change in changes] == [
        (0.002, [0.3, 0]),
        (0.001, [0, 0.5]),
    ]


@pytest.mark.slow
def test_killed_after_a_change_goes_on_with_the_new_rate(home, watched):
    for name in ("whole", "killed"):
        good("train", "story.txt", *EXACT, "--epochs", "1", "--name", name)
    given = ("--learning-rate", "0.0005", "--epochs", "6", "--save-every", "0.001s", "--no-samples", "-q")
    whole = good("train", "--resume", "whole", *given, "--json").json
    before, run = max(checkpoints(Path("models/killed"))), Path("models/killed")
    with start("train", "--resume", "killed", *given, cwd=home) as process:
        while max(checkpoints(run), default=0) <= before + 3:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert before + 3 < max(checkpoints(run)) < whole["steps"]
    watched[0].clear()
    assert train("--resume", "killed")["changes"] == whole["changes"]
    assert 0 < max(watched[0]) <= 0.0005
    assert model_of("killed") == model_of("whole")
