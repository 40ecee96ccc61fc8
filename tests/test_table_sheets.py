"""Workbooks of Excel and Parquet files: what is read of them, and that they come back with all else as it was."""

from __future__ import annotations

import datetime
import decimal
import gzip
import importlib.util
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from classify_cases import reviews
from cli_fixtures import good, refused
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import Font

from textrnn.base.errors import DataError
from textrnn.text.table.own_form import with_label
from textrnn.text.table.table import TableOptions, open_table
from textrnn.text.table.writer import write_predictions

LINEAR = ("--model", "linear", "--time", "1s", "-q")
ROWS = reviews(60)
DAY = datetime.datetime(2024, 5, 1)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A title above the header, cells of all kinds, formulas, text like a formula, a comment, a chart on a sheet."""
    monkeypatch.chdir(tmp_path)
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active["A1"] = "one cell"
    sheet = book.create_sheet("Reviews")
    sheet.append(["Reviews of 2024"])
    sheet.append([])
    sheet.append(["day", "review", "stars", "double", "seen", "share"])
    sheet["F3"].font = Font(bold=True)
    for number, (text, label) in enumerate(ROWS):
        stars = None if number == 3 else 5 if label == "good" else 1
        sheet.append([DAY, text, stars, f"=C{number + 4}*2", number % 2 == 0, 0.5])
    sheet["B5"].value, sheet["B5"].data_type = "=dirty, slow", "s"
    sheet["A5"].value = DAY + datetime.timedelta(hours=1)
    sheet["B6"].comment = Comment("mine", "me")
    other = book.create_sheet("Counts")
    for number in range(3):
        other.append([number, "=A1"])
    chart = BarChart()
    chart.add_data(Reference(other, min_col=1, min_row=1, max_row=3))
    other.add_chart(chart, "D2")
    book.save("a.xlsx")
    return tmp_path / "a.xlsx"


def test_a_sheet_is_read_as_its_program_shows_it(book: Path) -> None:
    with open_table(str(book), needs_label=True) as table:
        rows = list(table.rows())
        assert table.column_names == ("review", "stars") and table.header is not None
        assert table.describe().startswith("a.xlsx: 60 rows, sheet 'Reviews' of Excel, text in column 'review'")
        assert (rows[0].text, rows[0].label, rows[3].label) == (ROWS[0][0], "5", None)
        assert [table.line_of(row.record) for row in rows[:2]] == [4, 5]
        assert rows[0].record.cells == ["2024-05-01", ROWS[0][0], "5", "", "TRUE", "0.5"]
        assert rows[1].record.cells[:2] == ["2024-05-01 01:00:00", "=dirty, slow"]
        assert "sheet 'Reviews' is read, and there are also 'Notes', 'Counts': --sheet NAME" in table.warnings[0]
        assert table.warnings[1].startswith("a.xlsx: 60 formulas have no value that was saved")
    for wanted, text in (("notes", "one cell"), ("1", "one cell")):
        with open_table(str(book), TableOptions(sheet=wanted), needs_label=False) as table:
            assert [row.text for row in table.rows()] == [text]
    message = r"no sheet 'x' as --sheet wants it \(there: 'Notes', 'Reviews', 'Counts'\)"
    with pytest.raises(DataError, match=message), open_table(str(book), TableOptions(sheet="x")):
        pass


@pytest.mark.parametrize("number", [60, 16])
def test_the_sheet_with_labels_is_read_or_named(tmp_path: Path, number: int) -> None:
    """Not one with a few rows, such as counts of labels."""
    book, path = openpyxl.Workbook(), str(tmp_path / "a.xlsx")
    for place, (text, _) in enumerate(ROWS):
        book.active.append([f"field {place}", text])
    sheet = book.create_sheet("Data")
    for row in [("text", "label"), *ROWS[:number]]:
        sheet.append(row)
    book.save(path)
    if number < 20:
        with pytest.raises(DataError, match=r"or another sheet with --sheet \(there: 'Data'\)$"):
            open_table(path, needs_label=True).__enter__()
        return
    with open_table(path, needs_label=True) as table:
        assert table.warnings[0].endswith(
            "sheet 'Data' of Excel is read, as sheet 'Sheet' of Excel has no labels: --sheet NAME reads another"
        )
        assert [(row.text, row.label) for row in table.rows()] == ROWS


def test_a_workbook_comes_back_with_its_other_sheets(book: Path) -> None:
    result = good("classify", "a.xlsx", *LINEAR, "--fill", "--json").json
    assert result["output"] == "a.predicted.xlsx" and result["filled"] == 1
    assert result["findings"]["surest_wrong"] == [] or result["findings"]["surest_wrong"][0]["line"] > 3
    made = openpyxl.load_workbook("a.predicted.xlsx")
    sheet, other = made["Reviews"], made["Counts"]
    assert made.sheetnames == ["Notes", "Reviews", "Counts"] and len(other._charts) == 1
    assert [other.cell(row, 2).value for row in (1, 2, 3)] == ["=A1"] * 3
    header = [cell.value for cell in sheet[3]]
    assert header[5:] == ["share", "predicted", "confidence", "p(1)", "p(5)", "status"] and sheet["G3"].font.b
    assert [cell.value for cell in sheet[4]][:7] == [DAY, ROWS[0][0], 5, "=C4*2", True, 0.5, 5]
    assert isinstance(sheet["H4"].value, float) and sheet["C7"].value in (1, 5)
    assert (sheet["B5"].value, sheet["B5"].data_type, sheet["D5"].data_type) == ("=dirty, slow", "s", "f")
    assert sheet["B6"].comment.text == "mine" and sheet["G1"].value is None
    refused("classify", "a.xlsx", "--predict", "--only-missing", "-o", "b.xlsx", code=2, says=["--only-missing leaves"])
    good("classify", "a.xlsx", "--predict", "--only-missing", "-o", "rest.csv")
    lines = Path("rest.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 and lines[1].startswith("2024-05-01,")


def with_merged_labels(sheet: Any) -> None:
    """Two rows of heads; labels that are merged over four rows each, the last one blank; a heading behind them."""
    sheet.append(["ratings", None, "review"])
    sheet.append(["label", "helpful", None])
    for number, (text, label) in enumerate(sorted(ROWS, key=lambda row: row[1])):
        sheet.append([label if number % 4 == 0 and number < 56 else None, number % 3, text])
    for first in range(3, 63, 4):
        sheet.merge_cells(start_row=first, end_row=first + 3, start_column=1, end_column=1)
    sheet.merge_cells("A1:B1")
    sheet.merge_cells("C1:C2")
    sheet.append(["The end"])
    sheet.merge_cells("A63:C63")


def with_errors(sheet: Any) -> None:
    """Formulas that failed, hidden rows, CR LF as Excel writes it, numbers as text, and a formula behind the table."""
    sheet.append([None, None, "review", "stars"])
    for number, (text, label) in enumerate(ROWS):
        stars = 5 if label == "good" else 1
        sheet.append([None, None, text.replace(" ", "_x000D_\n", 1), str(stars) if number % 2 else stars])
        sheet.row_dimensions[number + 2].hidden = number < 7
    for place, value in (("D2", "#REF!"), ("D3", "#DIV/0!"), ("C4", "#NAME?")):
        sheet[place].value, sheet[place].data_type = value, "e"
    sheet["F9"] = "=LEN(C9)"


@pytest.mark.parametrize(
    ("make", "column", "said", "num_labels", "header"),
    [
        (
            with_merged_labels,
            "label",
            ["2 rows of cells merged across are headings, and left out", "43 cells are read as those above that"],
            56,
            ["label", "helpful", None, "new"],
        ),
        (
            with_errors,
            "stars",
            ["7 hidden rows are read too", "3 cells with an error of Excel (such as #DIV/0!) are read as blank"],
            58,
            [None, None, "review", "stars", None, None, "new"],
        ),
    ],
)
def test_sheets_as_people_have_them(
    tmp_path: Path, make: Any, column: str, said: list[str], num_labels: int, header: list[Any]
) -> None:
    book = openpyxl.Workbook()
    book.active.append(["made", "2024"])
    make(book.create_sheet("Answers"))
    path, output = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    book.save(path)
    with open_table(str(path), TableOptions(label_column=column), needs_label=True) as table:
        rows = list(table.rows())
        assert "sheet 'Answers' is read, and there is also 'Sheet'" in table.warnings[0]
        assert all(f"a.xlsx: {words}" in "\n".join(table.warnings) for words in said)
        assert (len(rows), sum(row.label is not None for row in rows)) == (60, num_labels)
        assert {row.label for row in rows} - {None} in ({"bad", "good"}, {"1", "5"})
        assert rows[5].text.replace("\n", " ") in [text for text, _ in ROWS]
        edit = lambda row: with_label(table, row, "bad")  # noqa: E731
        write_predictions(table, ["new"], [["x"]] * 60, str(output), edit=edit)
    sheet = openpyxl.load_workbook(output)["Answers"]
    assert [cell.value for cell in sheet[2 if make is with_merged_labels else 1]] == header
    assert {sheet.cell(row, len(header)).value for row in range(3, 61)} == {"x"}
    if make is with_errors:
        assert sheet["F9"].value == "=LEN(C9)" and sheet.row_dimensions[3].hidden
    else:
        assert {sheet.cell(row, 1).value for row in range(3, 63)} == {"bad"} and "A63:C63" in map(
            str, sheet.merged_cells.ranges
        )


def test_a_workbook_is_written_packed_and_to_a_stream(book: Path) -> None:
    with open_table(str(book), needs_label=True) as table:
        write_predictions(table, ["new"], [["x"]] * 60, "b.xlsx.gz")
    Path("b.xlsx").write_bytes(gzip.decompress(Path("b.xlsx.gz").read_bytes()))
    assert openpyxl.load_workbook("b.xlsx")["Reviews"]["G4"].value == "x"
    with open_table("b.xlsx.gz", needs_label=True) as table:
        assert table.header is not None and table.header[6] == "new"


def test_what_fails_while_a_workbook_is_open_is_not_its_fault(book: Path) -> None:
    with pytest.raises(ValueError, match="mine"), open_table(str(book), needs_label=True):
        raise ValueError("mine")


def test_text_stays_text_when_a_table_becomes_a_sheet(tmp_path: Path) -> None:
    path, output = tmp_path / "a.csv", tmp_path / "b.xlsx"
    path.write_text(
        f'text,code,n\n"=1+1 is two",007,5\n"+a \x07 b{" long" * 20}",1.10,-0.5\n@x,#N/A,\n', encoding="utf-8"
    )
    with open_table(str(path), TableOptions(text_column="text"), needs_label=False) as table:
        write_predictions(table, ["new", "p"], [["=cmd", "0.9000"], ["-a", ""], ["5", "1.0000"]], str(output))
    sheet = openpyxl.load_workbook(output).active
    found = [[cell.value for cell in row] for row in sheet]
    assert found[0] == ["text", "code", "n", "new", "p"]
    assert found[1:] == [
        ["=1+1 is two", "007", 5, "=cmd", 0.9],
        ["+a \ufffd b" + " long" * 20, "1.10", -0.5, "-a", None],
        ["@x", "#N/A", None, 5, 1],
    ]
    assert not any(cell.data_type in "fe" for row in sheet for cell in row)
    with open_table(str(output), TableOptions(text_column="text"), needs_label=False) as table:
        assert [row.text for row in table.rows()] == ["=1+1 is two", "+a \ufffd b" + " long" * 20, "@x"]


def test_what_cannot_be_kept_of_a_workbook_is_said_before(book: Path) -> None:
    with zipfile.ZipFile(book, "a") as archive:
        for part in ("xl/slicers/slicer1.xml", "xl/media/image1.emf", "xl/strange.bin"):
            archive.writestr(part, "<x/>")
        archive.writestr("xl/drawings/drawing9.xml", "<xdr:wsDr><xdr:sp macro=''></xdr:sp></xdr:wsDr>")
    with open_table(str(book), needs_label=True) as table:
        said = table.warnings[2]
    assert said == (
        "a.xlsx: as .xlsx it comes back without its slicers, pictures, xl/strange.bin, drawn shapes, which openpyxl "
        "cannot keep"
    )


@pytest.mark.parametrize(
    ("module", "extra", "suffix"), [("openpyxl", "excel", "xlsx"), ("pyarrow", "parquet", "parquet")]
)
def test_without_the_library_a_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, extra: str, suffix: str
) -> None:
    content = b"PAR1"
    if suffix == "xlsx":
        openpyxl.Workbook().save(tmp_path / "a.xlsx")
        content = (tmp_path / "a.xlsx").read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(content)
    (tmp_path / "a.csv").write_text("text\na film\n", encoding="utf-8")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    message = rf"needs {module}: pip install 'textrnn\[{extra}\]', or"
    with pytest.raises(DataError, match=message), open_table(str(tmp_path / f"a.{suffix}")):
        pass
    with pytest.raises(DataError, match=message), open_table(str(tmp_path / "a.csv"), needs_label=False) as table:
        write_predictions(table, ["new"], [["x"]], str(tmp_path / f"b.{suffix}"))
    assert not (tmp_path / f"b.{suffix}").exists()


@pytest.mark.parametrize("suffix", ["xlsx", "parquet"])
def test_damaged_and_empty_files_are_refused_in_a_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "xlsx":
        openpyxl.Workbook().save(path)
    else:
        pyarrow.parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), path)
    with pytest.raises(DataError, match=r"no cell in any of its sheets|has no rows"), open_table(str(path)):
        pass
    if suffix == "parquet":
        path.write_bytes(b"PAR1" + b"x" * 99)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr("xl/workbook.xml", "<workbook")
    with pytest.raises(DataError, match="is damaged"), open_table(str(path)):
        pass


@pytest.fixture
def frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("textrnn.text.table.parquet.BATCH_ROWS", 25)
    labels = [None if n == 3 else int(label == "good") for n, (_, label) in enumerate(ROWS)]
    return pyarrow.table(
        {
            "review": [text for text, _ in ROWS],
            "label": pyarrow.array(labels, pyarrow.int8()),
            "day": [DAY] * 60,
            "tags": [["a", "b"][: n % 3] for n in range(60)],
        }
    )


def test_parquet_comes_back_with_the_kinds_of_its_columns(frame: Any) -> None:
    pyarrow.parquet.write_table(frame, "a.parquet", row_group_size=20)
    result = good("classify", "a.parquet", *LINEAR, "--fill", "--json").json
    assert result["output"] == "a.predicted.parquet" and result["rows"]["unlabelled"] == 1
    made = pyarrow.parquet.read_table("a.predicted.parquet")
    assert made.schema.names[4:] == ["predicted", "confidence", "p(0)", "p(1)", "status"]
    assert [str(kind) for kind in made.schema.types[4:]] == ["int64", *["double"] * 3, "string"]
    assert made.schema.types[:4] == frame.schema.types and made.num_rows == 60
    assert made.column("label")[3].as_py() in (0, 1) and made.drop_columns(
        made.schema.names[1:2] + made.schema.names[4:]
    ) == frame.drop_columns(["label"])
    good("classify", "a.parquet", "--predict", "--only-missing", "-o", "b.parquet")
    assert pyarrow.parquet.read_table("b.parquet").column("review").to_pylist() == [ROWS[3][0]]
    good("classify", "a.parquet", "--predict", "-o", "b.csv")
    good("classify", "b.csv", "--predict", "-o", "c.parquet")
    assert [str(kind) for kind in pyarrow.parquet.read_table("c.parquet").schema.types[:3]] == [
        "string",
        "int64",
        "string",
    ]


@pytest.mark.parametrize(
    ("values", "kind", "label", "expected"),
    [
        ([True, False], pyarrow.bool_(), "true", True),
        ([[1], [1, 7]], pyarrow.list_(pyarrow.int8()), "7", [7]),
        ([decimal.Decimal("4.5"), decimal.Decimal("1.0")], pyarrow.decimal128(3, 1), "4.5", decimal.Decimal("4.5")),
        (["bad", "good"], pyarrow.dictionary(pyarrow.int8(), pyarrow.string()), "good", "good"),
        ([{"given": 1, "at": DAY}] * 2, None, "1", {"given": 1, "at": DAY}),
    ],
)
def test_a_label_is_filled_in_as_its_column_holds_it(
    tmp_path: Path, values: list[Any], kind: Any, label: str, expected: Any
) -> None:
    given = [{**values[0], "given": None} if isinstance(values[0], dict) else None, *values * 20]
    texts = [f"a long text number {number}" for number in range(len(given))]
    pyarrow.parquet.write_table(
        pyarrow.table({"text": texts, "label": pyarrow.array(given, kind)}), tmp_path / "a.parquet"
    )
    options = TableOptions(label_column="label.given" if kind is None else "label")
    with open_table(str(tmp_path / "a.parquet"), options, needs_label=True) as table:
        first, *_ = rows = list(table.rows())
        assert first.label is None and rows[1].label is not None
        edit = lambda row: with_label(table, row, label) if row.line == 1 else row  # noqa: E731
        write_predictions(table, ["new"], [["x"]] * len(rows), str(tmp_path / "b.parquet"), edit=edit)
    made = pyarrow.parquet.read_table(tmp_path / "b.parquet")
    assert made.column("label").to_pylist() == [expected, *given[1:]]
    assert kind is None or made.schema.field("label").type == kind


def test_lists_in_parquet_are_several_labels(frame: Any) -> None:
    pyarrow.parquet.write_table(frame, "a.parquet")
    with open_table("a.parquet", TableOptions(label_column="tags"), needs_label=True) as table:
        assert [row.label for row in table.rows()][:3] == [None, "a", "a\x1fb"]
        write_predictions(
            table, ["new"], [[["b"]]] * 60, "b.parquet", edit=lambda row: with_label(table, row, "c\x1fd")
        )
        with pytest.raises(DataError, match=r"does not fit into column 'label' of int8"):
            table.label_columns = (1,)
            del table.__dict__["list_style"]
            write_predictions(table, ["new"], [["b"]] * 60, "c.parquet", edit=lambda row: with_label(table, row, "c"))
    made = pyarrow.parquet.read_table("b.parquet")
    assert made.column("tags").to_pylist() == [["c", "d"]] * 60 and made.column("new").to_pylist() == [["b"]] * 60
