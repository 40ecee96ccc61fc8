"""The measure of the machine."""

import pytest

from textrnn.training import machine
from textrnn.training.machine import machine_speed


def test_machine_speed_takes_the_best_round(monkeypatch):
    rounds = iter([1.0, 3.0, 2.0, 1.0, 1.0])
    monkeypatch.setattr(machine, "_products_per_s", lambda precision: next(rounds) * machine.REFERENCE)
    assert machine_speed("float32") == 3.0


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_machine_speed_measures(precision):
    assert machine_speed(precision) > 0
