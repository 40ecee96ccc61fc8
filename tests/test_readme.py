"""What README.md says is true: its commands and its Python run, and its options are those of the program."""

import os
import re
import shlex
import subprocess

import pytest
from readme_help import README, with_help

from textrnn.recipe import LADDER, PRESETS
from textrnn.training.cluster import read_cluster

TEXT = README.read_text(encoding="utf-8")
SHELL = [
    line
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("textrnn ")
]
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder with data/, in which commands may write."""
    (tmp_path / "data").symlink_to(README.parent / "data")
    monkeypatch.chdir(tmp_path)


def shortened(text):
    """Commands that take a minute, with a small model instead; a network that answers has no units but in its LSTM."""
    small = "--epochs 0.01 --embed 4 " + ("--time 5s" if text.startswith("textrnn answer ") else "--units 8")
    return re.sub(r"--time \S+", small, text).replace("time_s=60", "epochs=0.1")


def test_options_are_those_of_the_program():
    assert with_help(TEXT) == TEXT, "run python tests/readme_help.py"


@pytest.mark.slow
def test_commands_run(checkout, capsys):
    from textrnn.cli import main

    assert len(SHELL) >= 10
    for line in SHELL:
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(shortened(line))[1:])
        assert ended.value.code == 0, f"{line}: {capsys.readouterr().err}"


@pytest.mark.slow
@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_runs(code, checkout):
    exec(compile(shortened(code), "README.md", "exec"), {})


def example(begin, end):
    """A part of the README, without its indentation."""
    lines = TEXT[TEXT.index(begin) : TEXT.index(end)].splitlines()
    return "\n".join(line.strip() for line in lines)


def tf_config(script, **environment):
    """What a script makes of TF_CONFIG, read as `textrnn train` reads it."""
    environment = {**os.environ, **environment}
    done = subprocess.run(["bash", "-ec", script], env=environment, capture_output=True, text=True, check=True)
    return read_cluster({"TF_CONFIG": done.stdout})


@pytest.mark.parametrize("rank", [0, 1])
def test_kubernetes_example_names_the_workers(rank):
    script = example("export TF_CONFIG='", "exec textrnn train /corpus") + '\nprintf %s "$TF_CONFIG"'
    cluster = tf_config(script, JOB_COMPLETION_INDEX=str(rank))
    assert (cluster.addresses, cluster.rank) == (("textrnn-0.textrnn:2222", "textrnn-1.textrnn:2222"), rank)
    assert "metadata: {name: textrnn}" in TEXT and "subdomain: textrnn" in TEXT


@pytest.mark.parametrize("rank", [0, 2])
def test_slurm_example_names_the_workers(rank):
    script = example("workers=$(scontrol", "Give `--time` less").replace("```", "")
    script = script.replace("exec textrnn train book.txt --name book --time 2h", 'printf %s "$TF_CONFIG"')
    fakes = 'scontrol() { printf "n1\\nn2\\nn3\\n"; }\nsrun() { "$@"; }\n'
    cluster = tf_config(fakes + script, SLURM_PROCID=str(rank), SLURM_JOB_NODELIST="n[1-3]")
    assert (cluster.addresses, cluster.rank) == (("n1:2222", "n2:2222", "n3:2222"), rank)


def test_readme_sizes_are_those_of_the_rule():
    section = TEXT.partition("\n## Sizes\n")[2].partition("\n## ")[0]
    line = r"^\| (\d+) \| (\d+) x (\d+) \| (\d+) \| ([\d.]+) \|(?: `--size (\w+)`)? \|$"
    presets = {rung: name for name, rung in PRESETS.items()}
    for rung, (size, row) in enumerate(zip(LADDER, re.findall(line, section, re.MULTILINE), strict=True)):
        numbers = (size.from_s, size.layers, size.units, size.batch, size.learning_rate)
        assert row == (*(f"{number:g}" for number in numbers), presets.get(rung, ""))
