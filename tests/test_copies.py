"""What a text has copied from another, against a search of every piece."""

import numpy as np
import pytest

from textrnn.language_model.copies import PIECE, UNSPACED_PIECE, copies

SOURCE = "the old miller went down to the river and saw the heron there. " * 2


def slow(texts, source, piece):
    """Share and longest piece by trying all of them."""
    copied, longest = 0, 0
    for text in texts:
        marks = np.zeros(len(text), bool)
        for begin in range(len(text)):
            for end in range(begin + piece, len(text) + 1):
                if text[begin:end] in source:
                    marks[begin:end] = True
                    longest = max(longest, end - begin)
        copied += marks.sum()
    return copied / sum(map(len, texts)), longest


@pytest.mark.parametrize("piece", [3, 7, 12])
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_copies_are_those_of_a_search(piece, size):
    texts = [
        "a miller went down to the sea",
        "",
        "xx",
        "the heron the old miller went down",
        "\U0001f98aver and saw\U0001f98a",
    ]
    found = copies(texts, lambda: (SOURCE[k : k + size] for k in range(0, len(SOURCE), size)), piece=piece)
    assert (found.share, found.longest) == pytest.approx(slow(texts, SOURCE, piece))


def test_a_piece_is_shorter_in_chinese():
    assert copies(["long ago"], lambda: [SOURCE]).piece == PIECE
    assert copies(["从前有一座山"], lambda: ["山"]).piece == UNSPACED_PIECE


def test_nothing_is_copied_from_nothing():
    found = copies(["", "ab"], lambda: [])
    assert (found.share, found.longest, found.chars) == (0, 0, 2)
    assert found.in_words() == "nothing in pieces of 50 or more"
