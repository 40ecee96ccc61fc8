"""Whether anything is lost where the disk is full: each writing command, with files that may not grow beyond a size.

    python -m benchmarks.full_disk

Each command runs once to its end, so that its run or file exists, and then again with `--overwrite` under a limit on
the size of files (RLIMIT_FSIZE), which fails in the middle of a write as a full disk does. It has to end with one line
on standard error and leave what was there as it was, or to end well; and nothing half written may stay.
"""

from __future__ import annotations

import collections
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.overwrites import WRITERS, Writer, begun, digest, in_words, is_lost, left_behind, state_of
from benchmarks.tools import TEXTRNN, machine, table

LIMITS = (0, 1_000, 10_000, 50_000, 200_000, 1_000_000, 3_000_000)  # bytes of a file


def limited(writer: Writer, folder: Path, most_bytes: int) -> str:
    """Runs a command whose files may have so many bytes; how it ended."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    # Standard error is a pipe: what is said is not limited.
    done = subprocess.run(
        [*TEXTRNN, *writer.command, "--overwrite"], cwd=folder, capture_output=True, text=True, preexec_fn=limit
    )
    if not done.returncode:
        return "ended well"
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    is_clear = len(lines) == 1 and "Traceback" not in done.stderr
    if not is_clear:
        print(done.stderr, file=sys.stderr, flush=True)
    return "refused in a line" if is_clear else f"UNCLEAR (exit code {done.returncode})"


def main() -> None:
    """Prints what was there after each limit; exit code 1 if something was lost or said unclearly."""
    rows, is_whole = list[list[object]](), True
    print(machine() + "\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for writer in WRITERS:
            begun(writer, folder)
            counts = collections.Counter[str]()
            for most_bytes in LIMITS:
                before = digest(folder / writer.target)
                ended = limited(writer, folder, most_bytes)
                counts[f"{ended}, {state_of(writer, folder, before)}"] += 1
            stays = left_behind(folder)
            is_whole = is_whole and not stays and not is_lost(counts)
            rows.append([f"`{writer.name}`", in_words(counts), ", ".join(stays) or "nothing"])
            print(rows[-1], file=sys.stderr, flush=True)
    print(table(["command", "after each limit", "left behind"], rows))
    sys.exit(not is_whole)


if __name__ == "__main__":
    main()
