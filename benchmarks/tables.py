"""Which reader of delimited text is right most often: this project's, Python's csv module, clevercsv, DuckDB, pandas.

    python -m benchmarks.tables [FILE ...]

Small tables with known cells are written in about thirty ways and read by each reader, which has to find delimiter and
quotes by itself; then each reads 50 MB. Of the files, if any are given, the records of each number of cells are
counted. A reader that is not installed is left out. All but this project's are handed UTF-8.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib
import importlib.util
import io
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.tools import machine, run, table
from textrnn.text.table.rows import HEADER, ROW
from textrnn.text.table.source import Encoding, inspect_table, table_lines
from textrnn.text.table.table import TableOptions, open_records

Record = Sequence[str]
WORDS = ["the", "film", "was", "good", "bad", "plain", "long", "short", "fine", "and", "dull"]
SAMPLE_CHARS = 1 << 18
LARGE_BYTES = 50_000_000


# Tables with known cells


def sentence(number: int) -> str:
    """A text of 6 to 12 words, another one for each number."""
    size = 6 + number % 7
    return " ".join(WORDS[(number * 7 + place * place) % len(WORDS)] for place in range(size)) + f" {number}"


def reviews(change: Callable[[int, str], str] = lambda number, text: text, *, header: bool = True) -> list[list[str]]:
    """60 rows of a text and one of two labels."""
    rows = [[change(number, sentence(number)), ("pos", "neg")[number % 2]] for number in range(60)]
    return [["text", "label"], *rows] if header else rows


def every(step: int, to: str) -> Callable[[int, str], str]:
    """A change of one text in `step`: an addition at its end."""
    return lambda number, text: text + to if number % step == 1 else text


def written(rows: Sequence[Record], **dialect: Any) -> str:
    """What the csv module makes of rows."""
    file = io.StringIO()
    csv.writer(file, **{"lineterminator": "\n", **dialect}).writerows(rows)
    return file.getvalue()


def joined(rows: Sequence[Record], delimiter: str, end: str = "\n") -> str:
    """Rows without any quotes."""
    return "".join(delimiter.join(row) + end for row in rows)


def proper_cases() -> Iterator[tuple[str, bytes, Sequence[Record]]]:
    """Tables that a csv writer has made: a name, the file, its records."""
    commas = reviews(every(3, ", really; yes"))
    for delimiter, name in ((",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe")):
        yield f"{name}.csv", written(commas, delimiter=delimiter).encode(), commas
    yield "all quoted.csv", written(commas, quoting=csv.QUOTE_ALL, lineterminator="\r\n").encode(), commas
    doubled = reviews(every(4, ' said "no", twice'))
    yield "doubled quotes.csv", written(doubled).encode(), doubled
    escaped = written(doubled, doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL)
    yield "escaped quotes.csv", escaped.encode(), doubled
    spaced = "".join(f'"{text}", "{label}"\n' for text, label in commas)
    yield "space before quotes.csv", spaced.encode(), commas
    for end, name in (("\n", "LF"), ("\r\n", "CRLF"), ("\r", "CR")):
        rows = reviews(every(5, f", and{end}more{end}{end}of it"))
        yield f"{name} in cells.csv", written(rows, lineterminator="\r\n", quoting=csv.QUOTE_ALL).encode(), rows
    long = reviews(lambda number, text: text + ", on and on" * (20_000 if number == 7 else 1))
    yield "a cell of 220,000 characters.csv", written(long).encode(), long
    bare = reviews(every(5, ", fine"), header=False)
    yield "no header.csv", written(bare).encode(), bare
    yield (
        "one column.csv",
        written([row[:1] for row in commas], quoting=csv.QUOTE_ALL).encode(),
        [row[:1] for row in commas],
    )
    wide = [["id", "name", "text", "note", "stars"], *([f"{n}", f"user{n}", t, "", y] for n, (t, y) in enumerate(bare))]
    yield "empty cells.csv", written(wide).encode(), wide
    chinese = reviews(lambda number, text: f"菜味道很棒，送餐{'很' * (number % 4)}快，{number}")
    yield "Chinese.csv", joined(chinese, ",").encode("gb18030"), chinese
    accents = reviews(every(2, " – très déjà, vu"))
    yield "Windows-1252.csv", written(accents).encode("cp1252"), accents
    yield "UTF-16.csv", written(accents).encode("utf-16"), accents


def awkward_cases() -> Iterator[tuple[str, bytes, Sequence[Record]]]:
    """Tables as people and programs make them."""
    prices = [[text, f"{n % 50 / 10:.1f}".replace(".", ",")] for n, (text, _) in enumerate(reviews(header=False))]
    yield "decimal commas.csv", joined([["text", "score"], *prices], ";").encode(), [["text", "score"], *prices]
    inches = reviews(lambda n, text: f'"Great" said {text}' if n % 9 == 1 else f'{text} of 5"' if n % 9 == 2 else text)
    yield "quotes are text.tsv", joined(inches, "\t").encode(), inches
    stray = reviews(every(20, ' said "no" twice, yes'))
    yield "quotes not doubled.csv", "".join(f'"{text}",{label}\n' for text, label in stray).encode(), stray
    ends = reviews(every(2, ", yes"))
    ends[8] = ['"' + sentence(7), "pos"]
    opened = written(ends[:8]) + f'"{sentence(7)},pos\n' + written(ends[9:])
    yield "a quote never closed.csv", opened.encode(), ends
    apostrophes = reviews(lambda n, text: f"'tis {text}, isn't it" if n % 3 else f"don't, {text}")
    yield "apostrophes.csv", written(apostrophes).encode(), apostrophes
    ragged = [[f"{n}", text + ", yes", label] for n, (text, label) in enumerate(reviews(header=False))]
    yield "short header.csv", written([["label", "sentence"], *ragged]).encode(), [["label", "sentence"], *ragged]
    short = [row[:2] if n % 7 == 3 else row for n, row in enumerate(ragged)]
    yield "short rows.csv", written(short).encode(), short
    surplus = [[*row, "x", "y"] if n % 9 == 4 else row for n, row in enumerate(ragged)]
    yield "surplus cells.csv", written(surplus).encode(), surplus
    missing = [[row[0]] if n % 11 == 5 else row for n, row in enumerate(reviews(every(2, ", ok.")))]
    yield "no label.tsv", joined(missing, "\t").encode(), missing
    lines = [[text + ("; really" if n % 2 else ", so")] for n, (text, _) in enumerate(reviews(header=False))]
    yield "a text a line.txt", joined(lines, "").encode(), lines
    odd = reviews(lambda n, text: text + " \u2028\u0085\v\f\x1c"[n % 6] + "end")
    yield "line separators in texts.tsv", joined(odd, "\t").encode(), odd
    plain = reviews()
    yield "old Mac.csv", joined(plain, ",", "\r").encode(), plain
    yield "sep line.csv", b"sep=|\r\n" + joined(plain, "|", "\r\n").encode(), plain
    yield "blank lines.csv", joined(plain, ",").replace("pos\n", "pos\n\n").encode(), plain
    yield "both line ends.csv", joined(plain, ",").replace("pos\n", "pos\r\n").encode(), plain
    few = [["text", "label"], ["well, good; fine", "1"], ["bad", "0"]]
    yield "two rows.csv", written(few).encode(), few


# Readers: the records of a file, whose delimiter and quotes they find out


def decoded(path: str, encoding: Encoding) -> str:
    """The text of a file."""
    return "".join(table_lines(path, path, encoding))


def ours(path: str) -> Iterator[Record]:
    """Records by this project."""
    with open_records(path, TableOptions()) as found:
        yield from (record.cells for part, record in found.parts() if part in (HEADER, ROW))


def small_sniffer(path: str) -> Iterator[Record]:
    """Python's csv module with the delimiter that gives most records the same number of cells."""

    def fit(delimiter: str) -> float:
        with contextlib.suppress(csv.Error):
            widths = Counter(len(cells) for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))
            width, count = widths.most_common(1)[0]
            return count / widths.total() if width > 1 else 0
        return 0

    csv.field_size_limit(1 << 30)
    with open(path, encoding="utf-8", newline="") as file:
        sample = file.read(SAMPLE_CHARS)
        file.seek(0)
        yield from csv.reader(file, delimiter=max(",;\t|", key=fit))


