"""How fast text becomes ids: the whole preparation (read, normalise, split, vocabulary, write) and encoding alone.

    python -m benchmarks.encoding [FILE ...]

Without files: 20 MB made of data/english.txt.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.tools import long_text, machine, table
from textrnn.language_model.options import Config
from textrnn.text.corpus import normalized_text, prepare
from textrnn.text.options import NormalizeConfig
from textrnn.text.reader import inspect_file


def measure(path: Path, level: str, folder: Path) -> list[object]:
    """One row: MB/s of preparation and of encoding, and the size of the vocabulary."""
    config = Config.from_options({"level": level}).resolve()
    begin = time.perf_counter()
    source = inspect_file(str(path))
    corpus = prepare([source], [], folder, normalize=config.normalize, tokenizer=config.tokenizer, held_out=0.1)
    prepared_s = time.perf_counter() - begin
    pieces = list(normalized_text([source], NormalizeConfig()))
    begin = time.perf_counter()
    tokens = sum(len(corpus.tokenizer.encode(piece)) for piece in pieces)
    encoded_s = time.perf_counter() - begin
    megabytes = source.num_bytes / 1e6
    return [
        path.name,
        level,
        f"{megabytes / prepared_s:.0f}",
        f"{megabytes / encoded_s:.0f}",
        corpus.tokenizer.vocab_size,
        f"{sum(map(len, pieces)) / tokens:.2f}",
    ]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = options.files or [long_text(folder, 20_000_000)]
        rows = [measure(path, level, folder) for path in files for level in ("char", "byte", "word", "bpe")]
    print(machine() + "\n")
    print(table(["text", "level", "preparation MB/s", "encoding MB/s", "vocabulary", "chars a token"], rows))


if __name__ == "__main__":
    main()
