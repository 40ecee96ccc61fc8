"""Byte-level byte-pair encoding (Sennrich 2016; bytes as in Radford 2019), trained by the `tokenizers` library.

The library is loaded to train and to encode long texts. Short ones are encoded here, as are all where it is not
installed, and decoding is done here, so that text can be streamed character by character.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from textrnn.text.cutting import recut
from textrnn.text.normalize import replace_surrogates
from textrnn.text.tokens.base import NUM_RESERVED, BytesTokenizer, Ids, check_keys, check_tokens, damaged
from textrnn.text.tokens.merges import Merges

SHORT_CHARS = 1 << 12  # of a text for which loading the library would take longer
ENCODE_CHARS = 1 << 14  # the library is fastest on many short texts: it spreads them over the cores


class BpeTokenizer(BytesTokenizer):
    """Frequent sequences of bytes, within words and with the blank before them, are tokens.

    Args:
        library: settings in the library's own JSON, of which only the vocabulary and the merges are used.

    Raises:
        TokenizerError: they are not those of a byte-level BPE without added tokens.
    """

    level = "bpe"

    def __init__(self, library: dict[str, Any]) -> None:
        self._library = library
        self._vocab, self._merges = _checked_model(library)
        values = {char: value for value, char in enumerate(byte_characters())}
        super().__init__([bytes(map(values.__getitem__, token)) for token in self._vocab])

    @classmethod
    def build(cls, pieces: Iterable[str], vocab_size: int, min_count: int) -> BpeTokenizer:
        """Merge the most frequent pairs, seen at least `min_count` times, until there are `vocab_size` ids."""
        import tokenizers

        encoder = _library_tokenizer(tokenizers.models.BPE())
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=vocab_size - NUM_RESERVED,
            min_frequency=min_count,
            initial_alphabet=sorted(byte_characters()),
            special_tokens=[],
            show_progress=False,
        )
        parts = (part for piece in pieces for part in recut([replace_surrogates(piece)], ENCODE_CHARS))
        encoder.train_from_iterator(parts, trainer)
        return cls(json.loads(encoder.to_str()))

    @classmethod
    def from_json(cls, values: Any) -> BpeTokenizer:
        """The inverse of `to_json`; raises TokenizerError."""
        check_keys(values, {"level", "library"})
        return cls(values["library"])

    @functools.cached_property
    def _encoder(self) -> Any:
        """Made anew from the checked vocabulary, so that nothing else in saved settings is ever acted on."""
        import tokenizers

        return _library_tokenizer(tokenizers.models.BPE(self._numbers, self._merges))

    @functools.cached_property
    def _own_encoder(self) -> Merges:
        return Merges(self._numbers, self._merges, byte_characters())

    @functools.cached_property
    def _numbers(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self._vocab)}

    def encode(self, text: str) -> Ids:
        """See `Tokenizer.encode`."""
        if not text:
            return np.zeros(0, np.int32)
        ids = self.encode_each(list(recut([replace_surrogates(text)], ENCODE_CHARS)))
        return np.concatenate(ids)

    def encode_each(self, parts: list[str]) -> list[Ids]:
        """The ids of several texts that are not cut any further, int32[tokens] each; no lone surrogates in them."""
        if sum(map(len, parts)) <= SHORT_CHARS or importlib.util.find_spec("tokenizers") is None:
            numbers = [self._own_encoder.encode(part) for part in parts]
        else:
            numbers = [found.ids for found in self._encoder.encode_batch_fast(parts, add_special_tokens=False)]
        return [np.array(found, np.int32) + np.int32(NUM_RESERVED) for found in numbers]

    def to_json(self) -> dict[str, Any]:
        """See `Tokenizer.to_json`."""
        return {"level": self.level, "library": self._library}


@functools.cache
def byte_characters() -> str:
    """The 256 characters that stand for bytes in the vocabulary: printable Latin-1 for itself, then U+0100 onwards.

    Example:
        >>> byte_characters()[ord("a")], byte_characters()[ord(" ")]
        ('a', 'Ġ')
    """
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(0x100, 0x200))
    return "".join(chr(value if value in printable else next(others)) for value in range(256))


def _library_tokenizer(model: Any) -> Any:
    import tokenizers

    encoder = tokenizers.Tokenizer(model)
    encoder.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    encoder.decoder = tokenizers.decoders.ByteLevel()
    return encoder


def _checked_model(library: Any) -> tuple[list[str], list[tuple[str, str]]]:
    """Vocabulary in the order of ids, and merges; TokenizerError if anything about them is not as it was saved."""
    model = library.get("model") if isinstance(library, dict) else None
    if not isinstance(model, dict) or model.get("type") != "BPE" or library.get("added_tokens"):
        raise damaged("expected the settings of a BPE without added tokens")
    vocab, merges = model.get("vocab"), model.get("merges")
    if not isinstance(vocab, dict) or not isinstance(merges, list):
        raise damaged("the vocabulary or the merges of the BPE are missing")
    if not all(type(index) is int for index in vocab.values()) or sorted(vocab.values()) != list(range(len(vocab))):
        raise damaged("the ids of the BPE are not 0 to its size")
    tokens = check_tokens(sorted(vocab, key=vocab.__getitem__))
    if not set(byte_characters()) == set("".join(tokens)) or not vocab.keys() >= set(byte_characters()):
        raise damaged("the vocabulary of the BPE is not one of bytes")
    return tokens, [_checked_merge(merge, vocab) for merge in merges]


def _checked_merge(merge: Any, vocab: dict[str, int]) -> tuple[str, str]:
    if isinstance(merge, list) and len(merge) == 2 and all(isinstance(part, str) for part in merge):
        first, second = merge
        if first in vocab and second in vocab and first + second in vocab:
            return first, second
    raise damaged(f"a merge of the BPE is {merge!r:.60}")
