"""Tables as people have them, by chance, with their right reading; `python tests/awkward_tables.py 2000` counts."""

from __future__ import annotations

import csv
import io
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pyarrow
import pyarrow.parquet

from textrnn.base.errors import DataError
from textrnn.classifier.data import read_rows
from textrnn.classifier.found_kind import LabelOptions
from textrnn.text.table.cell_values import as_number
from textrnn.text.table.table import open_table

TEXTS = {
    "en": "the film was good bad plain long short fine and dull we had tea there again",
    "fr": "le café était très bon mauvais élégant où déjà là-bas même naïve thé trop cher",
    "zh": "这家 餐厅 的 味道 很好 不错 太差 服务员 热情 价格 有点 贵 下次 还来 推荐",
}
WORDS = {language: words.split() for language, words in TEXTS.items()}
NAMES = {
    "en": (
        ["text", "review", "Comment", "review_text", "tweet"],
        ["label", "sentiment", "Class Index", "stars", "target"],
    ),
    "fr": (["text", "content", "Sentence"], ["label", "category", "rating"]),
    "zh": (["评论", "内容", "text", "文本"], ["标签", "情感", "类别", "label", "评分"]),
}
LABELS = [
    ["pos", "neg"],
    ["1", "0"],
    ["good", "so so", "bad"],
    ["1", "2", "3", "4", "5"],
    ["4.0", "2.0"],
    ["spam", "ham"],
]
LABELS += [
    ["yes", "no", "don't know"],
    ["Food, drink", "Rooms; beds", "Staff"],
    ["A", "B"],
    ["-1", "0", "1"],
    ["True", "False"],
]
LABELS += [["正面", "负面"]]
MARKS = ["", "NA", "n/a", "nan", "NULL", "?", "#N/A"]


class Awkward(NamedTuple):
    """A table and what it means."""

    content: bytes
    suffix: str
    rows: list[tuple[str, str | None]]  # text and label of each row that has a text
    traits: tuple[str, ...]


def awkward_table(seed: int) -> Awkward:
    """A table by its number, always the same."""
    draw = random.Random(seed)
    language, traits = draw.choice([*WORDS]), list[str]()
    delimiter, end = draw.choice(",,;\t|"), draw.choice(["\n", "\r\n", "\r\n", "\r"])
    encodings = {"en": ["utf-8"], "fr": ["utf-8", "cp1252"], "zh": ["utf-8", "gb18030"]}[language]
    encoding = draw.choice([*encodings, "utf-8-sig", "utf-16"])
    quoting = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    number = draw.choice([draw.randint(8, 24), draw.randint(24, 150)])
    labels = draw.choice([own for own in LABELS if language == "zh" or "".join(own).isascii()])

    def has(trait: str, share: float) -> bool:
        if draw.random() < share:
            traits.append(trait)
            return True
        return False

    odd_spelling = {label: label for label in labels}
    if has("spellings", 0.2):
        odd_spelling = {label: f"{label}.0" if label.isdigit() else label.title() for label in labels}
    missing = draw.sample(MARKS, 2) if has("marks", 0.3) else []
    columns = ["text", "label"]
    for extra in ("id", "date", "lang", "empty", "user", "title", "helpful"):
        if has(extra, 0.25):
            columns.insert(draw.randint(0, len(columns)), extra)
    if has("label first", 0.3):
        columns.remove("label")
        columns.insert(0, "label")
    names = dict(zip(("text", "label"), map(draw.choice, NAMES[language]), strict=True))
    names |= {"id": draw.choice(["id", "", "nr"]), "date": "date", "lang": "lang", "empty": draw.choice(["", "note"])}
    names |= {
        "user": "user",
        "title": draw.choice(["title", "headline_id"]),
        "helpful": draw.choice(["num_votes", "count"]),
    }
    is_plain = number >= 24 and not {"title", "helpful"} & set(columns)  # else a person could not tell either
    if has("names of no meaning", 0.15 * is_plain):
        names |= {"text": draw.choice(["v2", "x"]), "label": draw.choice(["v1", "outcome"])}
    is_json = has("JSON", 0.2)
    with_delimiters, breaks = has("delimiters", 0.6), has("line breaks", 0.3) and end != "\r"
    rows, meant = list[list[str]](), list[tuple[str, str | None]]()
    for place in range(number):
        words = [draw.choice(WORDS[language]) for _ in range(draw.randint(4, 12))]
        text = (" " if language != "zh" else "").join(words) + f" {place}"
        if with_delimiters and place % 3 == 0:
            text = text.replace(" ", f"{delimiter} ", 1) + ' "so"'
        if breaks and place % 5 == 0:
            text = f"{text[:9]}\n{text[9:]}"
        label: str | None = draw.choice(labels)
        shown = odd_spelling[label] if place % 7 == 0 else label
        if missing and place % 6 == 1:
            label, shown = None, draw.choice(missing)
        cells = {"text": text, "label": shown, "id": str(10_000 + place), "date": f"2024-01-{place % 28 + 1:02}"}
        cells |= {
            "lang": language,
            "empty": "",
            "user": f"user{draw.randint(1, 9 * number)}",
            "title": f"{words[0]} {place}",
        }
        cells["helpful"] = str(draw.randint(0, 4))
        rows.append([cells[column] for column in columns])
        meant.append((text, label))
    header = [names[column] for column in columns]
    if is_json:
        objects = [{name or "key": cell for name, cell in zip(header, row, strict=True)} for row in rows]
        return Awkward(
            _json(draw, has, objects, names).encode(encoding), draw.choice([".json", ".jsonl"]), meant, tuple(traits)
        )
    if has("other program", 0.15):
        return Awkward(*_of_program(draw, has, header, rows, columns, names), meant, tuple(traits))
    return Awkward(
        _written(draw, has, is_plain, header, rows, delimiter, end, quoting).encode(encoding),
        ".csv",
        meant,
        tuple(traits),
    )


