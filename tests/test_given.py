"""Texts given in Python: any iterable in its order, a Series by place, a DataFrame by its column; what is no text."""

import numpy as np
import pytest
from pandas_like import Frame, Series

from textrnn.base.errors import ConfigError, DataError
from textrnn.text.given import given_texts, like_given

SHUFFLED = Series(["a", "b", "c"], [2, 0, 1], "text")


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "b", "c"],
        ("a", "b", "c"),
        iter("abc"),
        (text for text in "abc"),
        np.array(["a", "b", "c"]),
        np.array(["a", "b", "c"], object),
        dict.fromkeys("abc").keys(),
        SHUFFLED,
    ],
    ids=lambda texts: type(texts).__name__,
)
def test_given_texts_goes_through_any_iterable_in_its_order(texts):
    assert list(given_texts(texts)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("texts", "column", "kind", "words"),
    [
        ("a text", None, ConfigError, ["texts is 'a text'", "list of texts"]),
        (b"bytes", None, ConfigError, ["texts is b'bytes'"]),
        (7, None, ConfigError, ["texts is 7"]),
        ({"a": 1}, None, ConfigError, ["texts is {'a': 1}"]),
        (["a"], "text", ConfigError, ["column is 'text'", "DataFrame"]),
        (Frame({"one": ["a"], "two": ["b"]}, [0]), None, ConfigError, ["column=...", "'one', 'two'"]),
        (Frame({"one": ["a"]}, [0]), "tow", ConfigError, ["no column 'tow'", "there: 'one'"]),
        (["a", "b", None], None, DataError, ["text 3 is None"]),
        (np.array([["a", "b"]]), None, DataError, ["text 1 is array"]),
        (Series(["a", float("nan")], [7, 4]), None, DataError, ["text 2 (index 4) is nan", "''"]),
        (Frame({"one": ["a", 5]}, ["x", "y"]), "one", DataError, ["text 2 (index y) is 5"]),
    ],
)
def test_given_texts_names_what_is_no_text(texts, column, kind, words):
    with pytest.raises(kind) as caught:
        list(given_texts(texts, column))
    assert [word for word in words if word not in str(caught.value)] == []


def test_like_given_keeps_the_form():
    found = [{"n": 1}, {"n": 2}, {"n": 3}]
    assert like_given(iter("abc"), found, {}) == found
    series = like_given(SHUFFLED, found, {})
    assert isinstance(series, Series) and (series.index, list(series), series.name) == ([2, 0, 1], found, "text")
    frame = Frame({"text": ["a", "b", "c"], "status": [0, 0, 0]}, [2, 0, 1])
    more = like_given(frame, found, {"predicted": list("xyz"), "status": [1, 1, 1]})
    assert more.columns == ["text", "status", "predicted", "status_2"] and frame.columns == ["text", "status"]
    assert list(more["predicted"]) == list("xyz") and more.index == [2, 0, 1]
