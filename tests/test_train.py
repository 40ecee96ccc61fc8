"""`textrnn train`, from the words of the command to the files of the run."""

import csv
import gzip
import hashlib
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_fixtures import ARCHITECTURES, QUICK, ROOT, TINY, good, refused, run_cli, snapshot, start, story

from textrnn import __version__
from textrnn.base.files import FORMAT_VERSION, read_json
from textrnn.training.trainer import GO_BACK_AFTER, MAX_HALVINGS

KEYS = {
    "run": str,
    "arch": str,
    "parameters": int,
    "seconds": float,
    "epochs": float,
    "chars_per_s": float,
    "val_nats_per_token": float,
    "val_bits_per_char": float,
    "precision": str,
}
COLUMNS = (
    "step,epoch,seconds,learning_rate,gradient_norm,train_nats_per_token,val_nats_per_token,"
    "train_bits_per_char,val_bits_per_char,chars_per_s"
)


def train(*arguments, **options):
    """Trains quickly and returns the object that --json prints."""
    return good("train", *arguments, "-q", "--json", **options).json


def details(name):
    return read_json(Path("models") / name / "run.json")


def test_train_json_has_the_documented_keys_and_nothing_else_is_on_standard_output(home):
    ran = good("train", "story.txt", *QUICK, "--json")
    assert len(ran.out.splitlines()) == 1
    assert {key: type(ran.json[key]) for key in KEYS} == KEYS
    assert set(ran.json) - set(KEYS) == {
        "changes",
        "steps",
        "skipped_steps",
        "val_tokens",
        "best_epoch",
        "copies",
        "ended",
        "example",
        "models",
        "workers",
    }
    assert (ran.json["run"], ran.json["arch"], ran.json["epochs"]) == ("models/story", "lstm", 2)
    for part in ("characters to learn from", "loading TensorFlow", "lstm with", "bits/char"):
        assert part in ran.err


def test_train_counts_the_parameters_of_its_formula(home):
    result = train("story.txt", *QUICK, "--arch", "lstm")
    vocab, gates = details("story")["vocab_size"], 1 + details("story")["counts"]["orders"]
    expected = vocab * 6 + 4 * (6 + 8 + 1) * 8 + (8 + 1) * (vocab + gates)
    assert result["parameters"] == expected == details("story")["parameters"]


def test_train_says_how_to_go_on(home):
    ran = good("train", "story.txt", *QUICK, "-q", "--models-dir", "my models")
    assert ran.err == ""
    assert "saved my models/story: " in ran.out and "bits per character on held-out text" in ran.out
    assert "textrnn generate --model story --models-dir 'my models'" in ran.out


@pytest.mark.slow
def test_train_names_the_run_after_the_corpus_and_numbers_it(home):
    (home / "My novel, part 1.txt").write_text(story())
    names = [train("My novel, part 1.txt", *QUICK)["run"] for _ in range(2)]
    assert names == ["models/My-novel-part-1", "models/My-novel-part-1-2"]


def test_train_overwrite_replaces_the_run(home):
    train("story.txt", *QUICK, "--name", "lstm", "--overwrite", "--arch", "gru")
    assert details("lstm")["config"]["model"]["arch"] == "gru"
    steps = details("lstm")["metrics"]["step"]
    found = {re.sub(r"step-\d{10}", "step", name) for name in snapshot("models")}
    assert f"lstm/checkpoint/step-{steps:010d}.safetensors" in snapshot("models")
    assert found == {
        "lstm",
        *(
            f"lstm/{name}"
            for name in (
                "checkpoint",
                "checkpoint/step.safetensors",
                "checkpoint/train.counts",
                "checkpoint/train.ids",
                "checkpoint/valid.counts",
                "checkpoint/valid.ids",
                "counts.safetensors",
                "curves.png",
                "history.csv",
                "samples.jsonl",
                "model.safetensors",
                "run.json",
                "tokenizer.json",
            )
        ),
    }


