"""JSON as pandas and programs for labelling write it, and lists of labels: read rightly, written back as it came."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from textrnn.base.errors import DataError
from textrnn.classifier.data import read_rows
from textrnn.classifier.found_kind import LabelOptions
from textrnn.text.table.options import TableOptions
from textrnn.text.table.own_form import with_label
from textrnn.text.table.records import AND
from textrnn.text.table.table import open_table
from textrnn.text.table.writer import write_predictions

ROWS = [(f"film number {n}, it was {'fine' if n % 2 else 'dull'}", None if n == 4 else n % 2) for n in range(30)]
LABELS = [None if label is None else str(label) for _, label in ROWS]
KEYS = [str(7 * n) for n in range(30)]
NAMES = ["text", "label"]
RECORDS = [{"text": text, "label": label} for text, label in ROWS]
FIELDS = [{"name": name, "type": "string"} for name in NAMES]
FORMS: dict[str, Any] = {
    "columns": {name: {key: row[at] for key, row in zip(KEYS, ROWS, strict=True)} for at, name in enumerate(NAMES)},
    "index": {key: dict(zip(NAMES, row, strict=True)) for key, row in zip(KEYS, ROWS, strict=True)},
    "split": {"columns": NAMES, "index": KEYS, "data": ROWS},
    "values": ROWS,
    "headed": [NAMES, *ROWS],
    "table": {"schema": {"fields": FIELDS, "primaryKey": ["text"]}, "data": RECORDS},
    "lists": {name: [row[at] for row in ROWS] for at, name in enumerate(NAMES)},
    "rows": {"features": [{"name": "text"}, {"name": "label"}], "rows": [{"row": one} for one in RECORDS]},
    "parts": {"train": RECORDS, "test": RECORDS[:3]},
    "parts of pairs": {"oos_test": ROWS[:3], "train": ROWS, "val": ROWS[:3]},
    "deep": {"all": {"regex": [], "examples": RECORDS}},
    "lists and more": {
        **{name: [row[at] for row in ROWS] for at, name in enumerate(NAMES)},
        "classes": ["dull", "fine"],
        "number": 30,
    },
    "answer": {"asked": {"word": "film"}, "result": {"count": 30, "items": RECORDS}},
    "headed apart": {"header": NAMES, "body": ROWS},
    "rows alone": {"range": "A1:B31", "values": [NAMES, *ROWS]},
    "nested": {"info": {"by": [1]}, "classes": [{"id": 0}, {"id": 1}], "set": {"data": RECORDS}},
}


LEFT_OUT = {
    "parts": ["'train' is read, and 'test' left out"],
    "parts of pairs": ["'train' is read, and 'oos_test', 'val' left out"],
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("form", FORMS)
def test_json_in_other_forms_than_records_is_read_and_written_back(tmp_path: Path, form: str, indent: int) -> None:
    path, output, cells = tmp_path / "a.json", tmp_path / "b.json", [[f"p{n}"] for n in range(30)]
    path.write_text(json.dumps(FORMS[form], indent=indent), encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        assert [line.split(": ")[1] for line in table.warnings] == LEFT_OUT.get(form, [])
        assert [(row.text, row.label) for row in table.rows()] == list(
            zip([text for text, _ in ROWS], LABELS, strict=True)
        )
        write_predictions(table, ["new"], cells, str(output), edit=lambda row: None if "number 0," in row.raw else row)
        write_predictions(table, ["new"], cells, str(tmp_path / "b.csv"))
    own, found = json.loads(path.read_text(encoding="utf-8")), json.loads(output.read_text(encoding="utf-8"))
    header = (tmp_path / "b.csv").read_text(encoding="utf-8").partition("\n")[0]
    headers = {"values": "1,2,new", "parts of pairs": "1,2,new", "rows": "row.text,row.label,new"}
    expected_header = headers.get(form, "text,label,new")
    assert header == expected_header
    new = [f"p{n}" for n in range(1, 30)]
    if form == "columns":
        expected = {name: dict(list(column.items())[1:]) for name, column in own.items()}
        assert found == {**expected, "new": dict(zip(KEYS[1:], new, strict=True))}
    elif form == "index":
        assert found == {key: {**own[key], "new": one} for key, one in zip(KEYS[1:], new, strict=True)}
    elif form == "split":
        data = [[*row, one] for row, one in zip(own["data"][1:], new, strict=True)]
        assert found == {"columns": [*NAMES, "new"], "index": KEYS[1:], "data": data}
    elif form in ("values", "headed", "headed apart", "rows alone"):
        data = [[*row, one] for row, one in zip(ROWS[1:], new, strict=True)]
        assert found == (data if form == "values" else [[*NAMES, "new"], *data])
    elif form == "parts of pairs":
        pairs = [[*row, one] for row, one in zip(ROWS[1:], new, strict=True)]
        assert found == {**own, "train": pairs}
    elif form == "rows":
        assert found["rows"] == [{**row, "new": one} for row, one in zip(own["rows"][1:], new, strict=True)]
    elif form in ("lists", "lists and more"):
        assert found == {**own, **{name: own[name][1:] for name in NAMES}, "new": new}
    else:
        rows = [{**row, "new": one} for row, one in zip(RECORDS[1:], new, strict=True)]
        expected = {
            "nested": {"set": {"data": rows}},
            "parts": {"train": rows},
            "deep": {"all": {"regex": [], "examples": rows}},
            "answer": {"result": {"count": 30, "items": rows}},
        }
        assert found == {**own, **expected.get(form, {"data": rows, "schema": found.get("schema")})}
        assert form != "table" or found["schema"]["fields"] == [*FIELDS, {"name": "new", "type": "string"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"text": {"0": "a b", "1"', r"a\.json is no whole JSON \("),
        ('{"x": {"a": [{"id": 1}]}, "y": [{"id": 2}, {"id": 3}]}', r"several lists of records \('x\.a' \(1\), 'y' \(2"),
        ('{"text": "a b", "label": [{"start": 0, "end": 1, "label": "a"}]}\n', "'label' holds objects, such as"),
        ('{"text": "a b", "label": [{"id": 1}, {"id": 2}]}\n', "'label' holds objects, such as"),
        ('["a text", 1]', "array of different things: expected objects"),
        ('{"text": "a b", "label": [[0, 1, "PER"], [2, 3, "LOC"]]}\n', "'label' marks parts of a text, such as"),
        ('{"text": "a b", "label": [[0, 1, "PER"]]}\n', "'label' marks parts of a text, such as"),
    ],
)
def test_json_that_is_no_table_of_texts_is_refused_in_a_line(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=expected), open_table(str(tmp_path / "a.json")) as table:
        list(table.rows())


def test_one_object_on_several_lines_is_a_row_and_a_list_of_texts_gets_names(tmp_path: Path) -> None:
    path, output = tmp_path / "a.json", tmp_path / "b.json"
    for content, indent in (({"text": "a film", "id": 1}, 1), (["a film"], None)):
        path.write_text(json.dumps(content, indent=indent), encoding="utf-8")
        with open_table(str(path), needs_label=False) as table:
            assert [row.text for row in table.rows()] == ["a film"]
            write_predictions(table, ["new"], [["p"]], str(output))
        found = json.loads(output.read_text(encoding="utf-8"))
        assert found == ({**content, "new": "p"} if indent else [{"text": "a film", "new": "p"}])


@pytest.mark.parametrize("header", [[], [NAMES]])
def test_lines_of_arrays_are_rows(tmp_path: Path, header: list[Any]) -> None:
    path, output = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*header, *ROWS]), encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        assert "JSON lines of arrays" in table.describe() and [row.label for row in table.rows()] == LABELS
        write_predictions(table, ["new"], [["p"]] * 30, str(output))
    found = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert found == [*([*NAMES, "new"] for _ in header), *([*row, "p"] for row in ROWS)]


def choice(*labels: str, **more: Any) -> dict[str, Any]:
    result = {"from_name": "mood", "to_name": "text", "type": "choices", "value": {"choices": list(labels)}}
    return {"id": 1, "completed_by": 3, "result": [result], **more}


TASKS = [
    ([choice("good")], "good"),
    ([choice("good", "long")], f"good{AND}long"),
    ([choice("bad"), choice("good"), choice("good")], "good"),
    ([choice("bad"), choice("good")], "bad"),
    ([choice("bad", was_cancelled=True), choice("good")], "good"),
    ([choice("bad"), choice("bad"), choice("good", ground_truth=True)], "good"),
    ([{"id": 2, "result": []}], None),
    ([], None),
]


def test_tasks_of_label_studio_are_texts_with_the_choices_that_most_made(tmp_path: Path) -> None:
    path, output = tmp_path / "a.json", tmp_path / "b.json"
    tasks = [{"id": n, "data": {"text": f"a film {n}"}, "annotations": made} for n, (made, _) in enumerate(TASKS)]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        assert [(row.text, row.label) for row in table.rows()] == [
            (f"a film {n}", label) for n, (_, label) in enumerate(TASKS)
        ]
        write_predictions(
            table,
            ["sure"],
            [[1]] * 8,
            str(output),
            edit=lambda row: row if row.cells[2] else with_label(table, row, f"bad{AND}long"),
        )
    found = json.loads(output.read_text(encoding="utf-8"))
    assert found[:6] == [{**task, "sure": 1} for task in tasks[:6]]
    assert found[7]["annotations"][0]["result"] == choice("bad", "long")["result"]
    path.write_text(output.read_text(encoding="utf-8"), encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        assert [row.label for row in table.rows()][6:] == [f"bad{AND}long"] * 2


LISTS = [["art", "food; drink"], ["art"], ["food; drink"], [], None]


CELLS: dict[str, Callable[[list[str]], str]] = {
    "python": repr,
    "json in csv": json.dumps,
    "choices in csv": lambda labels: (
        labels[0] if len(labels) == 1 else json.dumps({"choices": labels}) if labels else ""
    ),
    "numpy": lambda labels: f"[{' '.join(map(repr, labels))}]",
    "tuple": lambda labels: repr(tuple(labels)),
    "set": lambda labels: f"{{{', '.join(map(repr, labels))}}}" if labels else "set()",
    "postgres": lambda labels: f"{{{','.join(label if label.isalpha() else json.dumps(label) for label in labels)}}}",
    "brackets": lambda labels: "".join(f"【{label}】" for label in labels),
    "square brackets": lambda labels: " ".join(f"[{label}]" for label in labels),
    "hashes": lambda labels: "".join(f"#{label}#" for label in labels),
    "single hashes": lambda labels: "".join(f"#{label}" for label in labels) + "#" * bool(labels),
}


@pytest.mark.parametrize("form", ["label", "labels", "choices", *CELLS])
def test_lists_of_labels_are_several_labels_of_a_row(tmp_path: Path, form: str) -> None:
    """As doccano writes them; as Label Studio does in its short form; as pandas does in CSV."""
    path, output = tmp_path / ("a.csv" if form in CELLS else "a.jsonl"), tmp_path / "out"
    lines = ["text,label\n"] if path.suffix == ".csv" else []
    for n in range(30):
        labels = LISTS[n % 5]
        if path.suffix == ".csv":
            cell = "" if labels is None else CELLS[form](labels).replace('"', '""')
            lines.append(f'a film {n},"{cell}"\n')
        else:
            several = {"choices": labels} if form == "choices" and labels and len(labels) > 1 else labels
            lines.append(json.dumps({"id": n, "text": f"a film {n}", form: several, "Comments": []}) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        assert not table.warnings
        assert [row.label for row in table.rows()][:5] == [f"art{AND}food; drink", "art", "food; drink", None, None]
        rows, kind = read_rows(table, LabelOptions())
        assert (
            kind.task == "multi" and list(kind.names) == ["art", "food; drink"] and "several labels" in rows.remarks[0]
        )
        assert rows.labels[:3].tolist() == [[True, True], [True, False], [False, True]] and len(rows.unlabelled) == 12
        new = f"art{AND}food; drink"
        write_predictions(table, ["n"], [["1"]] * 30, str(output), edit=lambda row: with_label(table, row, new))
    written = output.read_text(encoding="utf-8")
    assert form not in CELLS or CELLS[form](LISTS[0]).replace('"', '""') in written  # type: ignore[arg-type]
    path.write_text(written, encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        assert {row.label for row in table.rows()} == {new}


def asked(who: str, what: str, *said: tuple[str, str]) -> list[dict[str, str]]:
    return [{who: name, what: content} for name, content in said]


# The member with the labels, its form in the file; the column of the labels, and what a row is with other labels.
MEMBERS: dict[str, tuple[str, Any, str, list[str], Any]] = {
    "two names": (
        "labels",
        [{"id": 1, "color": "red", "name": "art"}, {"id": 2, "color": "red", "name": "food"}],
        "labels.name",
        ["art", "food"],
        [{"id": 1, "color": "red", "name": "art"}, {"name": "new"}],
    ),
    "one name": (
        "tags",
        [{"displayName": "art"}],
        "tags.displayName",
        ["art"],
        [{"displayName": "art"}, {"displayName": "new"}],
    ),
    "no name": ("tags", [], "tags.tag", [], [{"tag": "art"}, {"tag": "new"}]),
    "rejected": ("label", "art", "label", [], ["art", "new"]),
    "accepted": ("accept", ["art", "food"], "accept", ["art", "food"], ["art", "new"]),
}


@pytest.mark.parametrize("form", MEMBERS)
def test_names_of_objects_and_accepted_labels_are_several_labels_of_a_row(tmp_path: Path, form: str) -> None:
    member, value, column, labels, after = MEMBERS[form]
    named = [{column.partition(".")[2]: name} for name in ("food", "art")]
    others = {"label": ["food", "art"], "accept": [["food"], ["art", "food"]]}.get(member, [named, named[:1]])
    answer = {"rejected": {"answer": "reject"}, "accepted": {"options": [{"id": "art"}], "answer": "accept"}}
    more: dict[str, Any] = answer.get(form, {})
    accepted = {**more, "answer": "accept"} if more else {}
    rows = [{"text": f"a film {n}", member: value, **more} for n in range(20)]
    rows += [{"text": f"a tale {n}", member: others[n % 2], **accepted} for n in range(40)]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        assert not table.warnings and table.column_names == ("text", column)
        first = next(table.rows())
        assert (first.label or "").split(AND) == (labels or [""])
        table.list_style = '["art"]'
        found = json.loads(with_label(table, first.record, f"art{AND}new").raw)
    assert found == {**rows[0], member: after, **({"answer": "accept"} if more else {})}


CHATS = {
    "roles": ("messages", asked("role", "content", ("system", "Judge."), ("user", "a film"), ("assistant", "good"))),
    "from": ("conversations", asked("from", "value", ("human", "a film"), ("gpt", "good"))),
    "parts": (
        "contents",
        [{"role": "user", "parts": [{"text": "a film"}]}, {"role": "model", "parts": [{"text": "good"}]}],
    ),
    "open": ("messages", asked("role", "content", ("user", "a film"))),
}


@pytest.mark.parametrize("form", CHATS)
def test_the_answer_to_one_question_is_its_label(tmp_path: Path, form: str) -> None:
    key, messages = CHATS[form]
    path = tmp_path / "a.jsonl"
    bad = json.loads(json.dumps(CHATS["roles" if form == "open" else form][1]).replace("good", "bad"))
    lines = [json.dumps({"id": n, key: bad if n % 2 else messages}) + "\n" for n in range(40)]
    path.write_text("".join(lines), encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        first, second = list(table.rows())[:2]
        assert (first.text, first.label, second.label) == ("a film", None if form == "open" else "good", "bad")
        found = json.loads(with_label(table, first.record, "bad").raw)[key]
    assert found == (bad[1:] if form == "open" else bad)


@pytest.mark.parametrize(
    "more",
    [
        {"images": [{"label": "cat", "url": "a"}, {"label": "dog", "url": "b"}]},
        {"options": [{"label": "A", "text": "one"}, {"label": "B", "text": "two"}]},
        {"choices": [{"label": "A", "text": "one"}, {"label": "B", "text": "two"}]},
    ],
    ids=lambda more: next(iter(more)),
)
def test_lists_of_other_objects_are_no_labels(tmp_path: Path, more: dict[str, object]) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"stem": f"a film of {n}", **more, "outcome": "ab"[n % 2]} for n in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with open_table(str(path), needs_label=True) as table:
        assert table.column_names == ("stem", "outcome")


def test_lists_of_0_and_1_do_not_name_their_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"text": f"a film of {n}", "labels": [n % 2, 1, 0]} for n in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with open_table(str(path), needs_label=True) as table, pytest.raises(DataError, match="lists of 0 and 1"):
        list(table.rows())


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        (
            {"train": [{"text": "a film", "label": "x"}], "test": [{"text": "b", "label": "y"}], "names": ["x", "y"]},
            ["x"],
        ),
        (
            {"sports": ["a long game", "a short game"], "politics": ["a new law", "an old law"]},
            ["sports"] * 2 + ["politics"] * 2,
        ),
        (
            {"intents": {"hail": ["good day to you", "well met again"], "leave": ["see you soon"]}},
            ["hail"] * 2 + ["leave"],
        ),
        (
            {
                "intents": [
                    {"tag": "hail", "patterns": ["hi", "ho"], "responses": ["hm"]},
                    {"tag": "go", "patterns": ["so"]},
                ]
            },
            ["hail"] * 2 + ["go"],
        ),
        ([{"intent": "hail", "examples": ["hi", "ho"]}, {"intent": "go", "examples": ["so"]}], ["hail"] * 2 + ["go"]),
        ({"hail": [{"text": "hi"}, {"text": "ho"}], "go": [{"text": "so"}]}, ["hail"] * 2 + ["go"]),
        ([{"intent": "hail", "text": "hi"}, {"intent": "hail", "text": "ho"}], None),
    ],
    ids=["parts", "labels", "labels within", "intents", "intents alone", "records by label", "records"],
)
def test_objects_of_parts_and_of_labels(tmp_path: Path, value: object, labels: list[str]) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    column = "intent" if labels is None else "label"
    with open_table(str(path), TableOptions(text_column="text", label_column=column), needs_label=True) as table:
        assert [row.label for row in table.rows()] == (labels or ["hail"] * 2)


def test_a_text_of_many_brackets_is_no_list(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": "[" * 50_000, "label": "ab"[n % 2]}) + "\n" for n in range(8)))
    with open_table(str(path), TableOptions(text_column="text"), needs_label=True) as table:
        assert [row.text for row in table.rows()] == ["[" * 50_000] * 8


def test_a_conversation_of_several_turns_is_a_text(tmp_path: Path) -> None:
    turns = asked("role", "content", ("user", "a"), ("assistant", "what?"), ("user", "film"), ("assistant", "good"))
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"messages": turns, "mood": "ab"[n % 2]}) + "\n" for n in range(40)))
    with open_table(str(path), needs_label=True) as table:
        first = next(table.rows())
    assert (first.text, first.label) == ("a\nwhat?\nfilm\ngood", "a")


@pytest.mark.parametrize("form", ["behind", "commas", "by label", "by text"])
def test_objects_behind_each_other_and_texts_by_label(tmp_path: Path, form: str) -> None:
    """As jq writes them, over several lines; as people write down small sets by hand."""
    path, output = tmp_path / "a.json", tmp_path / "b.json"
    rows = [{"text": f"tea {n}", "label": ("neg", "pos")[n > 2]} for n in range(5)]
    by_label = {label: [row["text"] for row in rows if row["label"] == label] for label in ("neg", "pos")}
    texts = {
        "behind": "".join(json.dumps(row, indent=1) + "\n" for row in rows),
        "commas": "".join(json.dumps(row) + ",\n" for row in rows),
        "by label": json.dumps(by_label),
        "by text": json.dumps({row["text"]: row["label"] for row in rows}),
    }
    path.write_text(texts[form], encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        assert [(row.text, row.label) for row in table.rows()] == [(row["text"], row["label"]) for row in rows]
        write_predictions(table, ["sure"], [[f"{n}"] for n in range(5)], str(output))
    assert form != "commas" or output.read_text(encoding="utf-8").count("\n") == len(rows)
    with open_table(str(output), needs_label=True) as table:
        assert [row.record.cells[2] for row in table.rows()] == ["0", "1", "2", "3", "4"]
