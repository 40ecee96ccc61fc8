"""The measure of the machine."""

import io
import itertools

import pytest

from textrnn.base import machine
from textrnn.base.machine import machine_speed


def test_machine_speed_takes_the_best_round(monkeypatch):
    monkeypatch.setattr(machine, "cpu_flags", lambda: {"avx512_bf16"})
    for precision, expected in (("auto", 3.0), ("bfloat16", 3.0), ("float32", 2.0)):
        rounds = itertools.chain([1.0, 3.0, 2.0], itertools.repeat(1.0))
        monkeypatch.setattr(machine, "_products_per_s", lambda rounds=rounds: next(rounds) * machine.REFERENCE)
        assert machine_speed(precision) == expected


def test_machine_speed_without_bfloat16(monkeypatch):
    monkeypatch.setattr(machine, "cpu_flags", set)
    monkeypatch.setattr(machine, "_products_per_s", lambda: machine.REFERENCE)
    assert machine_speed("auto") == pytest.approx(1 / machine.LOW_PRECISION_GAIN)


def test_machine_speed_measures():
    assert machine_speed("auto") > 0


@pytest.mark.parametrize(
    ("held", "expected"), [("", True), ("AVX512_CORE_BF16", True), ("AVX2", False), ("sse41", False)]
)
def test_likes_bfloat16_only_where_onednn_may_use_it(monkeypatch, held, expected):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", held)
    monkeypatch.setattr("builtins.open", lambda *args, **options: io.StringIO("model : 143\nflags : fma amx_bf16\n"))
    assert machine.likes_bfloat16() == expected
