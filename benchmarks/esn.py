"""Echo state networks beside a bigram model: bits per character on the last tenth of a text, and seconds.

python -m benchmarks.esn FILE ... [--units 500 --units 2000] [--time 3m] [-- OPTIONS OF train]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.tools import TEXTRNN, machine, run_json, table

HEADER = ["text", "model", "bits/char", "share of the text read", "seconds"]


def bigram_bits(learnt: str, held: str, *, drawn: float = 2.0) -> float:
    """Bits per character of pairs of characters, counted; each probability is drawn to the single character's.

    Args:
        learnt: the text to count.
        held: the text to predict; all characters of both are known.
        drawn: how many imagined pairs a probability is drawn by.

    Example:
        >>> round(bigram_bits("abababab", "ababab", drawn=0.001), 3)
        0.0
    """
    chars = {char: number for number, char in enumerate(sorted(set(learnt + held)))}
    pairs, single = np.zeros((len(chars), len(chars))), np.ones(len(chars))
    ids, after = ([chars[char] for char in text] for text in (learnt, held))
    np.add.at(pairs, (ids[:-1], ids[1:]), 1)
    np.add.at(single, ids, 1)
    likely = (pairs + drawn * single / single.sum()) / (pairs.sum(1, keepdims=True) + drawn)
    return float(-np.log2(likely[after[:-1], after[1:]]).mean())


def main() -> None:
    """Prints the table."""
    own, _, more = " ".join(sys.argv[1:]).partition(" -- ")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--units", action="append", type=int)
    parser.add_argument("--time", default="5m")
    options = parser.parse_args(own.split())
    rows = []
    for path in options.files:
        text = path.read_text(encoding="utf-8")
        cut, begin = round(0.9 * len(text)), time.perf_counter()
        bits = bigram_bits(text[:cut], text[cut:])
        rows.append([path.name, "bigram", f"{bits:.3f}", "1.00", f"{time.perf_counter() - begin:.0f}"])
        for units in options.units or [500, 2000]:
            with tempfile.TemporaryDirectory() as models:
                flags = f"--arch esn --units {units} --time {options.time} --models-dir {models} --json --quiet"
                found = run_json([*TEXTRNN, "train", str(path), *flags.split(), *more.split()])
            quality, share = f"{found['val_bits_per_char']:.3f}", f"{found['epochs']:.2f}"
            rows.append([path.name, f"esn, {units:,} units", quality, share, f"{found['wall_s']:.0f}"])
    print(machine() + "\n\n" + table(HEADER, rows))


if __name__ == "__main__":
    main()
