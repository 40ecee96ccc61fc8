"""JSON in which a label stands once above all of its texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textrnn.text.table.column_facts import column_facts
from textrnn.text.table.column_names import label_hint, text_hint
from textrnn.text.table.name_words import OPINIONS, PARTS

LOOKED_AT = 20  # texts of each label
ALL_PROSE = 0.9  # share of texts with several words where lists hold nothing else
SAID = frozenset({"patterns", "examples", "utterances", "phrases", "questions", "samples", "sentences", "texts"})
_INTENT = frozenset({"tag", "intent", "label", "category", "class", "topic"})
# What tells sides of a translation, of a task and parts of a data set from each other.
_NO_LABELS = frozenset({"src", "tgt", "source", "target", "input", "output", "prompt", "completion", "hypotheses"})
_NO_LABELS |= {"inputs", "outputs", "references", "sources", "targets", "questions", "answers", *PARTS}
_NO_LABELS |= {"en", "fr", "de", "es", "it", "pt", "nl", "pl", "ru", "tr", "zh", "ja", "ko", "ar", "sv", "cs", "fi"}
_NO_LABELS |= {"posts", "comments", "replies", "reviews", *map(str, range(1990, 2040))}


def labelled_texts(value: Any) -> list[list[str]] | None:
    """Text and label of each text, where a label stands once above all of its texts; None for other values.

    Those are an object of labels, each with its texts or with objects that have one, also alone in an object; and
    objects of a label and a list of texts, as those who build chat bots keep what is said with an intent.

    Example:
        >>> labelled_texts([{"tag": "hi", "patterns": ["Hello", "Hi"]}, {"tag": "bye", "patterns": ["Bye"]}])
        [['Hello', 'hi'], ['Hi', 'hi'], ['Bye', 'bye']]
        >>> labelled_texts({"good": [{"text": "a fine film"}], "bad": [{"text": "a dull film"}]})
        [['a fine film', 'good'], ['a dull film', 'bad']]
        >>> labelled_texts([{"text": "a fine film", "label": "good"}])
    """
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if isinstance(value, list):
        keys = _keys_of_intents(value)
        return keys and [[text, one[keys[0]]] for one in value for text in one[keys[1]]]
    if not isinstance(value, dict) or len(value) < 2 or all(key.casefold() in _NO_LABELS for key in value):
        return None
    if all(map(are_texts, value.values())) and _are_labels_of_texts(value):
        return [[text, key] for key, texts in value.items() for text in texts]
    if not all(map(are_objects, value.values())):
        return None
    records = [one for own in value.values() for one in own]
    (first, *more) = records[0]
    if more or not text_hint(first) or not all(one.keys() == {first} and are_texts([*one.values()]) for one in records):
        return None
    return [[one[first], key] for key, own in value.items() for one in own]


def _keys_of_intents(values: Sequence[Any]) -> tuple[str, str] | None:
    """The members with the label and with the texts of objects, none of which has the label of another."""
    if len(values) < 2 or not all(map(is_object, values)):
        return None
    labels = [key for key in values[0] if key.casefold() in _INTENT and are_texts([one.get(key) for one in values])]
    texts = [key for key in values[0] if key.casefold() in SAID and all(are_texts(one.get(key)) for one in values)]
    if len(labels) != 1 or len(texts) != 1 or len({one[labels[0]] for one in values}) < len(values):
        return None
    return labels[0], texts[0]


def _are_labels_of_texts(value: Mapping[str, Sequence[str]]) -> bool:
    """Whether keys are labels of lists of texts, and not the names of columns: all lists hold sentences."""
    if all(key.casefold() in OPINIONS for key in value):
        return True
    facts = column_facts([[text] for texts in value.values() for text in texts[:LOOKED_AT]], 1)[0]
    return facts.words >= ALL_PROSE and not any(text_hint(key) or label_hint(key) for key in value)


def are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_object, value))


def are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def is_object(value: Any) -> bool:
    return isinstance(value, dict)
