"""Whether anything is lost by a kill while a command writes over what is there: each writing command, again and again.

    python -m benchmarks.overwrites [--kills 60]

Each command runs once to its end, so that its run or file exists, and is then started again with `--overwrite` and
killed (SIGKILL) at a random moment of its time. After each kill what was there has to be whole: the old run or the new
one loads, and a file has the bytes that it had, as every command writes the same again. At the end the command runs
once more, and what a kill has left of a run has to be gone; what it has left of a file goes a day later.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from benchmarks.tools import ROOT, TEXTRNN, machine, run, table
from textrnn.base.run import load

BRIEF = ("--quiet", "--time", "6s", "--random-seed", "1")


class Writer(NamedTuple):
    """A command that writes.

    Attributes:
        name: what to call it.
        command: its arguments.
        target: what it writes, in the folder; a run if `is_run`.
    """

    name: str
    command: tuple[str, ...]
    target: str
    is_run: bool = True


WRITERS = (
    Writer("train", ("train", "english.txt", "--name", "words", *BRIEF, "--no-samples"), "models/words"),
    Writer("classify", ("classify", "reviews.csv", "--train", "--name", "mood", *BRIEF), "models/mood"),
    Writer("translate", ("translate", "hello.tsv", "--name", "hello", *BRIEF), "models/hello"),
    Writer("answer", ("answer", "stories.txt", "--name", "where", *BRIEF), "models/where"),
    Writer(
        "classify --predict",
        ("classify", "reviews.csv", "--predict", "--model", "mood", "-o", "filled.csv", "--explain"),
        "filled.csv",
        is_run=False,
    ),
    Writer("export", ("export", "words", "--to", "onnx", "-o", "words.onnx"), "words.onnx", is_run=False),
)


def digest(path: Path) -> str:
    """Of a file, or of all files of a folder."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()


def state_of(writer: Writer, folder: Path, before: str) -> str:
    """What there is after a kill.

    Raises:
        RunError, RuntimeError: a run does not load.
    """
    target = folder / writer.target
    if not target.exists():
        return "LOST"
    same = digest(target) == before
    if writer.is_run:
        run([*TEXTRNN, "info", str(target), "--json"])
        load(target)
        return "the old run" if same else "the new run"
    return "as it was" if same else "CHANGED"


def left_behind(folder: Path) -> list[str]:
    """Hidden files and folders beside what was asked for; the locks of runs stay always."""
    return [path.name for place in (folder, folder / "models") for path in place.glob(".*") if path.name != ".locks"]


def is_lost(states: Iterable[str]) -> bool:
    """Whether one of some states, in words, has a word in capitals."""
    return any(word.isupper() for state in states for word in state.split())


def in_words(states: collections.Counter[str]) -> str:
    """How often each state was found, the most frequent first."""
    return ", ".join(f"{state}: {count}" for state, count in states.most_common())


def begun(writer: Writer, folder: Path) -> float:
    """Runs a command to its end, beside the sample texts; seconds."""
    shutil.copytree(ROOT / "data", folder, dirs_exist_ok=True)
    begin = time.monotonic()
    subprocess.run([*TEXTRNN, *writer.command], cwd=folder, check=True, capture_output=True)
    return time.monotonic() - begin


def killed(writer: Writer, folder: Path, after_s: float) -> bool:
    """Starts a command and kills it after some seconds; whether it was still running."""
    process = subprocess.Popen(
        [*TEXTRNN, *writer.command, "--overwrite"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def main() -> None:
    """Prints what was there after each kill; exit code 1 if something was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60, help="in all")
    parser.add_argument("--random-seed", type=int, default=0)
    options = parser.parse_args()
    draw, rows, is_whole = random.Random(options.random_seed), list[list[object]](), True
    print(machine() + "\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for writer in WRITERS:
            seconds, counts = begun(writer, folder), collections.Counter[str]()
            for _ in range(options.kills // len(WRITERS)):
                before = digest(folder / writer.target)
                was_running = killed(writer, folder, draw.uniform(0, seconds))
                counts[state_of(writer, folder, before) + ("" if was_running else " (had ended)")] += 1
            left = len(left_behind(folder))
            subprocess.run([*TEXTRNN, *writer.command, "--overwrite"], cwd=folder, check=True, capture_output=True)
            stays = left_behind(folder)
            is_whole = is_whole and not is_lost(counts) and not (writer.is_run and stays)
            rows.append([f"`{writer.name}`", f"{seconds:.0f}", in_words(counts), left, ", ".join(stays) or "nothing"])
            print(rows[-1], file=sys.stderr, flush=True)
    print(table(["command", "s", "after each kill", "left behind", "after one more run"], rows))
    sys.exit(not is_whole)


if __name__ == "__main__":
    main()
