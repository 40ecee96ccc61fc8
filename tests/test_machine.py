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


GROUPS = {
    "version 2": ("0::/a/b\n", {"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000", "a/memory.max": "7"}),
    "version 1": (
        "4:memory:/a\n1:cpu,cpuacct:/a\n",
        {
            "memory/a/memory.limit_in_bytes": "9",
            "memory/memory.limit_in_bytes": "7",
            "cpu,cpuacct/cpu.cfs_quota_us": "300000",
            "cpu,cpuacct/cpu.cfs_period_us": "200000",
        },
    ),
    "no limit": ("0::/\n", {"cpu.max": "max 100000", "cpu.cfs_quota_us": "-1", "memory.max": "max"}),
    "no control groups": (None, {}),
}


@pytest.mark.parametrize("name", GROUPS)
def test_container_limits(name, tmp_path, monkeypatch):
    of_process, files = GROUPS[name]
    if of_process is not None:
        (tmp_path / "cgroup").write_text(of_process)
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.setattr(machine, "PROCESS_GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "GROUPS", tmp_path)
    limits = machine.container_limits.__wrapped__()
    assert limits == ((1.5, 7) if name.startswith("version") else (None, None))
    monkeypatch.setattr(machine, "container_limits", lambda: limits)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda of: set(range(5)), raising=False)
    assert machine.num_cores() == (2 if limits[0] else 5)
    assert machine.memory_bytes() == 7 or not limits[1]
