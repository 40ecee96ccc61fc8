"""Training that cannot fit into memory is refused before it begins."""

import pytest

from textrnn.base.errors import ConfigError
from textrnn.language_model import memory_estimate as memory
from textrnn.language_model.memory_estimate import check_memory, estimated_bytes
from textrnn.language_model.options import Config


def test_estimated_bytes_by_hand():
    config = Config.from_options(dict(arch="simple", layers=1, units=7, embed=5, batch=2, window=3)).resolve()
    weights = 11 * 5 + 7 * (7 + 5 + 1) + 7 * 11
    assert estimated_bytes(config, 11) == 4 * (5 * weights + 3 * 7 * 3 * 2 + 3 * 2 * 3 * 11)


def test_check_memory_names_the_options(monkeypatch):
    monkeypatch.setattr(memory, "memory_bytes", lambda: 24 * 10**9)
    check_memory(Config().resolve(), 5000)
    absurd = Config.from_options(dict(units=16_384, batch=65_536)).resolve()
    with pytest.raises(ConfigError, match=r"machine has 24: use fewer --units \(16384\), a smaller --batch \(65536\)"):
        check_memory(absurd, 67)


def test_check_memory_lets_pass_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(memory, "memory_bytes", lambda: None)
    check_memory(Config.from_options(dict(units=16_384, batch=65_536)).resolve(), 67)
