"""What shells are told to complete, quickly and without an error; and where `textrnn completion --install` writes."""

import os
import shutil
import stat
import subprocess
import sys

import click
import pytest
from cli_fixtures import ROOT, good, refused, run_cli

from textrnn.base.tasks import COMMANDS
from textrnn.cli.completion import MARK
from textrnn.cli.main import cli

ODD = "x\x1b[2J\ny"  # a name that would clear the screen
SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder and the home folder, with runs in both."""
    for folder in (
        "models/tales",
        "models/my run",
        f"models/{ODD}",
        "home/other/moon",
        "models/.locks",
        "models/empty",
    ):
        (tmp_path / folder).mkdir(parents=True)
        if not folder.endswith(("locks", "empty")):
            (tmp_path / folder / "run.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR", "BASH_COMPLETION_USER_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def asked_by(shell, line, monkeypatch):
    """The values that a shell is given for the last word of a line, each with its type."""
    words = line.split(" ")
    with monkeypatch.context() as patch:
        patch.setenv("_TEXTRNN_COMPLETE", f"{shell}_complete")
        patch.setenv("COMP_WORDS", line)
        patch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words) - 1))
        ran = run_cli()
    assert (ran.code, ran.err) == (0, "") and "\x1b" not in ran.out
    lines = ran.out.splitlines()
    if shell == "zsh":
        return [f"{kind},{value}" for kind, value in zip(lines[::3], lines[1::3], strict=False)]
    return [line.partition("\t")[0] for line in lines if line]


ASKED = {
    "textrnn gen": ["plain,generate"],
    "textrnn generate --mo": ["plain,--model", "plain,--models-dir"],
    "textrnn generate --model t": ["plain,tales"],
    "textrnn generate --models-dir ~/other --model ": ["plain,moon"],
    "textrnn generate --models-dir home/ot": ["dir,home/ot"],
    "textrnn generate --model models/t": ["dir,models/t"],
    "textrnn train --resume t": ["plain,tales"],
    "textrnn train x.txt --from t": ["plain,tales"],
    "textrnn train a.txt b": ["file,b"],
    "textrnn train --level w": ["plain,word"],
    "textrnn classify --model l": ["plain,linear"],
    "textrnn classify x.csv -o o": ["file,o"],
    "textrnn compare tales t": ["plain,tales"],
    "textrnn compare tales tales ": ["file,"],
    "textrnn delete tales t": ["plain,tales"],
    "textrnn inspect cells --model t": ["plain,tales"],
    "textrnn inspect gr": ["plain,gradients"],
    "textrnn export tales --to o": ["plain,onnx"],
    "textrnn completion z": ["plain,zsh"],
    "textrnn nosuch --x": [],
    "textrnn train --units ten --na": ["plain,--name"],
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line", ASKED)
def test_what_a_shell_is_told(shell, line, place, monkeypatch):
    assert asked_by(shell, line, monkeypatch) == ASKED[line]


@pytest.mark.parametrize("shell", SHELLS)
def test_all_commands_and_possible_names_are_told(shell, place, monkeypatch):
    assert asked_by(shell, "textrnn ", monkeypatch) == [f"plain,{name}" for name in COMMANDS]
    blank = "'my run'" if shell == "bash" else "my run"
    assert sorted(asked_by(shell, "textrnn info ", monkeypatch)) == sorted([f"plain,{blank}", "plain,tales"])


def test_a_shell_is_told_of_no_error(place, monkeypatch):
    def fail(*arguments):
        raise OSError("no")

    monkeypatch.setattr("textrnn.base.run.list_runs", fail)
    for shell in (*SHELLS, "nosuchshell"):
        assert asked_by(shell, "textrnn info t", monkeypatch) == []


def test_names_of_runs_are_completed_without_numpy(place):
    code = "import sys\ntry:\n    from textrnn.cli.main import main\n    main()\nfinally:\n    print(*sys.modules)"
    asked = {"_TEXTRNN_COMPLETE": "fish_complete", "COMP_WORDS": "textrnn generate --model ", "COMP_CWORD": ""}
    environment = {**os.environ, **asked, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "plain,tales" in done.stdout and not {"numpy", "tensorflow", "rich"} & set(done.stdout.split())


def test_arguments_that_are_files_or_runs_are_known():
    """Each value that the help calls a file or a run is one that shells complete."""
    left = {}
    for name in COMMANDS:
        command = cli.get_command(None, name)
        for each in getattr(command, "commands", {name: command}).values():
            for param in each.params:
                named = param.make_metavar(click.Context(each)).upper()
                if any(word in named for word in ("FILE", "NAME_OR_PATH")) and "=" not in named:
                    values = param.shell_complete(click.Context(each), "a/b")
                    left[f"{name} {param.name}"] = [value.type for value in values]
    assert len(left) > 20 and [name for name, types in left.items() if types not in (["file"], ["dir"])] == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_in_bash(place):
    (place / "bin").mkdir()
    program = place / "bin" / "textrnn"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\nimport textrnn.__main__ as m\nm.main()\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    script = """
compopt() { :; }
source "$1"
COMP_WORDS=(textrnn generate --model = my) COMP_CWORD=4
_textrnn_completion textrnn
printf '%s\\n' "${COMPREPLY[@]}"
"""
    installed = good("completion", "bash", "--install").out.split()[1]
    environment = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-c", script, "bash", installed]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("'my run'\n", "")


PLACES = {
    "bash": "home/.local/share/bash-completion/completions/textrnn",
    "zsh": "home/.local/share/zsh/site-functions/_textrnn",
    "fish": "home/.config/fish/completions/textrnn.fish",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_install_writes_where_the_shell_looks(shell, place, monkeypatch):
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    path = place / PLACES[shell]
    said = good("completion", "--install").out
    assert f"wrote {path}\n" in said and f"to undo: rm {path}" in said
    first, second = path.read_text().splitlines()[:2]
    assert MARK in (first, second) and (shell != "zsh" or first == "#compdef textrnn")
    assert path.read_text() == good("completion", shell).out
    good("completion", shell, "--install")
    path.write_text("# by hand\n")
    refused("completion", shell, "--install", code=2, says=[str(path), "was not written by textrnn"])
    assert path.read_text() == "# by hand\n"


def test_install_tells_zsh_once(place):
    settings = place / "home" / ".zshrc"
    settings.write_text("alias x=y")
    said = good("completion", "zsh", "--install").out
    first, mark, line = settings.read_text().splitlines()
    assert (first, mark) == ("alias x=y", MARK) and f"added to {settings}: {line}\n" in said
    assert str((place / PLACES["zsh"]).parent) in line and str(settings) in said.splitlines()[-1]
    assert "has the line that zsh needs already" in good("completion", "zsh", "--install").out
    assert settings.read_text().count(line) == 1


@pytest.mark.parametrize(("shell", "says"), [("/bin/tcsh", "$SHELL is tcsh"), ("", "$SHELL is not set")])
def test_a_shell_that_is_not_known(shell, says, place, monkeypatch):
    monkeypatch.setenv("SHELL", shell)
    refused("completion", "--install", code=2, says=[says, "bash, zsh, fish"])
