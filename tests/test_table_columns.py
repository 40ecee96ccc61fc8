"""Which columns hold texts and labels: by name, number, path; what is chosen is said; refusals say what is there."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from textrnn.base.errors import ConfigError, DataError
from textrnn.classifier.data import read_rows
from textrnn.classifier.found_kind import LabelOptions
from textrnn.text.table.table import Row, Table, TableOptions, open_table

WORDS = ["the", "film", "was", "good", "bad", "plain", "long", "short"]
NUM_ROWS = 60


def sentence(number: int) -> str:
    return " ".join(WORDS[(number * 7 + place * place) % len(WORDS)] for place in range(6 + number % 5)) + f" {number}"


VALUES = {
    "text": sentence,
    "longer": lambda n: f"{sentence(n)}, {sentence(n + 70)}, {sentence(n + 140)}",
    "short": lambda n: f"{WORDS[n % 7]} {WORDS[n % 8]} {n}",
    "binary": lambda n: str(n % 2),
    "pair": lambda n: ("left", "right")[n % 2],
    "mood": lambda n: ("pos", "neg", "so so")[n % 3],
    "shade": lambda n: ("red", "blue", "grey")[n % 3],
    "tenths": lambda n: f"{n % 7 / 10}",
    "unique": lambda n: str(10**6 + n * 37),
    "date": lambda n: f"2015-02-{n % 5 + 1:02}",
    "constant": lambda n: "en",
    "empty": lambda n: "",
    "seldom": lambda n: f"{sentence(n)}, {sentence(n + 70)}" if n % 4 == 0 else "",
    "long labels": lambda n: f"They ask {('for a refund', 'where it is')[n % 2]} and are not content with the answer",
    "several": lambda n: ("red, blue", "blue", "grey, red", "grey")[n % 4],
    "some": lambda n: ("red", "", "blue", "")[n % 4],
    "many": lambda n: f"k{n % 25}",
    "odd": lambda n: str(n % 2 == 1),
    "even": lambda n: str(n % 2 == 0),
    "never": lambda n: "False",
    "fifths": lambda n: str(n % 5 + 1),
    "essay": lambda n: " and ".join(sentence(n + 60 * place) for place in range(9)),
    "person": lambda n: f"Ada Byron {chr(65 + n % 26)}{n}",
    "browser": lambda n: f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.{n} (KHTML, like Gecko) Chrome/{n}.0 Safari",
    "object": lambda n: json.dumps({"session": f"the session {n} of the day", "page": f"/shop/of the town/{n}"}),
    "sets": lambda n: "; ".join(
        sorted({WORDS[n % 7], WORDS[n % 5], WORDS[n % 3]}, key=lambda word: (n + len(word)) % 4)
    ),
    "canned": lambda n: f"We are sorry for the delay of your parcel and sent one more by {('mail', 'van')[n % 2]}.",
    "chance": lambda n: ("oak", "elm", "ash")[n * n % 11 % 3],
    "guess": lambda n: ("up", "down")[n * n % 13 % 2],
    "number": lambda n: str(n * n % 11 % 2),
    "rare": lambda n: f"way_{n % 20}",
    "weight": lambda n: f"{n * 1.375 + 2:.1f} kg",
    "whole": lambda n: str(n * 7 % 40 + 20),
    "note": lambda n: "ask again" if n % 5 == 0 else "look" if n % 7 == 0 else "",
    "detail": lambda n: "" if n % 2 else str(n % 3 // 2),
    "links": lambda n: ", ".join(f"https://shop.example/reviews/of/the/town/{n}/{place}" for place in range(3)),
}


def write(path: Path, **columns: str) -> str:
    """A table with columns of these names that hold these kinds of values."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(name.replace("__", " ") for name in columns)
        writer.writerows([VALUES[kind](n) for kind in columns.values()] for n in range(NUM_ROWS))
    return str(path)


def read(path: str, needs_label: bool | None = True, **options: object) -> tuple[Table, list[Row]]:
    with open_table(path, TableOptions(**options), needs_label=needs_label) as table:  # type: ignore[arg-type]
        return table, list(table.rows())


