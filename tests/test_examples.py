"""The scripts of examples/ run as a user runs them, where their libraries are installed: `make test-examples`."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import textrnn

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
RUN = ROOT / "tests" / "old_runs" / "combined"
# A comma, quotes and a line break, no text at all, one that looks like a number, and Chinese, in two files.
FILES = (
    {1: 'the "old" miller, fine\nbright', 2: "", 3: "cold rain dull on his roof"},
    {4: "2024", 5: "天气很好 fine bright", 6: "rain"},
)
NEEDS = "comes with the extra `examples`: make test-examples"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def expected():
    """Label and confidence by number of the row."""
    texts = {number: text for rows in FILES for number, text in rows.items()}
    found = textrnn.load(RUN).classify(list(texts.values()))
    return {number: (one["label"], one["status"], one["confidence"]) for number, one in zip(texts, found, strict=True)}


def run_script(name, *arguments, cwd, **environment):
    """Runs a script in a folder of its own, with the product from this checkout."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": paths, "PYSPARK_PYTHON": sys.executable, **environment}
    command = [sys.executable, EXAMPLES / name, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done.stdout + done.stderr


def written(folder, kind):
    """Rows of all files that a script wrote, by number."""
    rows = []
    for path in sorted(folder.glob(f"*.{kind}")):
        if kind == "csv":
            with path.open(encoding="utf-8", newline="") as file:
                rows += csv.DictReader(file)
        else:
            rows += pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    return {int(row["number"]): row for row in rows}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("library", ["ray", "pyspark"])
def test_classify_labels_a_folder_of_files(library, kind, tmp_path, expected):
    pytest.importorskip(library, reason=f"{library} {NEEDS}")
    if library == "pyspark" and shutil.which("java") is None:
        pytest.skip("Spark needs Java 17, and there is no java on the path")
    (tmp_path / "in").mkdir()
    shutil.copytree(RUN, tmp_path / "run")
    for place, rows in enumerate(FILES):
        if kind == "csv":
            with (tmp_path / "in" / f"{place}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("number", "review"), *rows.items()])
        else:
            arrow = pytest.importorskip("pyarrow", reason=f"pyarrow {NEEDS}")
            parquet = pytest.importorskip("pyarrow.parquet")
            table = arrow.table({"number": list(rows), "review": [text or None for text in rows.values()]})
            parquet.write_table(table, tmp_path / "in" / f"{place}.parquet")
    script = {"ray": "classify_with_ray.py", "pyspark": "classify_with_spark.py"}[library]
    run_script(script, "run", "in", "out", "--text-column", "review", "--format", kind, cwd=tmp_path)
    rows = written(tmp_path / "out", kind)
    assert {number: (row["predicted"], row["status"]) for number, row in rows.items()} == {
        number: (label, status) for number, (label, status, _) in expected.items()
    }
    for number, row in rows.items():
        assert float(row["confidence"]) == pytest.approx(expected[number][2], rel=1e-6)
        assert (row["review"] or "") == next(files[number] for files in FILES if number in files)


def test_train_with_two_workers_of_ray(tmp_path):
    pytest.importorskip("ray.train", reason=f"ray {NEEDS}")
    (tmp_path / "book.txt").write_text("the fox saw the hen and the hen saw the fox. " * 400, encoding="utf-8")
    said = run_script(
        "train_with_ray.py", "book.txt", "models", "--name", "book", "--time", "30", "--batch", "4", cwd=tmp_path
    )
    assert "group_size = 2" in said  # TensorFlow's own word for two workers that add up their gradients
    assert textrnn.load(tmp_path / "models" / "book").score("the fox saw the hen").bits_per_char < 2


@pytest.mark.parametrize("script", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_a_page_names_every_script(script):
    for language in ("en", "zh"):
        pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / language).glob("6*.md")]
        assert any(re.search(rf"\b{re.escape(script)}\b", page) for page in pages)
