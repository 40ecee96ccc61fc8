"""The Keras layer of each cell."""

from __future__ import annotations

from typing import Any

from textrnn.layers.recurrent import GRU, LSTM, SimpleRNN

LAYERS: dict[str, Any] = {"simple": SimpleRNN, "gru": GRU, "lstm": LSTM}  # by the names of `textrnn.cells.CELLS`
