"""Tables written back with columns added."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from textrnn.base.errors import DataError
from textrnn.text.table import writer as table_writer
from textrnn.text.table.own_form import with_label
from textrnn.text.table.table import TableOptions, open_table
from textrnn.text.table.writer import write_predictions

ADDED = ["predicted", "confidence"]


def rewritten(
    folder: Path, content: str | bytes, cells: Sequence[Sequence[Any]], name: str = "a.csv", **options: Any
) -> bytes:
    """What becomes of a file to which two columns are added."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    output = folder / f"out-{name}"
    with open_table(str(path), TableOptions(**options), needs_label=False) as table:
        write_predictions(table, ADDED, cells, str(output))
    return output.read_bytes()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # As the file has it: line ends, quotes where they are not needed, a last line without end, blank lines.
        (
            'text,label\r\n"good",1\r\n\r\nbad\r\n',
            'text,label,predicted,confidence\r\n"good",1,p,1\r\n\r\nbad,,q,0.5\r\n',
        ),
        ('text,label\n"a\n""b""",1\nbad,0', 'text,label,predicted,confidence\n"a\n""b""",1,p,1\nbad,0,q,0.5'),
        ("text;label\ngood;1\r\nbad;0\n", "text;label;predicted;confidence\ngood;1;p;1\r\nbad;0;q;0.5\n"),
        # Every cell in quotes.
        (
            '"text","n"\n"good","1"\n"bad","0"\n',
            '"text","n","predicted","confidence"\n"good","1","p","1"\n"bad","0","q","0.5"\n',
        ),
        # Those in quotes that are no numbers.
        ('"text","n"\n"good",1\n"bad",0\n', '"text","n","predicted","confidence"\n"good",1,"p",1\n"bad",0,"q",0.5\n'),
        # In single quotes.
        (
            "'text','n'\n'it''s, ok','1'\n'bad','0'\n",
            "'text','n','predicted','confidence'\n'it''s, ok','1','p','1'\n'bad','0','q','0.5'\n",
        ),
        # Short rows and a short header are padded; what is too much comes behind.
        ("text,label\na b c,1,x\nd e f,0,y\n", "text,label,,predicted,confidence\na b c,1,x,p,1\nd e f,0,y,q,0.5\n"),
        ("text,label,x\na b\nd e f,0,y\n", "text,label,x,predicted,confidence\na b,,,p,1\nd e f,0,y,q,0.5\n"),
        ('text,label\n"a, b",1,x,y\nc,0\n', 'text,label,predicted,confidence\n"a, b",1,p,1,x,y\nc,0,q,0.5\n'),
        ('text,label\n"a, b",1,x\nc,0\n', 'text,label,predicted,confidence\n"a, b",1,p,1,x\nc,0,q,0.5\n'),
        # No header, and a line that is for Excel.
        ("a film,1\na book,0\n", "a film,1,p,1\na book,0,q,0.5\n"),
        ("sep=;\ntext;label\na;1\nb;0\n", "sep=;\ntext;label;predicted;confidence\na;1;p;1\nb;0;q;0.5\n"),
        # Names that are taken.
        ("text,predicted\na,1\nb,0\n", "text,predicted,predicted_2,confidence\na,1,p,1\nb,0,q,0.5\n"),
        # A stray quote, and one that is never closed.
        ('text,label\n"a "b" c",1\n"d,0\n', 'text,label,predicted,confidence\n"a "b" c",1,p,1\n"d,0,q,0.5\n'),
        # Carriage returns as on an old Mac.
        ("text,label\ra,1\rb,0\r", "text,label,predicted,confidence\ra,1,p,1\rb,0,q,0.5\r"),
        # A NUL character.
        ("text,label\na\0a,1\nb,0\n", "text,label,predicted,confidence\na\0a,1,p,1\nb,0,q,0.5\n"),
    ],
)
def test_write_predictions_keeps_the_file_as_it_is(tmp_path: Path, content: str, expected: str) -> None:
    assert rewritten(tmp_path, content, [["p", "1"], ["q", "0.5"]], delimiter=";" if ";" in content else ",") == (
        expected.encode()
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "cp1252"])
def test_write_predictions_keeps_the_encoding(tmp_path: Path, encoding: str) -> None:
    text = "thé, naïve" if encoding == "cp1252" else "床前明月光，疑是地上霜"
    content = f'text,label\n"{text}",1\n{text.replace(",", "")},0\n'
    found = rewritten(tmp_path, content.encode(encoding), [["p", "1"], ["q", "0"]])
    assert found == f'text,label,predicted,confidence\n"{text}",1,p,1\n{text.replace(",", "")},0,q,0\n'.encode(encoding)