@pytest.mark.parametrize(
    ("columns", "text", "label"),
    [
        ({"Class__Index": "binary", "Description": "text"}, "Description", "Class Index"),
        ({"id": "unique", "sentiment_label": "mood", "body": "text"}, "body", "sentiment_label"),
        ({"excerpt": "text", "target": "mood", "index": "binary"}, "excerpt", "target"),
        ({"编号": "unique", "评论": "text", "评分": "binary"}, "评论", "评分"),
        ({"内容": "text", "类别": "mood", "时间": "date"}, "内容", "类别"),
        ({"文本": "text", "情感": "binary", "category_id": "unique"}, "文本", "情感"),
        ({"label": "mood", "class": "binary", "text": "text"}, "text", "label"),
        ({"text": "text", "category": "mood", "category_id": "binary"}, "text", "category"),
        ({"text": "text", "label_id": "binary", "user": "mood"}, "text", "label_id"),
        ({"text": "text", "category_id": "binary", "category_name": "mood"}, "text", "category_name"),
        ({"用户输入": "text", "类别名称": "mood", "来源": "shade"}, "用户输入", "类别名称"),
        ({"text": "text", "annotator_labels": "several", "gold_label": "mood"}, "text", "gold_label"),
        ({"text": "text", "reason": "long labels"}, "text", "reason"),
        ({"text": "text", "predicted_label": "pair", "true_label": "mood"}, "text", "true_label"),
        ({"description": "constant", "input.text": "text", "label": "mood"}, "input.text", "label"),
        ({"remarks, comments": "seldom", "商品名称": "longer", "类目": "mood"}, "商品名称", "类目"),
        ({"Tweet": "text", "Target": "shade", "Stance": "mood"}, "Tweet", "Stance"),
        ({"description": "short", "speciality": "shade", "transcription": "longer"}, "transcription", "speciality"),
    ],
)
def test_open_table_knows_names(tmp_path: Path, columns: dict[str, str], text: str, label: str) -> None:
    table, _ = read(write(tmp_path / "a.csv", **columns))
    assert table.column_names == (text, label)


@pytest.mark.parametrize(
    ("columns", "names", "says"),
    [
        (
            {"text": "text", "negative": "binary", "score": "tenths"},
            ("text", "score"),
            "taken from column 'score', and could also be in 'negative' (2 values: 0, 1): --label-column negative",
        ),
        (
            {"text": "text", "label": "mood", "category": "binary"},
            ("text", "label"),
            "'category' (2 values: 0, 1): --label-column category",
        ),
        ({"text": "text", "label": "mood", "airline": "binary"}, ("text", "label"), None),
        (
            {"text": "text", "tags": "some", "product": "mood"},
            ("text", "tags"),
            "'product' (3 values: pos, neg, so so): --label-column product",
        ),
        (
            {"title": "short", "body": "text", "label": "mood"},
            ("body", "label"),
            "taken from column 'body' alone, and could also be in 'title': --text-column title takes that, "
            "--text-column title --text-column body joins them",
        ),
        (
            {"the__review": "text", "a__review": "longer", "label": "mood"},
            ("a review", "label"),
            "could also be in 'the review': --text-column 1 takes that, --text-column 1 --text-column 2 joins them",
        ),
        ({"title": "short", "label": "mood"}, ("title", "label"), None),
        (
            {"text": "text", "votes_up": "binary", "outcome": "mood"},
            ("text", "outcome"),
            "'votes_up' (2 values: 0, 1): --label-column votes_up",
        ),
    ],
)
def test_open_table_says_what_else_could_be_meant(
    tmp_path: Path, columns: dict[str, str], names: tuple[str, str], says: str | None
) -> None:
    path = write(tmp_path / "a.csv", **columns)
    table, _ = read(path)
    assert table.column_names == names
    assert (says in table.warnings[0] and len(table.warnings) == 1) if says else table.warnings == []
    if says:  # the flag that is named does what is said, and then there is nothing to say any more
        flags = re.findall(r"--(text|label)-column (\w+)", says)
        options = {"text_column": names[0], "label_column": names[1], f"{flags[0][0]}_column": flags[0][1]}
        table, _ = read(path, **options)
        assert table.warnings == [] and table.column_names != names


