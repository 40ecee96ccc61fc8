"""Which texts are read in subwords, where nobody has said what a token is."""

import pytest

from textrnn.language_model.level import BYTES_A_SECOND, FEWEST_BYTES, suits_subwords
from textrnn.text.reader import inspect_file

LINE = "It rained on the mill, and nobody came to ask for flour before the evening.\n"
LONG = LINE * (FEWEST_BYTES // len(LINE) + 1)
CASES = {
    "a long text": (LONG, {}, True),
    "a short one": (LONG[: FEWEST_BYTES - 1], {}, False),
    "no blanks between words": ("下雨了，没有人来磨坊。" * (FEWEST_BYTES // 20), {}, False),
    "no words": ("gattaca" * (FEWEST_BYTES // 5), {}, False),
    "a level": (LONG, dict(level="char"), False),
    "a size of the vocabulary": (LONG, dict(vocab_size=90), False),
    "a network that reads windows": (LONG, dict(arch="bidirectional"), False),
    "documents": (LONG, dict(document_separator="\n"), False),
    "little time for so long a text": (LONG, dict(time_s=0.9 * FEWEST_BYTES / BYTES_A_SECOND), False),
}


@pytest.mark.parametrize("case", CASES)
def test_long_texts_with_blanks_are_read_in_subwords(tmp_path, case):
    text, options, expected = CASES[case]
    (tmp_path / "corpus.txt").write_text(text, encoding="utf-8")
    assert suits_subwords(options, [inspect_file(str(tmp_path / "corpus.txt"))]) is expected
