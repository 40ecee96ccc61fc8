"""What training prints and writes."""

import csv
import math

import numpy as np
import pytest
from matplotlib.image import imread

from textrnn.training.display import (
    COLUMNS,
    Display,
    ascii_title,
    check_line,
    duration,
    one_line,
    write_curves,
    write_history,
)


def row_of(epoch, train, val, **more):
    row = dict(
        step=int(10 * epoch),
        epoch=epoch,
        seconds=61.0,
        learning_rate=0.004,
        gradient_norm=0.75,
        train_nats_per_token=1.5,
        val_nats_per_token=1.625,
        train_bits_per_char=train,
        val_bits_per_char=val,
        chars_per_s=12345.6,
        tokens_per_s=1000.0,
    )
    return {**row, **more}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (61, "1 min 01 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (3661, "1 h 01 min"),
        (90_000, "25 h 00 min"),
        (math.inf, "?"),
        (math.nan, "?"),
    ],
)
def test_duration_words(seconds, words):
    assert duration(seconds) == words


def test_check_line_words():
    line = check_line(row_of(1.5, 2.34567, 2.5), is_best=True)
    assert line == "  1 min 01 s  epoch 1.50   train 2.346  validation 2.500 bits/char * 12,346 chars/s"
    unmeasured = check_line(row_of(1.5, math.nan, 2.5, chars_per_s=math.nan), is_best=False)
    assert unmeasured == "  1 min 01 s  epoch 1.50   train   -    validation 2.500 bits/char"


def test_one_line_shows_line_ends_and_cuts():
    assert one_line("a\nb\tc\x1b[31m红") == "a⏎b c [31m红"
    assert one_line("x" * 100) == "x" * 76
    assert one_line("abc", 2) == "ab"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("poems: lstm with 5,000 parameters", "poems: lstm with 5,000 parameters"),
        ("红楼梦: lstm with 5,000 parameters", "lstm with 5,000 parameters"),
        ("红楼梦", "language model"),
    ],
)
def test_ascii_title_leaves_out_what_the_font_lacks(title, shown):
    assert ascii_title(title) == shown


def test_write_history_of_rows_that_lack_a_column(tmp_path):
    path = tmp_path / "history.csv"
    write_history(path, [{"step": 1}, {"step": 2, "later": 0.5}], ("step", "later"))
    assert path.read_text() == "step,later\n1,nan\n2,0.5\n"


def test_write_history_columns(tmp_path):
    path = tmp_path / "history.csv"
    write_history(path, [row_of(0.1, math.nan, 2.5), row_of(1.5, 2.345678912, 2.25)])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert COLUMNS == (
        "step",
        "epoch",
        "seconds",
        "learning_rate",
        "gradient_norm",
        "train_nats_per_token",
        "val_nats_per_token",
        "train_bits_per_char",
        "val_bits_per_char",
        "chars_per_s",
    )
    assert [row["step"] for row in rows] == ["1", "15"]
    assert math.isnan(float(rows[0]["train_bits_per_char"]))
    assert float(rows[1]["train_bits_per_char"]) == 2.34568
    assert b"\r" not in path.read_bytes()


@pytest.mark.parametrize(
    ("title", "history"),
    [
        ("poems: lstm", [row_of(0.5 * n, 3 - 0.1 * n, 3 - 0.05 * n) for n in range(12)]),
        ("红楼梦：双向循环网络", [row_of(0.5 * n, 3 - 0.1 * n, 3 - 0.05 * n) for n in range(3)]),
        ("one check", [row_of(0.01, 3.0, 2.5)]),
        ("nothing measured", [row_of(0.01, math.nan, 2.5)]),
    ],
    ids=["many", "chinese", "single", "nan"],
)
def test_write_curves_makes_a_picture(tmp_path, title, history):
    write_curves(tmp_path / "curves.png", history, title)
    picture = imread(tmp_path / "curves.png")
    assert picture.shape == (480, 840, 4)
    assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 10


def test_display_writes_to_standard_error(capfd):
    display = Display()
    display.start("learning")  # no terminal: no live line
    display.update(0.5, "half")
    display.say("[bold]3.14[/bold] :smile:", style="dim")
    display.warn("careful")
    display.stop()
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "[bold]3.14[/bold] :smile:\ncareful\n"


def test_display_quiet_still_warns(capfd):
    display = Display(quiet=True)
    display.say("not shown")
    display.warn("careful " * 40)
    assert capfd.readouterr().err.strip() == ("careful " * 40).strip()
