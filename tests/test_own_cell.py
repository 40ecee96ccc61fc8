"""A cell that another package brings (`indrnn.py`, by an entry point): trained, resumed, run, classified with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import indrnn
import keras  # noqa: F401 (so that TensorFlow is started before it is timed)
import pytest
from cli_fixtures import QUICK, ROOT, WORDS, good, refused, run_cli, story

from textrnn.nn import architectures

BROKEN = "raise ImportError('it needs a compiler\\nthat is not there')\n"


def install(folder, name, module, source, target="CELL"):
    """Puts a package with a cell into a folder, as an installer leaves it."""
    info = folder / f"{module}_package-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[textrnn.cells]\n{name} = {module}:{target}\n")
    (folder / f"{module}.py").write_text(source, encoding="utf-8")


def forget():
    """What was read of installed packages, as a new process has not read it."""
    architectures._installed.cache_clear()
    architectures._load.cache_clear()


@pytest.fixture
def texts(tmp_path, monkeypatch):
    """The current folder, with texts to learn from."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "story.txt").write_text(story(60), encoding="utf-8")
    rows = [f"{word} old dog {WORDS[k % 20]} {WORDS[k % 19]},{word}" for k in range(80) for word in [WORDS[k % 2]]]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    return tmp_path


@pytest.fixture
def site(tmp_path, monkeypatch):
    """The folder of an installed package with the cell."""
    site, source = tmp_path / "site", (Path(__file__).parent / "indrnn.py").read_text(encoding="utf-8")
    install(site, "indrnn", "indrnn_cell", source)
    with monkeypatch.context() as patch:
        patch.syspath_prepend(site)
        forget()
        yield site
    forget()


@pytest.fixture(params=["in the table", "of a package"])
def brought(request, monkeypatch):
    """The cell: what a new process needs to have it, code and path; and a function that takes it away."""
    if request.param == "in the table":
        monkeypatch.setitem(architectures.CELLS, "indrnn", indrnn.CELL)
        code = "import indrnn\nfrom textrnn.nn.architectures import CELLS\nCELLS['indrnn'] = indrnn.CELL\n"
        return code, Path(__file__).parent, lambda: architectures.CELLS.pop("indrnn")
    site = request.getfixturevalue("site")

    def take_away():
        (site / "indrnn_cell_package-1.0.dist-info" / "entry_points.txt").unlink()
        forget()

    return "", site, take_away


def generate_in_new_process(code, path):
    """Generates with the newest run: the text, and whether TensorFlow was imported."""
    script = (
        f"import sys\n{code}from textrnn.cli.main import main\n"
        "try:\n    main(['generate', '--seed', 'The', '--length', '20', '--random-seed', '1'])\n"
        "finally:\n    print('\\n' + str('tensorflow' in sys.modules or 'keras' in sys.modules))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(path)]), "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_cell_of_ones_own_does_what_others_do(texts, brought):
    code, path, take_away = brought
    good("train", "story.txt", "--arch", "indrnn", "--name", "ind", *QUICK, "--epochs", "1", "-q")
    assert json.loads((texts / "models/ind/run.json").read_text())["config"]["model"]["arch"] == "indrnn"
    resumed = good("train", "story.txt", "--resume", "ind", "--epochs", "2", "--json", "-q").json
    assert (resumed["arch"], resumed["epochs"]) == ("indrnn", 2)
    assert "indrnn" in good("info", "ind").out
    *text, loaded = generate_in_new_process(code, path)
    assert "".join(text).startswith("The") and loaded == "False"
    sized = good("train", "story.txt", "--arch", "indrnn", "--size", "small", "--epochs", "1", "--json").json
    assert sized["arch"] == "indrnn" and sized["parameters"] > 256 * 64
    both_ways = ("--arch", "bidirectional", "--cell", "indrnn")
    for name, arch in (("one-way", ("--arch", "indrnn")), ("both-ways", both_ways)):
        options = ("--text-column", "text", "--label-column", "label", "--model", "rnn", "--networks", "1")
        options = (*options, "--units", "4", "--embed", "4", "--epochs", "2", "--name", name, "--json", "-q")
        assert good("classify", "rows.csv", *arch, *options, "-o", f"{name}.csv").json["chosen"] == "rnn"
        again = ("--predict", "--text-column", "text", "-o", f"{name}-again.csv", "-q")
        good("classify", "rows.csv", "--model", name, *again)
        assert (texts / f"{name}-again.csv").is_file()
    take_away()
    predict = ("classify", "rows.csv", "--model", "one-way", "-o", "x.csv")
    for command in (("generate", "--model", "ind"), ("info", "ind"), ("train", "--resume", "ind"), predict):
        refused(*command, code=1, says=["cell 'indrnn'", "install the package that brings it"])
    refused("train", "story.txt", "--arch", "indrnn", code=2, says=["--arch is 'indrnn'", "has to be installed"])
    assert "ind" in good("info").out


@pytest.mark.parametrize(
    ("source", "reason"),
    [(BROKEN, "ImportError: it needs a compiler)"), ("CELL = 'nothing'\n", "is no CellSpec of that name")],
)
def test_package_whose_cell_cannot_be_used_costs_one_warning(texts, site, source, reason):
    install(site, "brokenrnn", "broken_cell", source)
    ran = run_cli("train", "story.txt", "--arch", "brokenrnn", "-q")
    warning, error = ran.err.splitlines()
    assert ran.code == 2 and error.startswith("error: --arch is 'brokenrnn'") and "indrnn" in error
    assert warning.startswith("warning: the cell brokenrnn of the package broken_cell-package cannot be used (")
    assert reason in warning


def test_installed_packages_are_not_looked_at_without_need(site, monkeypatch):
    def looked(**options):
        raise AssertionError("the entry points were read")

    monkeypatch.setattr("importlib.metadata.entry_points", looked)
    assert "indrnn" not in good("train", "--help").out
    assert architectures.find_cell("memory") and architectures.find_cell("esn") is None
