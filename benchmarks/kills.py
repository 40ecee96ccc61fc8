"""Whether anything is lost: kills training at random moments, resumes it, and compares the result byte by byte.

    python -m benchmarks.kills TEXT [--kills 50] [--epochs 60]

A run that nothing disturbs and one that is killed (SIGKILL) and resumed again and again: their `model.safetensors` must
be equal. Moments are random, but some are aimed: while it prepares, while TensorFlow loads, around the moment at which
the run gets its name, and between the files of a save. After each kill the run, if there is one, must load.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.tools import TEXTRNN, machine, run, run_json, table
from textrnn.base.files import MODEL_FILE, RUN_FILE, read_json, read_weights
from textrnn.base.run import load

SMALL = ("--units", "32", "--embed", "8", "--layers", "2", "--batch", "16", "--patience", "0", "--no-samples")
FIRST = ("start", "loading", "staged", "loading", "start", "published")  # until there is a run
KINDS = ("start", "loading", "learning", "learning", "learning", "model", "checkpoint", "temporary")
RANGES_S = {"start": (0.0, 0.6), "loading": (0.4, 4.0), "learning": (5.0, 14.0)}
PATIENCE_S = 60.0  # for the moment that is aimed at


def new_file(folder: Path, pattern: str) -> Callable[[], bool]:
    """Tells whether a folder has a file that it has not now, or has it anew."""

    def look() -> set[tuple[str, int]]:
        with contextlib.suppress(OSError):  # it may go while it is looked at
            return {(path.name, path.stat().st_ino) for path in folder.glob(pattern)}
        return set()

    before = look()
    return lambda: bool(look() - before)


def moment(kind: str, path: Path, draw: random.Random) -> Callable[[], bool]:
    """What to wait for before a kill."""
    if kind in RANGES_S:
        end = time.monotonic() + draw.uniform(*RANGES_S[kind])
        return lambda: time.monotonic() >= end
    if kind == "staged":  # put together, and about to be given its name
        return lambda: path.exists() or any(path.parent.glob(f".{path.name}.new-*/{MODEL_FILE}"))
    if kind == "published":
        return path.exists
    after = time.monotonic() + draw.uniform(5.0, 11.0)  # not always the first save
    folder = path / "checkpoint"
    found: dict[str, Callable[[], Callable[[], bool]]] = {
        "model": lambda: new_file(path, MODEL_FILE),
        "checkpoint": lambda: new_file(folder, "step-*"),
        "temporary": lambda: new_file(folder, ".step-*"),
    }
    watch: list[Callable[[], bool]] = []

    def reached() -> bool:
        if time.monotonic() < after:
            return False
        if not watch:
            watch.append(found[kind]())
        return watch[0]()

    return reached


def killed_at(command: list[str], reached: Callable[[], bool]) -> str | None:
    """Runs a command until a moment and kills it; returns how far it had come, or None when it ended by itself."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        end = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < end and not reached():
            time.sleep(0.0002)
        process.kill()
        code = process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace")
    if code > 0:
        raise RuntimeError(f"{' '.join(command)} failed: {said[-2000:]}")
    if code == 0:
        return None
    return "learning" if "; learning" in said else "loading TensorFlow" if "loading" in said else "preparing"


def state_of(path: Path) -> str:
    """Loads all there is of a run, and tells which files are newer than others.

    Raises:
        RunError, RuntimeError: something does not load.
    """
    if not path.exists():
        return "no run yet"
    run([*TEXTRNN, "info", path.name, "--models-dir", str(path.parent), "--json"])
    load(path)
    steps = [int(file.stem.removeprefix("step-")) for file in path.glob("checkpoint/step-*.safetensors")]
    for file in path.glob("checkpoint/step-*.safetensors"):
        read_weights(file)
    best = json.loads(read_weights(path / MODEL_FILE)[1]["metrics"]).get("step", 0)
    told = read_json(path / RUN_FILE)["metrics"].get("step", 0)
    if best > max(steps):
        return "weights newer than checkpoint"
    return "checkpoint newer than run.json" if best > told else "files of one save"


def main() -> None:
    """Prints what was killed where, and whether the results are equal; exit code 1 if they are not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--epochs", type=float, default=60)
    parser.add_argument("--random-seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.random_seed)
    learn = [*SMALL, "--epochs", f"{options.epochs:g}", "--deterministic", "--save-every", "1s"]
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    print(machine() + "\n")
    with tempfile.TemporaryDirectory() as name:
        models = ["--models-dir", name]
        new = [*TEXTRNN, "train", str(options.text), *models, *learn]
        whole = run_json([*new, "--name", "whole", "--json", "--quiet"])
        print(
            f"undisturbed: {whole['steps']} steps, {whole['wall_s']:.0f} s, {whole['val_bits_per_char']} bits/char",
            flush=True,
        )
        path, kills = Path(name) / "killed", 0
        while kills < options.kills:
            resume = path.exists()
            command = [*TEXTRNN, "train", "--resume", "killed", *models, "--no-samples"]
            if not resume:
                command = [*new, "--name", "killed", "--overwrite"]
            kind = draw.choice(KINDS) if resume else FIRST[kills % len(FIRST)]
            phase = killed_at(command, moment(kind, path, draw))
            if phase is None:
                sys.exit(f"training ended after {kills} kills: give more --epochs")
            kills += 1
            state = state_of(path)
            counts[phase, state] += 1
            steps = max([int(file.stem.removeprefix("step-")) for file in path.glob("checkpoint/step-*")], default=0)
            print(f"kill {kills}: aimed at {kind}, was {phase}; {state}, step {steps}", flush=True)
        last = run_json([*TEXTRNN, "train", "--resume", "killed", *models, "--json", "--quiet"])
        print(f"\nkilled {kills} times: {last['steps']} steps, {last['val_bits_per_char']} bits/char\n")
        print(table(["killed while", "what was there", "kills"], [[*key, counts[key]] for key in sorted(counts)]))
        digests = [
            hashlib.sha256((Path(name) / run / MODEL_FILE).read_bytes()).hexdigest() for run in ("whole", "killed")
        ]
        print(f"model.safetensors, undisturbed: {digests[0]}\nmodel.safetensors, killed:      {digests[1]}")
        left = [file.name for file in Path(name).glob(".killed.*")] + [file.name for file in path.rglob(".*")]
        print(f"equal: {'yes' if digests[0] == digests[1] else 'NO'}; left behind: {', '.join(left) or 'nothing'}")
        sys.exit(digests[0] != digests[1])


if __name__ == "__main__":
    main()