def test_run_json_tells_where_a_run_came_from(library):
    data = (library / "story.txt").read_bytes()
    found = details("lstm")
    assert found["command"].startswith("textrnn train ") and "--arch lstm --units 8" in found["command"]
    assert found["corpus"]["files"] == [
        {"name": "story.txt", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "encoding": "utf-8"}
    ]
    train_chars, valid_chars = (found["corpus"][part]["chars"] for part in ("train", "valid"))
    assert (train_chars, train_chars + valid_chars) == (int(len(data) * 0.9), len(data))
    assert set(found["versions"]) == {"textrnn", "python", "tensorflow", "keras", "numpy"}
    assert found["versions"]["textrnn"] == __version__
    assert found["config"]["model"]["units"] == 8 and found["config"]["optimization"]["random_seed"] == 0
    assert (found["kind"], found["status"], found["format_version"]) == ("language_model", "finished", FORMAT_VERSION)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_history_and_curves_are_written(arch, library):
    folder = library / "models" / arch
    lines = (folder / "history.csv").read_text().splitlines()
    counts = "" if arch == "bidirectional" else ",network_bits_per_char,counts_bits_per_char"
    assert lines[0] == COLUMNS + counts and len(lines) > 1
    rows = list(csv.DictReader(lines))
    best = min(float(row["val_bits_per_char"]) for row in rows)
    assert best == pytest.approx(details(arch)["metrics"]["val_bits_per_char"], rel=1e-5)
    assert float(rows[-1]["epoch"]) == pytest.approx(2, abs=0.3)
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.slow
def test_train_learns(home):
    result = train(
        "story.txt",
        "--units",
        "24",
        "--embed",
        "8",
        "--layers",
        "1",
        "--batch",
        "8",
        "--epochs",
        "20",
        "--warmup",
        "5",
        "--learning-rate",
        "0.02",
    )
    assert result["val_bits_per_char"] < 3.2  # chance is 5.1, and frequencies alone 4.3


@pytest.mark.slow
def test_same_random_seed_trains_the_same_model(home):
    first = details("lstm")["metrics"]  # seed 0
    second, other = (train("story.txt", *QUICK, "--random-seed", seed) for seed in (0, 6))
    assert first["val_nats_per_token"] == pytest.approx(second["val_nats_per_token"], rel=1e-5)
    assert first["val_nats_per_token"] != pytest.approx(other["val_nats_per_token"], rel=1e-5)


def test_train_names_the_encoding_that_it_found(home):
    text = "".join("天地玄黄宇宙洪荒\n" if number % 3 else "日月盈昃，辰宿列张。\n" for number in range(300))
    (home / "poem.txt").write_bytes(text.encode("gb18030"))
    ran = good("train", "poem.txt", *QUICK, "--no-samples")
    assert "poem.txt was read as gb18030" in ran.err
    assert details("poem")["corpus"]["files"][0]["encoding"] == "gb18030"
    assert details("poem")["corpus"]["train"]["chars"] == int(len(text) * 0.9)


def test_train_replaces_a_bad_byte_unless_it_is_told_to_refuse(home):
    (home / "bad.txt").write_bytes(("Чай " * 9 + story()).encode() + b"\xff.")
    refused("train", "bad.txt", *QUICK, "--strict-encoding", code=1, says=["bad.txt is utf-8 but for 1 place"])
    ran = good("train", "bad.txt", *QUICK, "--no-samples", "--name", "bad")
    assert f"bad.txt is utf-8 but for 1 place, at offset {63 + len(story())}, that does not decode" in ran.err
    again = good("train", "bad.txt", "--resume", "bad", "--epochs", "3", "--no-samples", "-q")
    assert "bad.txt is utf-8 but for 1 place" in again.err


def test_train_reads_standard_input(home):
    result = train("-", *QUICK, stdin=story().encode())
    assert result["run"] == "models/standard-input"
    assert details("standard-input")["corpus"]["files"][0]["name"] == "standard input"