def csv_sniffer(path: str) -> Iterator[Record]:
    """Python's csv module with its own Sniffer."""
    csv.field_size_limit(1 << 30)
    with open(path, encoding="utf-8", newline="") as file:
        dialect = csv.Sniffer().sniff(file.read(SAMPLE_CHARS))
        file.seek(0)
        yield from csv.reader(file, dialect)


def clevercsv(path: str) -> Iterator[Record]:
    """Records by clevercsv."""
    module = importlib.import_module("clevercsv")
    module.field_size_limit(1 << 30)
    with open(path, encoding="utf-8", newline="") as file:
        dialect = module.Sniffer().sniff(file.read(SAMPLE_CHARS))
        file.seek(0)
        yield from module.reader(file, dialect)


def duckdb(path: str) -> Iterator[Record]:
    """Records by DuckDB, with the options with which it gets most of the cases right."""
    lenient = "all_varchar=true, header=false, null_padding=true, parallel=false"
    large = "max_line_size=67108864, buffer_size=268435456"
    found = importlib.import_module("duckdb").connect().execute(f"from read_csv(?, {lenient}, {large})", [path])
    while rows := found.fetchmany(10_000):
        yield from (["" if cell is None else cell for cell in row] for row in rows)


def pandas(path: str) -> Iterator[Record]:
    """Records by pandas, whose Python engine finds out the delimiter."""
    options = dict(sep=None, engine="python", header=None, dtype=str, keep_default_na=False, chunksize=10_000)
    for frame in importlib.import_module("pandas").read_csv(path, **options):
        yield from frame.values.tolist()


