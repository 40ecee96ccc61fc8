"""What the task of translating hands to training; TensorFlow is not needed for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textrnn.translator.batches import EncodedPairs
from textrnn.translator.options import TranslateConfig
from textrnn.translator.pairs import Pairs
from textrnn.translator.predict import with_end
from textrnn.translator.tokens import ENCODER_DECODER, Side


@dataclass(frozen=True)
class PreparedPairs:
    """All that a session needs.

    Attributes:
        folder: where the run is put together; the run itself when it is resumed.
        path: where the run ends up.
        config: all options, with all sizes.
        kind: `aligned` or `encoder-decoder`.
        sides: tokens of source and target.
        parts: pairs by `train`, `valid` and `test`.
        details: the content of `run.json` so far.
        resume: whether to go on from the checkpoint in `folder`.
        new_budget: whether epochs and time were given now.
        reserve_s: seconds of the command to leave for what comes after training.
    """

    folder: Path
    path: Path
    config: TranslateConfig
    kind: str
    sides: tuple[Side, Side]
    parts: dict[str, Pairs]
    details: dict[str, Any]
    resume: bool = False
    new_budget: bool = True
    reserve_s: float = 0.0

    def encoded(self, part: str) -> EncodedPairs:
        """A part as ids, with ends if the kind has them."""
        pairs = self.parts[part]
        texts = (pairs.sources, pairs.targets)
        ids = [[side.encode(text) for text in some] for side, some in zip(self.sides, texts, strict=True)]
        if self.kind == ENCODER_DECODER:
            ids = [[with_end(one, side) for one in some] for side, some in zip(self.sides, ids, strict=True)]
        return EncodedPairs(*ids)
