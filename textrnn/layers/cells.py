"""The Keras layer of each cell."""

from __future__ import annotations

from typing import Any

from textrnn.layers.minimal import MinGRU, MinLSTM
from textrnn.layers.recurrent import GRU, LSTM, SimpleRNN

# By the names of `textrnn.cells.CELLS`.
LAYERS: dict[str, Any] = {"simple": SimpleRNN, "gru": GRU, "lstm": LSTM, "mingru": MinGRU, "minlstm": MinLSTM}
