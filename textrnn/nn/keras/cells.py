"""The Keras layer of each cell."""

from __future__ import annotations

from typing import Any

from textrnn.nn.keras.minimal import MinGRU, MinLSTM
from textrnn.nn.keras.recurrent import GRU, LSTM, SimpleRNN

# By the names of `textrnn.nn.architectures.CELLS`.
LAYERS: dict[str, Any] = {"simple": SimpleRNN, "gru": GRU, "lstm": LSTM, "mingru": MinGRU, "minlstm": MinLSTM}