def test_columns_are_named_by_name_number_and_path(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", title="short", body="text", label="mood", kind="binary")
    for text, label in (("title", "kind"), (["1"], "4"), (("Title",), "KIND")):
        assert read(path, text_column=text, label_column=label)[0].column_names == ("title", "kind")
    nested = tmp_path / "a.jsonl"
    objects = [{"review": {"title": "so", "by": {"text": sentence(n)}}, "meta": {"label": n % 2}} for n in range(30)]
    objects[3] = {"meta": {"label": 0}, "review": None}
    nested.write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    table, rows = read(str(nested))
    assert table.column_names == ("review.by.text", "meta.label")
    assert [(row.text, row.label) for row in rows[2:5]] == [(sentence(2), "0"), ("", "0"), (sentence(4), "0")]
    assert read(str(nested), text_column="review.title")[1][0].text == "so"
    with pytest.raises(
        DataError, match=r"no column 'review.txt'.*there: 'review.title', 'review.by.text', 'meta.label'\)"
    ):
        read(str(nested), text_column="review.txt")


def test_several_text_columns_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('body,label,title\n"a, b",1,T\n,0,only\nbare,1,\n , ,\nlong,0,x,surplus\nfew\n', encoding="utf-8")
    table, rows = read(str(path), text_column=["title", "body"], label_column="label", all_rows=True)
    assert [row.text for row in rows] == ["T\na, b", "only", "bare", "", "x\nlong", "few"]
    assert table.describe().endswith("text in columns 'title' and 'body', label in column 'label'")
    assert table.column_names == (["title", "body"], "label")
    other = write(tmp_path / "b.csv", kind="text", title="text", body="text", label="mood")
    with open_table(other, TableOptions().like(["title", "body"], "label"), needs_label=True) as table:
        assert (table.text_columns, table.label_column) == ((1, 2), 3)
    with pytest.raises(ConfigError, match="names a column twice"):
        read(str(path), text_column=["title", "3"])
    with pytest.raises(ConfigError, match="are the same"):
        read(str(path), text_column=["title", "label"], label_column="label")


def test_columns_of_an_earlier_prediction_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{sentence(n)},{n % 2},0.9,0.1,0.9,ok" for n in range(NUM_ROWS)]
    path.write_text("\n".join(["note,predicted,confidence,p(0),p(1),status", *lines]), encoding="utf-8")
    table, _ = read(str(path), needs_label=None)
    assert table.label_column is None and "5 columns of an earlier prediction passed over" in table.describe()
    with pytest.raises(DataError, match=r"no column of labels beside column 'note'; name it with --label-column"):
        read(str(path))
    table, _ = read(str(path), label_column="predicted")
    assert table.column_names == ("note", "predicted") and "4 columns of" in table.describe()


REASONS = {
    r"is empty": lambda cells: not any(cells),
    r"holds dates or times": lambda cells: all(re.fullmatch(r"\d{4}-\d\d-\d\d", cell) for cell in cells),
    r"has another value in most rows": lambda cells: len(set(cells)) > NUM_ROWS / 2,
    r"holds long texts": lambda cells: sum(map(len, cells)) / NUM_ROWS > 60,
    r"has one value only, (?P<values>.*)": lambda cells: len(set(cells)) == 1,
    r"is named like a number, a date or a person, though it has (?P<number>\d+) values: (?P<values>.*)": None,
    r"has (?P<number>\d+) values in 60 rows: (?P<values>.*)": lambda cells: 5 * len(set(cells)) > NUM_ROWS,
}


@pytest.mark.parametrize(
    "columns",
    [
        {"text": "text", "nothing": "empty", "day": "date", "nr": "unique"},
        {"text": "text", "lang": "constant", "user_id": "binary", "place": "many"},
        {"text": "longer", "other": "longer", "created_day": "mood", "where": "many"},
        {"text": "text", "label": "unique", "index": "binary"},
    ],
    ids=lambda columns: "-".join(columns.values()),
)
def test_refusal_says_what_is_in_the_table(tmp_path: Path, columns: dict[str, str]) -> None:
    path = write(tmp_path / "a.csv", **columns)
    with pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    told, _, flags = message.partition(f"{path} has no column of labels beside column 'text': ")[2].partition(";")
    parts = re.split(r", (?=')", told)
    assert len(parts) == len(columns) - 1 and "--label-column" in flags
    for part, (name, kind) in zip(parts, list(columns.items())[1:], strict=True):
        cells = Counter(VALUES[kind](n) for n in range(NUM_ROWS))
        shown, reason = re.fullmatch(r"'(.*?)' (.*)", part).groups()  # type: ignore[union-attr]
        (found,) = [(match, is_so) for form, is_so in REASONS.items() if (match := re.fullmatch(form, reason))]
        match, is_so = found
        assert shown == name.replace("__", " ") and (is_so is None or is_so(list(cells.elements())))
        if "number" in match.groupdict():
            assert int(match["number"]) == len(cells)
        if "values" in match.groupdict():
            assert set(match["values"].split(", ")) - {"..."} <= set(cells)
        if not is_so or "values" in reason:  # a person may know better
            assert read(path, label_column=shown)[0].column_names[1] == shown


@pytest.mark.parametrize(
    ("columns", "options", "claims"),
    [
        ({"text": "text", "one": "number", "other": "tenths"}, {}, {"one": 2, "other": 7}),
    ],
    ids=["numbers"],
)
def test_refusal_of_several_columns_counts_their_values(
    tmp_path: Path, columns: dict[str, str], options: dict[str, object], claims: dict[str, int]
) -> None:
    path = write(tmp_path / "a.csv", **columns)
    with pytest.raises(DataError, match="several columns that may hold the") as caught:
        read(path, **options)
    found = re.findall(r"'(\w+)' \((\d+) values: ([^)]*)\)", str(caught.value))
    assert {name: int(number) for name, number, _ in found} == claims
    for name, _, values in found:
        cells = {VALUES[columns[name]](n) for n in range(NUM_ROWS)}
        assert all(any(cell.startswith(value.rstrip(".")) for cell in cells) for value in values.split(", "))
    what = "text" if "text" in str(caught.value).partition(":")[0].rpartition(" ")[2] else "label"
    for name in claims:
        assert name in str(read(path, **{f"{what}_column": name})[0].column_names)


@pytest.mark.parametrize(
    ("columns", "chosen", "says"),
    [
        (
            {"text": "text", "kind": "mood", "place": "mood"},
            ("text", "place"),
            ["'kind' (3 values", "--label-column kind"],
        ),
        ({"text": "text", "kind": "shade", "side": "pair"}, ("text", "side"), ["could also be in 'kind'"]),
        ({"text": "text", "kind": "mood", "side": "pair"}, ("text", "kind"), ["could also be in 'side'"]),
        ({"first": "text", "second": "text", "label": "mood"}, ("first", "label"), ["--text-column second takes that"]),
    ],
    ids=["labels", "fewest values", "words of opinions", "texts"],
)
def test_columns_that_are_chosen_among_several_are_said_with_the_others(
    tmp_path: Path, columns: dict[str, str], chosen: tuple[str, str], says: list[str]
) -> None:
    path = write(tmp_path / "a.csv", **columns)
    table, _ = read(path)
    assert table.column_names == chosen
    assert all(any(part in line for line in table.warnings) for part in says)


def test_a_header_that_leaves_out_the_name_of_row_numbers_is_that_of_r(tmp_path: Path) -> None:
    """As `write.table` writes it, and what else has fewer names than cells."""
    rows = [f'"{n + 1}"\t"{sentence(n)}"\t"{VALUES["mood"](n)}"\n' for n in range(NUM_ROWS)]
    path = tmp_path / "r.tsv"
    path.write_text('"review"\t"mood"\n' + "".join(rows), encoding="utf-8")
    table, found = read(str(path), label_column="mood")
    assert table.header == ["", "review", "mood"] and (found[1].text, found[1].label) == (sentence(1), "neg")
    assert "no name for the first column" in table.warnings[0]
    path.write_text(
        "review\tmood\n" + "".join(f"{sentence(n)}\tneg\tx{n}\n" for n in range(NUM_ROWS)), encoding="utf-8"
    )
    assert "the header names 2 columns, and rows have 3" in read(str(path), label_column="mood")[0].warnings[0]


def test_what_else_texts_are_or_are_sorted_by_is_said(tmp_path: Path) -> None:
    table, _ = read(write(tmp_path / "a.csv", topic="shade", question="text", answer="text", sentiment="mood"))
    assert (table.text_columns, table.label_columns) == ((1,), (3,))
    text, label = table.warnings
    assert "could also be in column 'answer'" in text or "could also be in 'answer'" in text
    assert "could also be in 'topic'" in label


def test_the_only_column_of_labels_may_be_named_like_something_else(tmp_path: Path) -> None:
    """As the names of languages and authors are; a table to be filled in is not taken to have labels for it."""
    path = write(tmp_path / "a.csv", id="unique", text="text", author="shade")
    table, rows = read(path)
    assert rows[0].label == "red" and "'author' is taken for the label, as no other column can be" in table.warnings[0]
    assert read(path, needs_label=None)[0].label_column is None
    with pytest.raises(DataError, match="no column of labels"):
        read(write(tmp_path / "b.csv", text="text", author="shade", user="mood"))


@pytest.mark.parametrize(
    ("row", "label"),
    [
        (lambda n: {"text": sentence(n), "labels": [{"name": VALUES["mood"](n), "score": 0.9}]}, "pos"),
        (lambda n: {"text": sentence(n), "cats": {"GOOD": float(n % 2), "BAD": float(1 - n % 2)}}, "BAD"),
    ],
)
def test_labels_in_objects_of_json(tmp_path: Path, row: Callable[[int], dict[str, object]], label: str) -> None:
    """As Label Studio's relatives and spaCy write them."""
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row(n)) + "\n" for n in range(NUM_ROWS)), encoding="utf-8")
    assert read(str(path))[1][0].label == label