@pytest.mark.slow
def test_train_reads_folders_and_patterns(home):
    (home / "texts").mkdir()
    for number, name in enumerate(("b.srt", "a", "c.tex.gz")):
        content = ("Olé – " + story(60, seed=number)).encode("cp1252" if number else "utf-8")
        (home / "texts" / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (home / "texts" / "d.mid").write_bytes(b"MThd\0\0\0\6")
    for argument, names in (("texts", ["a", "b.srt", "c.tex.gz"]), ("texts/[cd].*", ["c.tex.gz"])):
        ran = good("train", argument, *QUICK, "-q", "--name", "x", "--overwrite")
        files = details("x")["corpus"]["files"]
        assert [file["name"] for file in files] == names
        assert f"1 of {len(files) + 1} files was left out: texts/d.mid is a MIDI file, not text" in ran.err
        assert {file["encoding"] for file in files} <= {"utf-8", "cp1252"}
        (packed,) = (file for file in files if file["name"] == "c.tex.gz")
        data = (home / "texts" / "c.tex.gz").read_bytes()
        assert (packed["bytes"], packed["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    good("train", "texts/[cd].*", "--resume", "x", "--epochs", "3", "-q")
    assert train("texts/c.tex.gz", *QUICK)["run"] == "models/c"


@pytest.mark.slow
def test_train_cuts_the_frame_of_project_gutenberg(home):
    book = story(60)
    mark = "*** {} OF THE PROJECT GUTENBERG EBOOK X ***\n"
    (home / "x.txt").write_text(f"Title: X\n{mark.format('START')}{book}{mark.format('END')}License\n")
    ran = good("train", "x.txt", *QUICK, "-q", "--strip-gutenberg", "--name", "cut")
    assert "x.txt lost " in ran.err and "put around the book" in ran.err
    corpus = details("cut")["corpus"]
    assert corpus["train"]["chars"] + corpus["valid"]["chars"] == len(book)
    whole = good("train", "x.txt", *QUICK, "-q", "--name", "whole")
    assert "x.txt has a header or footer of Project Gutenberg" in whole.err


@pytest.mark.slow
def test_train_takes_any_bytes_with_level_byte(home):
    content = b"MThd\0\r\n\xff" + story(30).encode() * 2 + bytes(range(256)) * 4
    (home / "song.mid").write_bytes(content)
    refused("train", "song.mid", *QUICK, code=1, says=["song.mid is a MIDI file, not text"])
    wrong = ("train", "song.mid", *QUICK, "--level", "byte", "--unicode", "NFC")
    refused(*wrong, code=2, says=["song.mid is no text, and --unicode is NFC: expected raw"])
    ran = good("train", "song.mid", *QUICK, "-q", "--level", "byte", "--held-out", "0.5", "--name", "song")
    assert "song.mid is no text: all is learnt byte by byte, as it is (--unicode raw)" in ran.err
    corpus = details("song")["corpus"]
    assert corpus["train"]["chars"] + corpus["valid"]["chars"] == len(content)
    assert corpus["files"][0]["encoding"] == "bytes"
    written = (
        "generate",
        "--model",
        "song",
        "--seed",
        "MThdé",
        "--length",
        "50",
        "--random-seed",
        "1",
        "-o",
        "out.mid",
    )
    good(*written)
    data = (home / "out.mid").read_bytes()
    assert data.startswith("MThdé".encode()) and len(data) == 6 + 50
    assert good("score", "song.mid", "--model", "song", "--json").json["files"][0]["chars"] == len(content)
    good("train", "song.mid", "--resume", "song", "--epochs", "3", "-q")


def test_train_validates_on_a_file(home):
    (home / "held.txt").write_text(story(20, seed=9))
    result = train("story.txt", *QUICK, "--validation-file", "held.txt")
    corpus = details("story")["corpus"]
    assert corpus["valid"]["chars"] == len((home / "held.txt").read_text())
    assert corpus["train"]["chars"] == len((home / "story.txt").read_text())
    assert corpus["validation_files"][0]["name"] == "held.txt"
    scored = good("score", "held.txt", "--model", "story", "--json").json["files"][0]
    assert scored["bits_per_char"] == pytest.approx(result["val_bits_per_char"], abs=1e-3)


@pytest.mark.parametrize("level", ["word", "bpe", "byte"])
def test_train_generate_and_score_at_each_level(level, home):
    (home / "long.txt").write_text(story(200))
    size = ("--vocab-size", "300") if level == "bpe" else ()
    result = train("long.txt", *QUICK, "--level", level, *size, "--window", "16")
    assert 0 < result["val_bits_per_char"] < 9
    assert details("long")["config"]["tokenizer"]["level"] == level
    ran = good("generate", "--model", "long", "--seed", "The cat", "--length", "30", "--random-seed", "1")
    assert ran.out.startswith("The cat") and ran.err == ""
    assert good("score", "long.txt", "--model", "long", "--json").json["files"][0]["unknown"] == 0


@pytest.mark.slow
def test_time_lands_on_its_budget_and_no_temporary_file_is_left(home, monkeypatch):
    (home / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(home / "temporary"))
    with start("train", "story.txt", *TINY, "--time", "8s", "--patience", "0", "--json", cwd=home) as process:
        out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    assert '"ended": "budget"' in out
    assert float(re.search(r'"seconds": ([\d.]+)', out)[1]) > 5
    assert not list((home / "temporary").iterdir())


def test_train_says_when_patience_ended_it(home, monkeypatch):
    monkeypatch.setattr("textrnn.training.trainer.MEASURED_S", 0.0)  # check at each twentieth, whatever a check costs
    monkeypatch.setattr("textrnn.training.trainer.CHECK_COST", 1e9)
    options = ("--epochs", "60", "--patience", "1", "--learning-rate", "5", "--schedule", "constant")
    ran = good("train", "story.txt", *TINY, *options, "-q")
    assert "--patience" in ran.out


def test_resume_goes_on_where_the_run_ended(home):
    before = details("lstm")
    rows = (home / "models/lstm/history.csv").read_text().splitlines()
    result = train("--resume", "lstm", "--epochs", "5")
    per_epoch = result["steps"] / result["epochs"]
    assert (result["epochs"], per_epoch) == (5, round(per_epoch))
    after = (home / "models/lstm/history.csv").read_text().splitlines()
    assert after[: len(rows)] == rows and len(after) > len(rows)
    assert after[-1].startswith(f"{result['steps']},5,")
    found = details("lstm")
    assert found["config"]["stop"]["epochs"] == 5 and found["corpus"] == before["corpus"]
    assert found["metrics"]["val_nats_per_token"] <= before["metrics"]["val_nats_per_token"]
    assert good("generate", "--model", "lstm", "--length", "3").out


def test_resume_takes_the_same_text_and_options_again(home):
    assert train("story.txt", "--resume", "lstm", "--units", "8", "--epochs", "3")["epochs"] == 3


@pytest.mark.slow
def test_resume_takes_a_path(home, monkeypatch):
    assert train("--resume", "models/lstm", "--epochs", "2.5")["run"] == "models/lstm"
    monkeypatch.chdir(home / "models" / "lstm")
    assert train("--resume", ".", "--epochs", "3")["epochs"] == 3


@pytest.mark.slow
def test_resume_with_time_goes_on_for_that_time(home):
    result = train("--resume", "lstm", "--time", "4s", "--patience", "0")
    assert result["epochs"] > 2 and result["ended"] == "budget"


def interrupted(home, *, times, number):
    """A training that was interrupted after it had begun: exit code, standard output, standard error."""
    process = start("train", "story.txt", *TINY, "--epochs", "20000", "--patience", "0", "--name", "long", cwd=home)
    with process:
        seen = ""
        while "; learning (" not in seen:
            line = process.stderr.readline()
            assert line, seen
            seen += line
        time.sleep(1.5)  # for the first step, which traces the graph
        process.send_signal(number)
        while times == 2 and "once more" not in seen:
            seen += process.stderr.readline()
        if times == 2:
            process.send_signal(number)
        out, err = process.communicate(timeout=60)
    return process.returncode, out, seen + err


@pytest.mark.slow
def test_interrupted_training_is_saved_and_resumed(home):
    code, out, err = interrupted(home, times=1, number=signal.SIGINT)
    assert "saved models/long" in out and "\x1b" not in out + err and "\r" not in err, "escape codes without a terminal"
    assert code == 130 and "stopping after this step and saving" in err and "Traceback" not in err
    assert "go on with:  textrnn train --resume long" in out
    assert details("long")["status"] == "interrupted"
    assert good("generate", "--model", "long", "--length", "5").out
    steps = details("long")["metrics"]["step"]
    epochs = float((home / "models/long/history.csv").read_text().splitlines()[-1].split(",")[1])
    result = train("--resume", "long", "--epochs", str(int(epochs) + 3))
    assert result["steps"] > steps and result["epochs"] == int(epochs) + 3
    assert details("long")["status"] == "finished"


@pytest.mark.slow
def test_second_interrupt_stops_at_once(home):
    code, _, err = interrupted(home, times=2, number=signal.SIGTERM)
    assert code == 130 and "Traceback" not in err
    assert good("generate", "--model", "long", "--length", "5").out
    assert good("info", "long").out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_before_learning_leaves_nothing(number, home):
    before = snapshot("models")
    with start("train", "story.txt", *QUICK, "--name", "new", cwd=home) as process:
        while "loading TensorFlow" not in process.stderr.readline():
            pass
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err.splitlines()[-1] == "interrupted: nothing was saved"
    assert "Traceback" not in err
    assert snapshot("models") == before


def test_training_that_blows_up_keeps_the_last_good_weights(home):
    ran = refused(
        "train",
        "story.txt",
        *TINY,
        "--epochs",
        "50",
        "--learning-rate",
        "1000",
        "--optimizer",
        "sgd",
        "--clip-norm",
        "0",
        "--l2",
        "1",
        "--name",
        "wild",
        "-q",
        code=1,
        says=["blown up", "--learning-rate", "models/wild"],
    )
    warnings = ran.err.splitlines()[:-1]
    assert len(warnings) == MAX_HALVINGS
    assert all(re.search(r"nan|inf.*: going back to step \d+, learning rate halved", line) for line in warnings)
    assert details("wild")["status"] == "failed" and details("wild")["skipped_steps"] >= GO_BACK_AFTER * MAX_HALVINGS
    assert good("generate", "--model", "wild", "--length", "5").out
    assert good("info", "wild").out


def test_resume_without_a_corpus_needs_no_file(home):
    (home / "story.txt").unlink()
    assert run_cli("train", "--resume", "lstm", "--epochs", "2.5", "-q").code == 0


def test_checkout_launcher_works(home):
    ran = subprocess.run([sys.executable, ROOT / "cli.py", "--help"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0 and "train" in ran.stdout and ran.stderr == ""


@pytest.mark.slow
def test_resume_without_a_budget_goes_on_with_what_was_left(home):
    """Two seconds of a budget of 90 are used; the rest of it is what a plain --resume plans with."""
    from textrnn.base.run import read_run
    from textrnn.language_model.counting import counting
    from textrnn.language_model.data import _restored
    from textrnn.language_model.fit import Learner
    from textrnn.training.display import Display
    from textrnn.training.session import plan_budget
    from textrnn.training.workers import Workers

    with start("train", "story.txt", *TINY, "--name", "half", "--time", "90s", cwd=home) as process:
        for line in process.stderr:
            if "validation" in line:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=60)
    assert process.returncode == 130 and read_run(home / "models/half")["status"] == "interrupted"
    resumed = _restored(home / "models/half", [], [], {})
    with counting(resumed) as counts:
        learner = Learner(resumed, Display(quiet=True), Workers(), counts())
    planned = dict(num_batches=learner.objective.num_batches, left_s=9.0)
    budget = plan_budget(resumed, resumed.config.stop, learner.progress, **planned)
    assert budget.limit_s == learner.progress.limit_s and 0 < budget.limit_s < 90
    assert budget.used_s == learner.progress.seconds > 0.5
    again = _restored(home / "models/half", [], [], {"time_s": 9.0})
    assert plan_budget(again, again.config.stop, learner.progress, **planned).limit_s == budget.used_s + 9


def test_time_of_a_check_is_told_by_a_few_batches(home, monkeypatch):
    """By a clock that goes on by a hundredth of a second for each token that is read."""
    from types import SimpleNamespace

    from textrnn.language_model import learner
    from textrnn.training.schedule import Budget

    told, clock, read = [], [0.0], learner.total_nats

    def total_nats(model, eval_step, batches, codes):
        batches = list(batches)
        clock[0] += 0.01 * sum(batch.num_tokens for batch in batches)
        return read(model, eval_step, batches, codes)

    (home / "long.txt").write_text(story(9000))
    monkeypatch.setattr("textrnn.language_model.step.EVAL_STEPS", 16)
    monkeypatch.setattr(learner, "COSTLY_CHECK", 0)
    monkeypatch.setattr(learner, "total_nats", total_nats)
    monkeypatch.setattr(learner, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(Budget, "expect_check", lambda budget, seconds: told.append(seconds))
    held_out = good("train", "long.txt", *TINY, "--name", "long", "--time", "3s", "--json").json["val_tokens"]
    assert told[:1] == [pytest.approx(0.01 * held_out, rel=0.1)]