def _json(draw, has, objects, names):
    """The objects as lines or as an array, flat or nested; or in another form of pandas."""
    keys = list(objects[0])
    if len(keys) == len({*keys}) and has("another form of JSON", 0.3):
        rows, index = [list(one.values()) for one in objects], [str(number) for number in range(len(objects))]
        columns = list(zip(*rows, strict=True))
        forms = {
            "columns": {key: dict(zip(index, column, strict=True)) for key, column in zip(keys, columns, strict=True)},
            "index": dict(zip(index, objects, strict=True)),
            "split": {"columns": keys, "index": index, "data": rows},
            "table": {"schema": {"fields": [{"name": key, "type": "string"} for key in keys]}, "data": objects},
            "lists": dict(zip(keys, map(list, columns), strict=True)),
            "values": [keys, *rows],
            "among others": {"meta": {"parts": [{"id": 1}, {"id": 2}]}, "count": 3, "rows": objects},
        }
        name = draw.choice([*forms])
        has(name, 1)
        return json.dumps(forms[name], ensure_ascii=False, indent=draw.choice([None, 2]))
    if has("nested", 0.5):
        objects = [{"id": 1, "data": one} for one in objects]
    if has("an array", 0.5):
        whole = {"count": len(objects), "rows": objects} if has("within an object", 0.3) else objects
        return json.dumps(whole, ensure_ascii=False, indent=draw.choice([None, 2]))
    return "".join(json.dumps(one, ensure_ascii=draw.random() < 0.5) + "\n" for one in objects)


