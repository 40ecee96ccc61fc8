"""What a cache of the last tokens adds to counts: nats of held-out text, by the sizes of its windows and its contexts.

    python -m benchmarks.cache FILE ... [--sizes 2048 --sizes 8192,512 ...] [--longest 6 ...]

Counts are of the first eight tenths. The cache is fitted on the first half of the ninth tenth and measured on the
second half; the last tenth, on which models are compared, is not looked at.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.tools import machine, table
from textrnn.text.counts.build import save_counts
from textrnn.text.counts.cache import SIZES, Cache
from textrnn.text.counts.cache_window import FIRST_STRENGTHS
from textrnn.text.counts.count import counted
from textrnn.text.counts.model import Counts
from textrnn.text.options import TokenizerConfig
from textrnn.text.tokens.load import build_tokenizer


def held_out(path: Path, level: str) -> tuple[np.ndarray, np.ndarray, int]:
    """The ninth tenth of a text, int64[tokens], its probabilities by counts of what stands before, and the vocab."""
    text = path.read_text(encoding="utf-8")
    first, part = text[: len(text) * 8 // 10], text[len(text) * 8 // 10 : len(text) * 9 // 10]
    tokenizer = build_tokenizer(TokenizerConfig(level=level), [first])
    train, ids = (np.asarray(tokenizer.encode(some), np.int64) for some in (first, part))
    with tempfile.TemporaryDirectory() as folder:
        with counted(train, tokenizer.vocab_size, Path(folder)) as found:
            save_counts(found, Path(folder) / "counts")
        counts = Counts(Path(folder) / "counts")
        _, nodes = counts.text_probabilities(counts.start(1), train[-counts.order :])
        return ids, counts.text_probabilities(nodes, ids)[0][:, -1], tokenizer.vocab_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--sizes", action="append", help="tokens of each window, falling")
    parser.add_argument("--longest", action="append", type=int, help="tokens of the longest context")
    parser.add_argument("--level", default="char")
    args = parser.parse_args()
    sizes = [tuple(map(int, given.split(","))) for given in args.sizes or ()] or [SIZES]
    rows = []
    for path in args.files:
        ids, base, vocab = held_out(path, args.level)
        half = len(ids) // 2
        rows.append([path.name, "none", "", f"{-np.log(base[half:]).mean():.4f}"])
        for size in sizes:
            for longest in args.longest or [len(FIRST_STRENGTHS)]:
                strengths = [FIRST_STRENGTHS[min(n, len(FIRST_STRENGTHS) - 1)] for n in range(longest)]
                cache = Cache.fitted(ids[:half], base[:half], vocab, sizes=size, strengths=strengths)
                nats = -np.log(cache.text_probabilities(ids, base)[half:]).mean()
                rows.append([path.name, " and ".join(f"{each:,}" for each in size), str(longest), f"{nats:.4f}"])
    print(machine())
    print(table(["text", "windows", "contexts up to", "nats/token"], rows))


if __name__ == "__main__":
    main()