READERS: dict[str, tuple[str, Callable[[str], Iterable[Record]]]] = {
    "textrnn": ("textrnn", ours),
    "csv, a sniffer of 8 lines": ("csv", small_sniffer),
    "csv.Sniffer": ("csv", csv_sniffer),
    "clevercsv": ("clevercsv", clevercsv),
    "DuckDB": ("duckdb", duckdb),
    "pandas": ("pandas", pandas),
}


# Measuring


def filled(records: Iterable[Record]) -> list[list[str]]:
    """Records without the empty cells at their ends, which some readers add, and without blank ones."""
    found = [[str(cell) for cell in record] for record in records]
    for cells in found:
        while cells and not cells[-1]:
            cells.pop()
    return [cells for cells in found if cells]


def is_right(reader: Callable[[str], Iterable[Record]], path: str, expected: Sequence[Record]) -> bool:
    """Whether a reader finds these records; what it raises is a wrong answer."""
    try:
        return filled(reader(path)) == filled(expected)
    except Exception:
        return False


def in_utf_8(path: Path, folder: Path) -> Path:
    """A copy of a file in UTF-8, its line ends as they are."""
    copy = folder / f"{path.stem}.utf-8{path.suffix}"
    with open(copy, "w", encoding="utf-8", newline="") as file:
        file.write(decoded(str(path), inspect_table(str(path), path.name)).replace("\udcff", "\ufffd"))
    return copy


def handed(name: str, path: Path, folder: Path) -> str:
    """The file that a reader gets."""
    return str(path if name == "textrnn" else in_utf_8(path, folder))


def wrong_cases(names: Sequence[str], folder: Path) -> tuple[int, dict[str, list[str]]]:
    """How many cases there are, and which each reader gets wrong."""
    wrong: dict[str, list[str]] = {name: [] for name in names}
    cases = [*proper_cases(), *awkward_cases()]
    for case, content, expected in cases:
        path = folder / case
        path.write_bytes(content)
        for name in names:
            if not is_right(READERS[name][1], handed(name, path, folder), expected):
                wrong[name].append(path.stem)
    return len(cases), wrong


def large_file(folder: Path) -> Path:
    """50 MB of reviews, a third of them in quotes."""
    path, rows = folder / "large.csv", reviews(every(3, ', "really"'), header=False)
    block = written(rows).encode()
    with open(path, "wb") as file:
        file.write(b"text,label\n")
        for _ in range(LARGE_BYTES // len(block)):
            file.write(block)
    return path


def timed(name: str, path: str) -> None:
    """Reads a file to its end and prints its records, the seconds, and the peak memory in 10**6 bytes."""
    begin = time.perf_counter()
    number = sum(1 for _ in READERS[name][1](path))
    seconds = time.perf_counter() - begin
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak_kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps([number, seconds, int(peak_kib) * 1024 / 1e6]))


def shape(name: str, path: Path, folder: Path) -> str:
    """The records of a file by a reader: how many have which number of cells."""
    try:
        widths = Counter(len(cells) for cells in READERS[name][1](handed(name, path, folder)) if len(cells))
    except Exception as error:
        return type(error).__name__
    return ", ".join(f"{count:,} of {width}" for width, count in widths.most_common(3))


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--timed", nargs=2, metavar=("READER", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.timed:
        timed(*options.timed)
        return
    names = [name for name, (module, _) in READERS.items() if importlib.util.find_spec(module)]
    print(machine() + "\n")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        number, wrong = wrong_cases(names, folder)
        large, rows = large_file(folder), []
        for name in names:
            command = [sys.executable, "-m", "benchmarks.tables", "--timed", name, str(large)]
            _, seconds, peak_mb = json.loads(run(command).output)
            right = f"{number - len(wrong[name])} of {number}"
            rows.append([name, right, f"{seconds:.1f}", f"{peak_mb:.0f}", ", ".join(wrong[name]) or "none"])
        print(table(["reader", "right", "50 MB, s", "peak MB", "wrong"], rows))
        if options.files:
            shapes = [[path.name, *(shape(name, path, folder) for name in names)] for path in options.files]
            print(table(["file", *names], shapes))


if __name__ == "__main__":
    main()