def test_columns_of_yes_and_no_of_which_one_never_says_yes(tmp_path: Path) -> None:
    table, rows = read(write(tmp_path / "a.csv", text="text", is_spam="odd", is_ham="even", is_other="never"))
    assert (table.label_columns, [row.label for row in rows[:2]]) == ((1, 2), ["is_ham", "is_spam"])


def test_columns_of_yes_and_no_are_said_with_a_column_that_may_be_the_label(tmp_path: Path) -> None:
    columns = {"text": "text", "resolved": "odd", "escalated": "even", "refunded": "odd", "place": "mood"}
    table, _ = read(write(tmp_path / "a.csv", **columns))
    assert table.label_columns == (1, 2, 3)
    assert "takes that one alone, and they could also be in 'place' (3 values" in table.warnings[0]


@pytest.mark.parametrize(
    ("names", "first", "is_header"),
    [
        (["What did you like most about it?", "Would you come again?"], "text", True),
        (["Kommentar", "Bewertung"], "short", True),
        (["用户输入", "意图"], "Chinese", True),
        (["v1", "v2", "", "Unnamed: 3"], "first", True),
        (["Anything else that you want to tell us?", "Who was it?"], "text", True),
        (["What did you like?", "And what would you change next time?", "Who was it?"], "two", True),
        (["In your own words:", "What would you change?", "On a scale of 1 to 5"], "two numbers", True),
        (["What the guests wrote by hand", "Outcome"], "longer", True),
        (["What the guests wrote by hand", "Outcome"], "rare", False),
        (["a film that was as long as it was plain 0", "rare"], "text", False),
        (["is the film good 0 ?", "rare"], "questions", False),
        (["the film was good 0", "pos"], "text", False),
        (["茶很好喝", "pos"], "Chinese", False),
        (["the film was good 0", "rare"], "rare", False),
    ],
)
def test_a_header_of_unknown_names_is_told_by_what_is_below(
    tmp_path: Path, names: list[str], first: str, is_header: bool
) -> None:
    rows = {
        "text": lambda n: [sentence(n), VALUES["mood"](n)],
        "short": lambda n: [f"good {n}", VALUES["mood"](n)],
        "Chinese": lambda n: [f"茶{'很好' if n % 3 else '不'}喝{n}", VALUES["mood"](n)],
        "longer": lambda n: [VALUES["longer"](n), VALUES["mood"](n)],
        "two": lambda n: [sentence(n), sentence(n + 3), VALUES["mood"](n)],
        "two numbers": lambda n: [sentence(n), sentence(n + 3), str(n % 5 + 1)],
        "questions": lambda n: [f"is {VALUES['longer'](n)} ?", VALUES["mood"](n)],
        "first": lambda n: [VALUES["mood"](n), sentence(n), "", "and so on" if n == 7 else ""],
        "rare": lambda n: [sentence(n), "scarce" if n == 9 else VALUES["mood"](n)],
    }
    path = tmp_path / "a.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *(rows[first](n) for n in range(NUM_ROWS))])
    table, _ = read(str(path))
    assert table.has_header == is_header
    is_unlike = not is_header and names[-1] != "pos"  # which is a label of rows below
    said = "the first row is taken for one like those below: --header"
    assert any(said in line for line in table.warnings) == is_unlike


