"""The command line itself, and `textrnn generate`."""

import re
import subprocess
import sys

import click
import pytest
from cli_fixtures import ARCHITECTURES, ROOT, good, refused, run_cli, start

from textrnn import __version__
from textrnn.base.config import SECTIONS
from textrnn.base.tasks import COMMANDS as TABLE
from textrnn.base.tasks import TASKS
from textrnn.cli.main import cli
from textrnn.language_model.sample_options import SampleConfig

COMMANDS = cli.list_commands(None)
TRAINING = {task.maker.name for task in TASKS.values()}


def write(*arguments, **options):
    return good("generate", "--model", "lstm", "--random-seed", "3", *arguments, **options)


def test_python_m_textrnn_tells_its_version():
    ran = subprocess.run([sys.executable, "-m", "textrnn", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, f"textrnn, version {__version__}", "")


def test_without_a_command_the_help_is_shown():
    ran = run_cli()
    assert (ran.code, ran.err) == (0, "") and "Commands:" in ran.out


def listed(text):
    """The long flags that a help lists, in order."""
    return re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_option_once(command):
    options = [p for p in cli.get_command(None, command).params if isinstance(p, click.Option)]
    short = good(command, "--help").out
    assert good(command, "-h").out == short
    text = good(command, "--help-all").out if "--help-all" in short else short
    named = [max(option.opts, key=len) for option in options] + ["--help"]
    assert sorted(listed(text)) == sorted(named)
    assert all(option.help for option in options)
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("command", [command for command in COMMANDS if command in TRAINING])
def test_help_of_a_long_command_shows_what_is_most_used(command):
    short, text = good(command, "--help").out, good(command, "--help-all").out
    assert 7 <= len(listed(short)) <= 10 and len(short.splitlines()) <= 50
    count = int(re.search(rf"^(\d+) more options: textrnn {command} --help-all$", short, re.MULTILINE)[1])
    assert len(listed(text)) == len(listed(short)) + count + 2  # --help and --help-all
    titles = re.findall(r"^(\S.*):$", text, re.MULTILINE)
    order = ["Most used", *SECTIONS, "Help"]
    assert titles == [title for title in order if title in titles] and {"Text", "Network", "Learning"} <= {*titles}


def test_commands_are_listed_as_the_table_has_them():
    text = good("--help").out
    assert all(command.usage in text for command in TABLE.values())
    for name in COMMANDS:
        assert cli.get_command(None, name).name == name
    assert cli.get_command(None, "os") is None


@pytest.mark.parametrize("arguments", [["--help"], ["info"], ["generate", "--length", "3"], ["score", "story.txt"]])
def test_commands_without_training_load_no_tensorflow(arguments, library):
    code = (
        "import sys; from textrnn.cli.main import cli; from textrnn.cli.console import guarded\n"
        f"guarded(lambda: cli.main({arguments!r}, standalone_mode=False))\n"
        "print(sorted({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}, timeout=60
    )
    assert ran.stderr.splitlines()[-1] == "[]" and ran.stdout


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_generate_writes_with_each_architecture(arch, library):
    ran = good("generate", "--model", arch, "--seed", "The cat ", "--length", "40", "--random-seed", "1")
    assert ran.out.startswith("The cat ") and len(ran.out.rstrip("\n")) in (47, 48) and ran.err == ""


def test_generate_takes_the_newest_run(library):
    newest = good("generate", "--random-seed", "1", "--length", "30").out
    assert newest == good("generate", "--model", ARCHITECTURES[-1], "--random-seed", "1", "--length", "30").out


def test_generate_same_random_seed_same_text(library):
    first = write("--seed", "The")
    assert write("--seed", "The").out == first.out
    assert good("generate", "--model", "lstm", "--random-seed", "4", "--seed", "The").out != first.out
    free = {good("generate", "--model", "lstm", "--length", "50").out for _ in range(3)}
    assert len(free) == 3


def test_generate_temperature_zero_needs_no_random_seed(library):
    outs = {good("generate", "--model", "lstm", "--temperature", "0", "--length", "30").out for _ in range(3)}
    assert len(outs) == 1


def test_generate_length_zero_gives_the_seed(library):
    assert write("--seed", "The sun", "--length", "0").out == "The sun\n"


def test_generate_count_parts_texts_by_lines(library):
    ran = write("--seed", "Sun", "--count", "3", "--length", "20")
    assert re.findall(r"^-{8} (\d+) -{8}$", ran.out, re.MULTILINE) == ["1", "2", "3"]
    single = write("--seed", "Sun", "--length", "20").out
    assert ran.out.startswith(f"-------- 1 --------\n{single}") and ran.out.count("Sun") >= 3


def test_generate_jsonl_has_the_documented_keys(library):
    lines = write("--seed", "Sun", "--count", "2", "--length", "20", "--format", "jsonl").lines()
    assert len(lines) == 2
    for line in lines:
        assert list(line) == ["seed", "text", "tokens", "stop_reason", "bits_per_char", "run"]
        assert (line["seed"], line["tokens"], line["stop_reason"]) == ("Sun", 20, "length")
        assert len(line["text"]) == 20 and line["bits_per_char"] > 0
    assert lines[0]["text"] in write("--seed", "Sun", "--length", "20").out


def test_generate_reads_seeds_from_a_file_and_standard_input(library, tmp_path):
    (tmp_path / "seeds.txt").write_bytes("The cat\r\n\r\nOld 天 tree".encode())
    for source, stdin in ((tmp_path / "seeds.txt", b""), ("-", (tmp_path / "seeds.txt").read_bytes())):
        ran = write("--seeds-file", source, "--format", "jsonl", "--length", "5", stdin=stdin)
        assert [line["seed"] for line in ran.lines()] == ["The cat", "", "Old 天 tree"]
        assert ran.err == "warning: the model never saw '天': left out of the seed 'Old 天 tree'\n"


def test_generate_writes_to_a_file(library, tmp_path):
    ran = write("--seed", "The", "--length", "30", "-o", tmp_path / "out.txt")
    assert ran.out == ""
    assert (tmp_path / "out.txt").read_text() == write("--seed", "The", "--length", "30").out
    assert write("--seed", "The", "--length", "30", "-o", "-").out == (tmp_path / "out.txt").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    refused("generate", "-o", tmp_path / "out.txt", code=2, says=["out.txt exists: replace it with --overwrite"])
    write("--seed", "A", "--length", "3", "-o", tmp_path / "out.txt", "--overwrite")
    assert (tmp_path / "out.txt").read_text().startswith("A")


def test_generate_ends_before_a_stop_text(library):
    free = write("--length", "300").out
    stop = free[40:42]
    stopped = write("--length", "300", "--stop", stop, "--format", "jsonl").lines()[0]
    assert stopped["stop_reason"] == "stop" and stop not in stopped["text"] and free.startswith(stopped["text"])


def test_generate_with_an_empty_seed_begins_a_document(library):
    assert len(write("--seed", "", "--length", "25").out.rstrip("\n")) <= 25


def test_interactive_talks_through_pipes(library):
    lines = b"The cat\n/length 12\n\n/temperature x\n/stop moon\n/quit\nnot read\n"
    ran = write("--interactive", "--length", "20", stdin=lines)
    assert ran.err == ""  # no prompt where nobody sits
    assert ran.out.startswith("The cat") and "/length 12\n" in ran.out
    assert "expected a number" in ran.out and "/stop 'moon'\n" in ran.out and "not read" not in ran.out


def test_interactive_help_names_every_setting(library):
    ran = write("--interactive", stdin=b"/help\n/settings\n")
    for name in SampleConfig().to_json():
        assert ran.out.count(f"/{name.replace('_', '-')} ") >= 2


def test_interactive_ends_with_its_input(library):
    assert write("--interactive", stdin=b"").out == ""


def test_text_is_utf8_whatever_the_locale_says(home, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    with start("generate", "--seed", "天", "--length", "3", cwd=home) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out[0]) == (0, "天") and "left out of the seed" in err


def test_interrupt_says_so_in_one_line(home, monkeypatch):
    import textrnn.language_model.predict

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(textrnn.language_model.predict, "find_run", stop)
    ran = run_cli("generate")
    assert (ran.code, ran.err.strip(), ran.out) == (130, "interrupted", "")


def test_lack_of_memory_says_what_to_do(home, monkeypatch):
    import textrnn.language_model.predict

    def fail(*arguments):
        raise MemoryError

    monkeypatch.setattr(textrnn.language_model.predict, "find_run", fail)
    refused("generate", code=1, says=["not enough memory", "--units", "--batch"])


# ---------------------------------------------------------------- what is typed, and which run answers


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["generate", "--length", "5", "--length", "6"], "--length"),
        (["score", "x.txt", "--use", "network", "--use", "counts"], "--use"),
        (["info", "--models-dir", "a", "--models-dir", "b"], "--models-dir"),
        (["inspect", "cells", "-o", "a", "--output", "b"], "--output"),
        (["classify", "t.csv", "--time", "1m", "--time", "2m"], "--time"),
    ],
)
def test_an_option_of_one_value_is_not_taken_twice(tmp_path, monkeypatch, words, option):
    monkeypatch.chdir(tmp_path)
    ran = run_cli(*words)
    assert ran.code == 2 and f"{option} is given twice" in ran.err


def test_typed_texts_have_escapes(library):
    line = write("--seed", r"The\ncat \\n", "--stop", r"\n", "--format", "jsonl", "--length", "200").lines()[0]
    assert line["seed"] == "The\ncat \\n" and "\n" not in line["text"]


def test_the_run_is_named_where_none_was(library):
    assert write("--length", "5", "--seed", "The").err == ""
    found = run_cli("generate", "--length", "5", "--models-dir", library / "models")
    assert "the newest run of its kind; --model names another" in found.err


def test_interactive_begins_with_the_seed(library):
    assert write("--interactive", "--seed", "The cat", "--length", "12", stdin=b"").out.startswith("The cat")