def test_write_predictions_takes_utf_8_with_a_mark_for_labels_that_do_not_fit(tmp_path: Path) -> None:
    path, output = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_bytes("text,label\nthé,1\nnaïve,0\n".encode("cp1252"))
    with open_table(str(path), needs_label=False) as table:
        write_predictions(table, ["predicted", "p(好)"], [["好", "1"], ["坏", "0"]], str(output))
    assert output.read_bytes() == "text,label,predicted,p(好)\nthé,1,好,1\nnaïve,0,坏,0\n".encode("utf-8-sig")


def test_write_predictions_writes_decimal_commas_where_the_table_has_them(tmp_path: Path) -> None:
    found = rewritten(tmp_path, "text;price\na b;1,5\nc d;2,25\n", [["p1.0", "0.5"], ["0.1", 1.25]], delimiter=";")
    assert found.decode() == "text;price;predicted;confidence\na b;1,5;p1.0;0,5\nc d;2,25;0,1;1,25\n"
    found = rewritten(tmp_path, "text;price\na b;1,5\nc d;2.25\n", [["p", "0.5"], ["q", 1.25]], delimiter=";")
    assert found.decode().splitlines()[1:] == ["a b;1,5;p;0.5", "c d;2.25;q;1.25"]


def test_write_predictions_replaces_bytes_that_cannot_be_decoded(tmp_path: Path) -> None:
    found = rewritten(tmp_path, b"text,label\n\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xff,1\nb,0\n", [["p", "1"], ["q", "0"]])
    assert found.decode() == "text,label,predicted,confidence\néééé\ufffd,1,p,1\nb,0,q,0\n"


def test_write_predictions_quotes_what_it_adds(tmp_path: Path) -> None:
    cells = [["a, b", 'say "x"'], ["two\nlines", ""]]
    assert rewritten(tmp_path, "text,label\na,1\nb,0\n", cells).decode() == (
        'text,label,predicted,confidence\na,1,"a, b","say ""x"""\nb,0,"two\nlines",\n'
    )
    assert rewritten(tmp_path, "7\ta\\\nb\t1\n8\tc\t0\n", [["p\\", "q"], ["r", "s"]]).decode() == (
        "7\ta\\\nb\t1\tp\\\\\tq\n8\tc\t0\tr\ts\n"
    )
    cells = [["a\tb", 'say "x"'], ["two\nlines", ""]]  # nothing can be quoted in such a file
    assert rewritten(tmp_path, 'text\tlabel\n"a" b\t1\n"b\t0\n', cells).decode() == (
        'text\tlabel\tpredicted\tconfidence\n"a" b\t1\ta b\tsay "x"\n"b\t0\ttwo lines\t\n'
    )


