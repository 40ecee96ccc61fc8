"""Forms that public data sets have: which column is which, and what a row says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from textrnn.classifier.data import read_rows
from textrnn.classifier.found_kind import LabelOptions
from textrnn.text.table.own_form import with_label
from textrnn.text.table.table import TableOptions, open_table
from textrnn.text.table.writer import write_predictions

TAGS = ["art", "bed", "c#", "dogs"]


def tags(n: int) -> list[str]:
    return [tag for place, tag in enumerate(TAGS) if n % 15 + 1 >> place & 1]


def text(n: int) -> str:
    return f"a long text with the number {n}, and more of it"


Row = Callable[[int], object]
CSV_ROWS: dict[str, tuple[str, Row, tuple[str, str], str]] = {
    "tags in angle brackets": (
        "Id,Title,Tags\n",
        lambda n: f'{n},"{text(n)}","{"".join(f"<{tag}>" for tag in tags(n))}"',
        ("multi", text(4)),
        "art\x1fc#",
    ),
    "tags between pipes, beside a score": (
        "title,tags,score\n",
        lambda n: f'"{text(n)}",|{"|".join(tags(n))}|,{n % 40}',
        ("multi", text(4)),
        "|art|c#|",
    ),
    "lines of a cell": (
        "Feedback,Themes\n",
        lambda n: f'"{text(n)}","{chr(10).join(tags(n))}"',
        ("multi", text(4)),
        "art\nc#",
    ),
    "hash tags": (
        "post,hashtags\n",
        lambda n: f'"{text(n)}",{" ".join(f"#{tag}" for tag in tags(n))}',
        ("multi", text(4)),
        "#art #c#",
    ),
    "codes without a header": (
        "",
        lambda n: f"{text(n)}\t{','.join(str(3 * TAGS.index(tag)) for tag in tags(n))}\tid{n}",
        ("multi", text(4)),
        "0,6",
    ),
    "opinions without a header": (
        "",
        lambda n: f'{2000 + n},{TAGS[n % 3]},{("Positive", "Negative", "Neutral", "Other")[n % 4]},"{text(n)}"',
        ("classes", text(4)),
        "Positive",
    ),
    "one value under the name of a score": (
        "review,voted_up,vote_score\n",
        lambda n: f'"{text(n)}",{n % 2 == 0},0.5',
        ("classes", text(4)),
        "True",
    ),
    "an at sign behind texts with commas": (
        "",
        lambda n: f"{text(n)} .@{('positive', 'negative', 'neutral')[n % 3]}",
        ("classes", f"{text(4)} ."),
        "negative",
    ),
    "yes and no that are written otherwise": (
        "text,unclear,joy,anger,fear\n",
        lambda n: f'"{text(n)}",{n % 3 == 0},{n % 2},{n // 2 % 2},{n % 5 // 4}',
        ("multi", text(4)),
        "fear",
    ),
    "lists of 0 and 1 beside a plain label": (
        "content,hate,target\n",
        lambda n: f'"{text(n)}",{n % 2},"[{n % 2}, {n % 3 // 2}, 0]"',
        ("classes", text(4)),
        "0",
    ),
    "how likely": (
        "How likely are you to tell a friend?,Why?\n",
        lambda n: f'{(2, 7, 9, 10)[n % 4]},"{text(n)}"',
        ("grades", text(4)),
        "2",
    ),
    "money with a full-width sign": (
        "描述,评分\n",
        lambda n: f'"{text(n)}","￥{n + 14},{n:03}"',
        ("numbers", text(4)),
        "￥18,004",
    ),
    "parses beside texts": (
        "gold_label,sentence1_parse,sentence1\n",
        lambda n: f'{TAGS[n % 3]},"(ROOT (S {text(n)} and all of it once again))","{text(n)}"',
        ("classes", text(4)),
        "bed",
    ),
    "what a model suggests beside answers": (
        "text,quality.suggestion,quality.responses\n",
        lambda n: f'"{text(n)}",{TAGS[n % 2]},{TAGS[n % 3]}',
        ("classes", text(4)),
        "bed",
    ),
    "texts that are lists of words": (
        "",
        lambda n: json.dumps({"tokens": text(n).split(), "tags": TAGS[n % 3]}),
        ("classes", text(4)),
        "bed",
    ),
}


@pytest.mark.parametrize("name", CSV_ROWS)
def test_public_forms_are_read(tmp_path: Path, name: str) -> None:
    header, row, (task, first), label = CSV_ROWS[name]
    path = tmp_path / "a.txt"
    path.write_text(header + "".join(f"{row(n)}\n" for n in range(90)), encoding="utf-8")
    options = TableOptions(text_column="tokens" if "tokens" in str(row(0)) else None)
    with open_table(str(path), options, needs_label=True) as table:
        found = list(table.rows())
        assert (len(found), found[4].text, found[4].label) == (90, first, label)
        assert read_rows(table, LabelOptions())[1].task == task


def test_tags_are_filled_in_as_tags(tmp_path: Path) -> None:
    path, output = tmp_path / "a.csv", tmp_path / "b.csv"
    lines = [f"{text(n)}\t{''.join(f'<{tag}>' for tag in tags(n)) if n else ''}" for n in range(30)]
    path.write_text("\n".join(["text\ttags", *lines, ""]), encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        edit = lambda row: with_label(table, row, "bed\x1fc#") if row.line == 2 else row  # noqa: E731
        write_predictions(table, ["new"], [["x"]] * 30, str(output), edit=edit)
    assert output.read_text(encoding="utf-8").splitlines()[1:3] == [f"{lines[0]}<bed><c#>\tx", f"{lines[1]}\tx"]


def test_what_stands_for_no_text_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    texts = [["nan", "NaN", "#NAME?", "<NA>", text(n)][n % 5] for n in range(40)]
    path.write_text(
        "text,label\n" + "".join(f'"{one}",{TAGS[n % 2]}\n' for n, one in enumerate(texts)), encoding="utf-8"
    )
    with open_table(str(path), needs_label=True) as table:
        assert [row.text for row in table.rows()] == [one if len(one) > 9 else "" for one in texts]
        assert "32 rows with no text (rows 1, 2, 3, 4, 6, ...;" in (table.summary() or "")