@pytest.mark.parametrize("header", ["0,1", ",0,1", ",0,1,2"])
def test_a_header_of_column_numbers_is_that_of_pandas(tmp_path: Path, header: str) -> None:
    rows = [[str(n), sentence(n), VALUES["mood"](n), "x"][header.startswith(",") ^ 1 :] for n in range(NUM_ROWS)]
    width = header.count(",") + 1
    path = tmp_path / "a.csv"
    path.write_text("\n".join([header, *(",".join(row[:width]) for row in rows)]) + "\n")
    table, found = read(str(path))
    assert table.header == header.split(",") and table.column_names == ("0", "1")
    assert [row.text for row in found] == [sentence(n) for n in range(NUM_ROWS)]
    assert {row.label for row in found} == {"pos", "neg", "so so"}


@pytest.mark.parametrize("between", [",", ", "])
def test_texts_with_commas_in_every_row_keep_their_labels(tmp_path: Path, between: str) -> None:
    texts = [between.join(VALUES["short"](n + place) for place in range(2 + n % 2)) for n in range(NUM_ROWS)]
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"{text},{VALUES['pair'](n)}\n" for n, text in enumerate(texts)))
    table, rows = read(str(path))
    assert [(row.text, row.label) for row in rows] == [(text, VALUES["pair"](n)) for n, text in enumerate(texts)]
    assert "surplus cells joined to the text" in str(table.summary())


def test_several_labels_behind_a_tab_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("".join(f"{sentence(n)}\t{VALUES['several'](n)}\n" for n in range(NUM_ROWS)))
    table, rows = read(str(path))
    assert table.header is None and table.label_columns == (1,) and rows[0].label == "red, blue"


@pytest.mark.parametrize("write_objects", [json.dumps, str])
def test_objects_with_a_name_are_labels(tmp_path: Path, write_objects: Callable[[object], str]) -> None:
    path = tmp_path / "a.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["overview", "genres"])
        for n in range(NUM_ROWS):
            names = VALUES["several"](n).split(", ")
            writer.writerow([sentence(n), write_objects([dict(id=len(name), name=name) for name in names])])
    _, rows = read(str(path))
    assert [row.label.split("\x1f") for row in rows[:2]] == [["red", "blue"], ["blue"]]