def test_write_predictions_of_other_kinds_of_files(tmp_path: Path) -> None:
    cells = [["p", 1], ["q", 0.5]]
    assert rewritten(tmp_path, "好, 好@1\n坏", cells, delimiter="at").decode() == "好, 好@1@p@1\n坏@@q@0.5"
    assert rewritten(tmp_path, "a, b\nc\n", cells, "a.txt").decode() == "a, b\tp\t1\nc\tq\t0.5\n"
    lines = ['{"text": "a", "predicted": 3}', "", '{"text":"b"}', "oops"]
    found = rewritten(tmp_path, "\n".join(lines), [*cells, ["", 0]], "a.jsonl").decode().split("\n")
    assert found == [
        '{"text": "a", "predicted": 3, "predicted_2": "p", "confidence": 1}',
        "",
        '{"text":"b", "predicted_2": "q", "confidence": 0.5}',
        "oops",
    ]
    assert [json.loads(found[n])["confidence"] for n in (0, 2)] == [1, 0.5]


def test_write_predictions_reads_the_rows_while_it_writes(tmp_path: Path) -> None:
    path, output = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("text,label\n" + "good,1\n,0\n" * 10_000, encoding="utf-8")
    with open_table(str(path)) as table:

        def cells() -> Iterator[list[str]]:
            for row in table.rows():
                yield [str(row.number), "empty" if row.problem else "ok"]

        assert write_predictions(table, ["nr", "status"], cells(), str(output)) == ["nr", "status"]
        assert table.num_rows == 20_000 and "10,000 rows with no text" in str(table.summary())
    lines = output.read_text(encoding="utf-8").splitlines()
    assert (lines[1], lines[-1], len(lines)) == ("good,1,1,ok", ",0,20000,empty", 20_001)