def _of_program(draw, has, header, rows, columns, names):
    """The rows as a workbook, as Parquet, as tasks of Label Studio, or in JSON lines with lists as of doccano."""
    name = draw.choice(["workbook", "Parquet", "tasks", "lists of labels"])
    has(name, 1)
    if name == "workbook":
        book = openpyxl.Workbook()
        sheet = book.active
        if has("titles", 0.3):
            sheet.append(["Customer reviews 2024"])
            sheet.append([])
        for row in [header, *rows]:
            sheet.append([as_number(cell) if cell not in ("", *header) else cell or None for cell in row])
        for row in sheet:
            for cell in row:
                if cell.data_type in "fe":
                    cell.data_type = "s"
        if has("other sheets", 0.3):
            book.create_sheet("Notes", draw.choice([None, 0])).append(["a note"])
        file = io.BytesIO()
        book.save(file)
        return file.getvalue(), ".xlsx"
    if name == "Parquet":
        file = io.BytesIO()
        cells = {own or "key": [row[at] or None for row in rows] for at, own in enumerate(header)}
        pyarrow.parquet.write_table(pyarrow.table(cells), file, row_group_size=20)
        return file.getvalue(), ".parquet"
    text, label = columns.index("text"), columns.index("label")
    if name == "tasks":
        tasks = []
        for number, row in enumerate(rows):
            result = {"from_name": "mood", "to_name": "text", "type": "choices", "value": {"choices": [row[label]]}}
            made = [{"id": number, "was_cancelled": False, "result": [result]}] if row[label] else []
            tasks.append(
                {"id": number, "annotations": made, "data": {"text": row[text]}, "total_annotations": len(made)}
            )
        return json.dumps(tasks, ensure_ascii=False, indent=draw.choice([None, 2])).encode(), ".json"
    key = draw.choice(["label", "labels"])
    lines = [{"id": n, "text": row[text], key: [row[label]] if row[label] else []} for n, row in enumerate(rows)]
    return "".join(json.dumps({**one, "Comments": []}) + "\n" for one in lines).encode(), ".jsonl"


def _written(draw, has, is_plain, header, rows, delimiter, end, quoting):
    """The text of the table, with what else people leave in it."""

    def line(cells):
        file = io.StringIO(newline="")
        csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting).writerow(cells)
        return file.getvalue()

    def plain(text):
        return text + delimiter * (len(header) - 1) * draw.randint(0, 1) + end

    lines = [line(row) for row in rows]
    if has("no header", 0.2 * is_plain) and "\ufeff" not in lines[0]:
        return "".join(lines)
    first = line(header)
    if has("repeated header", 0.15):
        for _ in range(draw.randint(1, 3)):
            lines.insert(draw.randint(1, len(lines)), first)
    if has("ruler", 0.1):
        lines.insert(0, delimiter.join(["---"] * len(header)) + end)
    if has("blank lines", 0.15):
        lines.insert(draw.randint(0, len(lines)), draw.choice([end, plain("")]))
    if has("total", 0.1):
        lines.append(delimiter.join(["Total", str(len(rows)), *[""] * (len(header) - 2)]) + end)
    above = [plain(draw.choice(["Customer reviews 2024", "Export"])), plain("")][: draw.randint(1, 2)]
    return "".join([*(above if has("titles", 0.15) else []), first, *lines])


def reading(table: Awkward, folder: Path) -> str | None:
    """What is wrong with how a table is read, in a line; None if it is read rightly."""
    path = folder / f"table{table.suffix}"
    path.write_bytes(table.content)
    try:
        with open_table(str(path), needs_label=True) as opened:
            rows, kind = read_rows(opened, LabelOptions("classes"))
            said = f"{opened.describe()}; {opened.warnings}; {opened.summary()}"
    except DataError as error:
        return str(error)
    expected = [(text, label) for text, label in table.rows if label is not None]
    found = [(text, kind.names[label]) for text, label in zip(rows.texts, rows.labels.tolist(), strict=True)]
    same = [one[0] for one in found] == [one[0] for one in expected] and _alike(found, expected)
    is_rest = sorted(rows.unlabelled) == sorted(text for text, label in table.rows if label is None)
    return None if same and is_rest else said


def _alike(found, expected):
    """Whether labels are the same, but for how they are spelled."""
    pairs = Counter((one[1], other[1]) for one, other in zip(found, expected, strict=True))
    return len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


def main() -> None:
    """Counts how many of the first tables are read rightly, and prints what is said of the others."""
    number, wrong = int(sys.argv[1]), 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(number):
            table = awkward_table(seed)
            if (said := reading(table, Path(folder))) is not None:
                wrong += 1
                print(f"{seed} ({', '.join(table.traits)}): {said}")
    print(f"{number - wrong:,} of {number:,} tables read rightly ({1 - wrong / number:.1%})")


if __name__ == "__main__":
    main()