@pytest.mark.parametrize(
    ("columns", "text", "other"),
    [
        ({"Request": "text", "Reply": "longer", "label": "mood"}, "Request", "Reply"),
        ({"Anliegen": "text", "Unsere__Antwort": "longer", "Team": "mood"}, "Anliegen", "--text-column 2"),
        ({"咨询": "text", "处理意见": "longer", "部门": "mood"}, "咨询", "处理意见"),
        ({"Problem": "long labels", "Reply": "text", "label": "mood"}, "Reply", None),
        ({"User": "text", "Bot": "longer", "label": "mood"}, "User", "Bot"),
        ({"客户": "text", "客服": "longer", "部门": "mood"}, "客户", "客服"),
        ({"customer": "person", "reply": "text", "label": "mood"}, "reply", None),
        ({"code": "many", "links": "links", "label": "mood"}, "links", None),
        ({"note": "text", "essay": "essay", "label": "mood"}, "essay", "note"),
        ({"Anschrift": "longer", "Meldung": "text", "Team": "mood"}, "Meldung", None),
        ({"client": "browser", "note": "text", "label": "mood"}, "note", None),
        ({"details": "object", "note": "text", "label": "mood"}, "note", None),
        ({"pages": "links", "note": "text", "label": "mood"}, "note", None),
    ],
)
def test_the_question_is_the_text_and_what_programs_write_is_not(
    tmp_path: Path, columns: dict[str, str], text: str, other: str | None
) -> None:
    table, _ = read(write(tmp_path / "a.csv", **columns))
    assert table.column_names == (text, list(columns)[-1])
    said = [line for line in table.warnings if "the text is taken from" in line]
    assert (other in said[0]) if other else said == []


@pytest.mark.parametrize(
    ("columns", "label", "others"),
    [
        ({"text": "text", "llm": "mood", "human": "mood"}, "human", ["llm"]),
        ({"text": "text", "result": "pair", "expected": "mood"}, "expected", ["result"]),
        ({"text": "text", "hypothesis_label": "mood", "reference": "mood"}, "reference", ["hypothesis_label"]),
        ({"text": "text", "gpt_label": "pair", "correct_label": "mood"}, "correct_label", ["gpt_label"]),
        ({"文本": "text", "模型标签": "pair", "正确标签": "mood"}, "正确标签", ["模型标签"]),
        ({"text": "text", "label": "mood", "pred": "mood"}, "label", ["pred"]),
        ({"Kommentar": "text", "Stadt": "pair", "Bewertung": "fifths"}, "Bewertung", ["Stadt"]),
        ({"Comentario": "text", "Tienda": "pair", "Calificación": "fifths"}, "Calificación", ["Tienda"]),
        ({"Texte": "text", "Magasin": "pair", "Note": "fifths"}, "Note", ["Magasin"]),
        ({"リビュー": "text", "店舗": "pair", "星": "fifths"}, "星", ["店舗"]),
        ({"text": "text", "gender": "pair", "verdict": "shade"}, "verdict", ["gender"]),
        ({"text": "text", "gender": "pair", "acuity": "fifths"}, "acuity", ["gender"]),
        ({"text": "text", "gender": "pair"}, "gender", []),
        ({"text": "text", "note": "mood", "verdict": "pair"}, "note", ["verdict"]),
        ({"text": "text", "Handled__by": "pair", "reason": "shade"}, "reason", ["Handled by"]),
        ({"text": "text", "受理人": "pair", "事项": "shade"}, "事项", ["受理人"]),
        ({"text": "text", "rater1": "binary", "rater2": "odd", "majority": "even"}, "majority", ["rater1", "rater2"]),
        ({"text": "text", "rater1": "odd", "rater2": "odd", "rater3": "even"}, "rater1", ["rater2", "rater3"]),
        ({"text": "text", "标注人1": "mood", "标注人2": "mood", "仲裁": "mood"}, "仲裁", ["标注人1", "标注人2"]),
        ({"essay": "text", "rater1": "fifths", "rater2": "fifths", "score": "fifths"}, "score", ["rater1", "rater2"]),
        ({"文本": "text", "标注人": "pair", "标注结果": "mood"}, "标注结果", ["标注人"]),
        ({"text": "text", "note": "shade", "verdict": "pair"}, "verdict", ["note"]),
        ({"text": "text", "shade": "shade", "Remarks": "note"}, "shade", ["Remarks"]),
        ({"text": "text", "Etikett": "shade", "Schicht": "pair"}, "Etikett", []),
        ({"text": "text", "种别": "shade", "类型": "mood", "班次": "pair"}, "类型", ["种别", "班次"]),
        ({"text": "text", "Code": "shade", "shift": "pair"}, "Code", ["shift"]),
        ({"text": "text", "reason": "mood", "state": "pair"}, "reason", ["state"]),
        ({"text": "text", "topic1": "mood", "topic2": "shade"}, "topic1", ["topic2"]),
        ({"text": "text", "Product": "mood", "Sub-product": "pair", "disputed": "odd"}, "Product", ["Sub-product"]),
        ({"text": "text", "kind": "mood", "May__we__contact__you?": "pair"}, "kind", ["May we contact you?"]),
        ({"text": "text", "origin": "mood", "difficulty": "weight"}, "origin", ["difficulty"]),
        ({"text": "text", "ironic": "odd", "satire": "detail", "parody": "detail"}, "ironic", None),
        ({"text": "text", "has_photo": "odd", "is_new": "even", "app": "odd", "churned": "binary"}, "churned", None),
        ({"text": "text", "far": "odd", "has_logo": "odd", "fraudulent": "odd", "old": "even"}, "fraudulent", None),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_labels_are_what_is_right_or_asked_for_and_the_others_are_said(
    tmp_path: Path, columns: dict[str, str], label: str, others: list[str] | None
) -> None:
    table, _ = read(write(tmp_path / "a.csv", **columns))
    assert table.column_names == (next(iter(columns)), label)
    said = " ".join(line for line in table.warnings if "the label is taken from" in line)
    assert all(f"'{other}' (" in said for other in (list(columns)[1:] if others is None else others) if other != label)
    assert bool(said) == (others != [])


@pytest.mark.parametrize("header", [["country", "message"], None])
def test_long_texts_that_come_again_are_texts_beside_more_labels(tmp_path: Path, header: list[str] | None) -> None:
    rows = [[f"c{n % 5}", VALUES["long labels"](n)] for n in range(NUM_ROWS)]
    path = tmp_path / "a.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([*([header] if header else []), *rows])
    table, _ = read(str(path))
    assert (table.text_columns, table.label_columns, table.warnings) == ((1,), (0,), [])


COMMANDS = {"go": "robot_go_forward_now", "halt": "robot_halt_at_once", "wait": "robot_halt_at_once", "up": "arm_up"}


@pytest.mark.parametrize(
    ("header", "label", "is_guess"),
    [
        (["text", "label"], str, False),
        (["Satz", "Kategorie"], lambda label: label.replace("_", " "), False),
        (["input", "output"], str, True),
        (None, str, True),
        (None, lambda label: label.replace("_", " "), True),
    ],
    ids=["known names", "one known name", "unknown names", "no header", "fewer labels than texts"],
)
def test_short_texts_that_come_again_may_have_longer_labels(
    tmp_path: Path, header: list[str] | None, label: Callable[[str], str], is_guess: bool
) -> None:
    rows = [[text, label(COMMANDS[text])] for text in list(COMMANDS) * 15]
    path = tmp_path / "a.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([*([header] if header else []), *rows])
    table, found = read(str(path))
    assert [[row.text, row.label] for row in found] == rows
    assert any("could also be in" in line for line in table.warnings) == is_guess


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"text": "text", "marks": "sets"}, "several"),
        ({"text": "text", "nr": "unique", "heft": "weight"}, "numbers"),
        ({"text": "text", "年份": "whole"}, "numbers"),
        ({"text": "text", "route": "rare"}, "classes"),
    ],
    ids=["lists that are all different", "a unit", "years", "very many classes"],
)
def test_what_hardly_comes_twice_is_the_label_where_nothing_else_can_be(
    tmp_path: Path, columns: dict[str, str], kind: str
) -> None:
    table, rows = read(write(tmp_path / "a.csv", **columns))
    last = list(columns)[-1]
    assert table.column_names == ("text", last)
    assert [row.label for row in rows] == [VALUES[columns[last]](n) for n in range(NUM_ROWS)]
    said = any("as no other column can be" in line and f"--label-column {last}" in line for line in table.warnings)
    assert said == (kind != "several")