def test_write_predictions_streams_to_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("text,label\n好,1\n坏,0\n", encoding="utf-8")
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    with open_table(str(tmp_path / "a.csv"), TableOptions(text_column="text")) as table:
        write_predictions(table, ["p"], [["好"], ["坏"]], "-")
    assert stdout.buffer.getvalue().decode() == "text,label,p\n好,1,好\n坏,0,坏\n"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([["p", 1]], r"row 2 of a\.csv gets 2 new cells, and there are none"),
        ([["p"], ["q"]], r"row 1 of a\.csv gets 2 new cells, and there are 1"),
        ([["p", 1], ["q", 1], ["r", 1]], r"a\.csv has 2 rows, and there are new cells for more"),
    ],
)
def test_write_predictions_refuses_cells_that_do_not_fit(tmp_path: Path, cells: list[list[Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        rewritten(tmp_path, "text,label\na,1\nb,0\n", cells)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_write_predictions_keeps_what_exists(tmp_path: Path) -> None:
    path, output = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("text,label\na,1\n", encoding="utf-8")
    output.write_text("mine", encoding="utf-8")
    with open_table(str(path)) as table:
        for name, message in (
            (output, r"b\.csv exists and was kept.*--overwrite"),
            (path, r"a\.csv is the input itself"),
            (tmp_path, "is a folder"),
            (tmp_path / "nowhere" / "b.csv", "cannot write .*No such file"),
        ):
            with pytest.raises(DataError, match=message):
                write_predictions(table, ["p"], [["x"]], str(name), overwrite=False)
        assert output.read_text(encoding="utf-8") == "mine"
        write_predictions(table, ["p"], [["x"]], str(output), overwrite=True)
    assert output.read_text(encoding="utf-8") == "text,label,p\na,1,x\n"


def test_write_predictions_leaves_nothing_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(table_writer, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        rewritten(tmp_path, "text,label\na,1\n", [["p", 1]])
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


CELLS = st.text(st.sampled_from("ab1 ,;|\t\"'\n\r好"), max_size=6)


@settings(deadline=None)
@given(
    rows=st.integers(1, 3).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=2, max_size=6)),
    added=st.lists(st.tuples(CELLS, CELLS), min_size=6, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
    headed=st.booleans(),
)
def test_write_predictions_differs_by_the_added_columns_only(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    added: list[tuple[str, str]],
    delimiter: str,
    quoting: Any,
    end: str,
    headed: bool,
) -> None:
    rows = [["text " + row[0], *row[1:]] for row in rows]
    # The csv module does not quote a carriage return where a line ends with a line feed.
    assume(end == "\r\n" or quoting != csv.QUOTE_MINIMAL or not any("\r" in cell for row in rows for cell in row))
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
    content, folder = file.getvalue(), tmp_path_factory.mktemp("csv")
    new = [list(cells) for cells in added[: len(rows) - headed]]
    options = {"delimiter": delimiter, "header": headed, "all_rows": True}
    options["text_column"] = str(rows[0][0] if headed else 1)
    assume(not headed or [cell.strip() for cell in rows[0]].count(rows[0][0].strip()) == 1)
    assume(not headed or not {cell.strip() for cell in rows[0]} & set(ADDED))
    found = rewritten(folder, content, new, **options).decode()
    # By the csv module: all cells, and behind them the new ones.
    read = list(csv.reader(io.StringIO(found, newline=""), delimiter=delimiter))
    assert read == [row + cells for row, cells in zip(rows, [*([ADDED] if headed else []), *new], strict=True)]
    # By their text: each record begins as it was.
    with (
        open_table(str(folder / "a.csv"), TableOptions(**options), needs_label=False) as before,
        open_table(str(folder / "out-a.csv"), TableOptions(**options), needs_label=False) as after,
    ):
        for old, row in zip(before.rows(), after.rows(), strict=True):
            assert row.record.raw.startswith(old.record.raw.removesuffix(end) + delimiter) and row.record.raw.endswith(
                end
            )
            assert list(row.record.cells[:-2]) == old.record.cells


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", 'text,label,x\r\n"a, b",,1\r\nc,"old, one","2"\r\nd\r\n', '"a, b",new,1\r\nc,new,"2"\r\nd,new\r\n'),
        ("a.csv", '"label","text"\n"","a b"\n"1","c"\n', '"new","a b"\n"new","c"\n'),
        ("a.tsv", "label\ttext\n\ta b\n x \tc", "new\ta b\nnew\tc"),
        ("a.csv", "text;label\na b;1\nc;\n", "a b;new\nc;new\n"),
        ("a.jsonl", '{"text": "a", "m": {"label": null}}\n{"text": "b"}\n', None),
        ("a.txt", "__label__x a b\nc d\n", "__label__new a b\n__label__new c d\n"),
        ("at.txt", "好@1\n坏\n", "好@new\n坏@new\n"),
    ],
)
def test_with_label_changes_that_cell_alone(tmp_path: Path, name: str, content: str, expected: str | None) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    options = (
        TableOptions(delimiter="at")
        if name == "at.txt"
        else TableOptions(label_column="m.label" if expected is None else "label")
    )
    with open_table(str(path), options, needs_label=False) as table:
        rows = [with_label(table, row.record, "new") for row in table.rows()]
        found = "".join(row.raw for row in rows)
        assert found == (expected or '{"text": "a", "m": {"label": "new"}}\n{"text": "b", "m.label": "new"}\n')
        if expected:
            path.write_bytes((content.splitlines(keepends=True)[0] * table.has_header + found).encode())
    with open_table(str(path), options, needs_label=False) as table:
        assert expected is None or {row.label for row in table.rows()} == {"new"}


def test_what_a_kill_left_half_written_goes_after_a_day(tmp_path: Path) -> None:
    """And not what another prediction is just writing, nor a file of the user's."""
    path, output = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("text,label\nfine tea,good\ndull tea,bad\n" * 9, encoding="utf-8")
    for name, age_s in {
        ".b.csv.abcd_123": 2e5,
        ".b.csv.efgh4567": 60,
        ".b.csv.backup": 2e5,
        ".c.csv.abcd_123": 2e5,
    }.items():
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    with open_table(str(path), needs_label=True) as table:
        write_predictions(table, ["sure"], [["1"]] * 18, str(output))
    assert {found.name for found in tmp_path.glob(".*")} == {".b.csv.efgh4567", ".b.csv.backup", ".c.csv.abcd_123"}