@pytest.mark.parametrize(
    "columns",
    [
        {"text": "text", "order__id": "weight"},
        {"text": "text", "places": "unique"},
        {"text": "text", "girth": "weight", "depth": "weight"},
    ],
    ids=["named like ids", "ids", "two of them"],
)
def test_numbers_that_may_be_ids_or_are_in_two_columns_are_no_labels(tmp_path: Path, columns: dict[str, str]) -> None:
    with pytest.raises(DataError, match=r"no column of labels.*--label-column"):
        read(write(tmp_path / "a.csv", **columns))


def test_texts_of_a_pair_are_said_however_short(tmp_path: Path) -> None:
    table, _ = read(write(tmp_path / "a.csv", turn1="short", turn2="short", turn3="short", label="mood"))
    (line,) = (line for line in table.warnings if "the text is taken from" in line)
    assert all(f"'turn{number}'" in line for number in (1, 2, 3))


def test_a_flag_without_a_header_is_the_label_beside_sentences_that_come_again(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("".join(f"how do I do the thing {n % 6}?\t{sentence(n)}\t{n % 2}\n" for n in range(60)))
    table, _ = read(str(path))
    assert (table.text_columns, table.label_columns) == ((1,), (2,))
    assert any("--label-column 1" in line for line in table.warnings)


def test_flags_in_an_object_are_labels_though_it_is_named_like_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    flags = ({"theft": n % 2 == 0, "fraud": n % 3 == 0, "arson": False} for n in range(60))
    lines = [{"text": sentence(n), "category": own, "is_safe": n % 5 == 0} for n, own in enumerate(flags)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    table, _ = read(str(path))
    assert table.one_hot is not None and list(table.one_hot.names) == ["theft", "fraud"]
    assert any("could also be in 'is_safe'" in line for line in table.warnings)


def test_flags_of_one_object_are_labels_whatever_they_are_called(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    flags = ({"price": n % 2 == 0, "staff": n % 3 == 0, "date": n % 5 == 0} for n in range(60))
    path.write_text("".join(json.dumps({"text": sentence(n), "labels": own}) + "\n" for n, own in enumerate(flags)))
    table, _ = read(str(path))
    assert table.one_hot is not None and list(table.one_hot.names) == ["price", "staff", "date"]


def test_a_header_above_numbers_with_units(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "房源描述,总价\n"
        + "".join(f"第{n}套，采光好，近地铁,{n * 1.5 + 90:.1f}万\n".replace("，", " ") for n in range(60))
    )
    table, _ = read(str(path))
    assert table.column_names == ("房源描述", "总价")


def test_labels_that_stand_for_the_rows_below_are_said(tmp_path: Path) -> None:
    once = tmp_path / "once.csv"
    once.write_text(
        "topic,text\n" + "".join(f"{WORDS[n // 15] if n % 15 == 0 else ''},{sentence(n)}\n" for n in range(60))
    )
    with pytest.raises(DataError, match="is blank but for 4 rows: if a label stands for the rows below it, fill them"):
        read(str(once))
    path = tmp_path / "a.csv"
    path.write_text(
        "topic,text\n" + "".join(f"{WORDS[n // 3 % 4] if n % 3 == 0 else ''},{sentence(n)}\n" for n in range(60))
    )
    with open_table(str(path), TableOptions(), needs_label=True) as table:
        rows, _ = read_rows(table, LabelOptions())
    assert any("if each stands for the rows below it" in line for line in rows.remarks)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([("art", "food", ""), ("food", "", ""), ("work", "art", "food"), ("art", "NA", "")], (1, 2, 3)),
        ([("art", "art", "art"), ("food", "art", "food"), ("work", "work", "art"), ("art", "", "")], (1,)),  # of people
        ([("art", "low", ""), ("food", "", ""), ("work", "high", ""), ("art", "low", "")], (1,)),  # of two kinds
    ],
)
def test_numbered_columns_hold_several_labels_a_row(
    tmp_path: Path, rows: list[tuple[str, ...]], columns: tuple[int, ...]
) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{sentence(n)},{','.join(rows[n % 4])}\n" for n in range(60)]
    path.write_text("text,label1,label2,label3\n" + "".join(lines))
    with open_table(str(path), TableOptions(), needs_label=True) as table:
        found, kind = read_rows(table, LabelOptions())
    assert table.label_columns == columns
    assert (kind.task == "multi") == (len(columns) > 1)
    if kind.task == "multi":
        assert kind.names == ["art", "food", "work"] and found.labels[:4].sum(1).tolist() == [2, 1, 3, 1]
        assert any("--label-column label1 takes that one alone" in line for line in table.warnings)
    both = read(str(path), label_column=["label1", "label2"])[1]
    assert both[0].label == "; ".join(dict.fromkeys(rows[0][:2]))


def told(first: Callable[[int], str], second: Callable[[int], str], tmp_path: Path) -> Table:
    """A table of which neither column beside the texts is named like labels, and texts are about tea or about rooms."""
    path = tmp_path / "a.csv"
    lines = [f"{('tea', 'room')[n % 2]} {sentence(n)},{first(n)},{second(n)}\n" for n in range(60)]
    path.write_text("said,left,right\n" + "".join(lines))
    return read(str(path))[0]


def test_of_columns_without_known_names_the_label_is_what_texts_tell(tmp_path: Path) -> None:
    def subject(n: int) -> str:
        return ("drinks", "beds")[n % 2]

    def by_chance(n: int) -> str:
        return ("open", "shut", "new")[n * n % 7 % 3]

    assert told(subject, by_chance, tmp_path).column_names == ("said", "left")
    assert told(by_chance, subject, tmp_path).column_names == ("said", "right")
    assert told(lambda n: str(5 + n % 2), by_chance, tmp_path).column_names == ("said", "left")  # also of codes
    both = told(subject, lambda n: f"{subject(n)} here", tmp_path)  # neither more than the other: said
    assert any("could also be in 'left'" in line for line in both.warnings)


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ({"text": "text", "make": "chance", "fuel": "guess", "price": "weight"}, "price"),
        ({"text": "text", "reason": "chance", "fuel": "guess", "price": "weight"}, "reason"),
        ({"text": "text", "answer": "canned"}, "answer"),
    ],
)
def test_amounts_and_canned_answers_are_asked_for_where_little_else_is(
    tmp_path: Path, columns: dict[str, str], label: str
) -> None:
    assert read(write(tmp_path / "a.csv", **columns))[0].column_names == ("text", label)
