"""`textrnn serve` under load: characters a second of many clients, time to the first one, and memory over minutes.

    python -m benchmarks.serve [--repeats 3] [--length 1500] [--minutes 10] [--units 512]

Clients are in a process of their own and read their streams as fast as they come. The other side of the ratio is the
loop of `textrnn generate --count` with as many texts, without the start of the command; both run in turn. Under mixed
load, clients ask for texts, chats and scores with known answers, and two in five of them leave in between.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.generation import batch_speed
from benchmarks.tools import TEXTRNN, machine, random_run, table
from textrnn.language_model.generation import generate_texts
from textrnn.language_model.predict import open_run
from textrnn.language_model.sample_options import SampleConfig

MIXED = 12  # clients at the same time, under mixed load
SEEDS = 40  # different texts that are asked for then


@contextlib.contextmanager
def server(models_dir: Path) -> Iterator[tuple[int, int]]:
    """The port and the process of a server."""
    command = [*TEXTRNN, "serve", "--models-dir", str(models_dir), "--port", "0", "--no-open"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = re.search(r":(\d+)/", process.stdout.readline())
    assert port is not None
    try:
        yield int(port[1]), process.pid
    finally:
        process.terminate()
        process.wait(20)


async def ask(port: int, path: str, values: dict[str, Any], leave_s: float | None = None) -> tuple[float, bytes]:
    """Seconds to the first text of an answer, and its body; nothing of it if the client leaves before."""
    body = json.dumps(values).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    begin, first, found = time.perf_counter(), 0.0, bytearray()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head.encode() + body)
        while leave_s is None or time.perf_counter() - begin < leave_s:
            part = await asyncio.wait_for(reader.read(1 << 16), leave_s or 60)
            found += part
            if not first and b'"text":"' in found:
                first = time.perf_counter() - begin
            if not part:
                return first, bytes(found)
    except asyncio.TimeoutError:
        if leave_s is None:
            raise
    finally:
        writer.close()
    return first, b""


def text_of(stream: bytes) -> str:
    """The text of an answer that came in events."""
    return "".join(json.loads(f'"{part}"') for part in re.findall(r'"text":"((?:[^"\\]|\\.)*)"', stream.decode()))


async def streams(port: int, number: int, length: int) -> tuple[int, list[float]]:
    """Characters that so many clients got at the same time, and how long each waited for the first."""
    asked = dict(prompt="The ", max_tokens=length, stream=True)
    answers = await asyncio.gather(*(ask(port, "/v1/completions", asked) for _ in range(number)))
    return sum(len(text_of(body)) for _, body in answers), [first for first, _ in answers]


def measure(port: int, number: int, length: int) -> None:
    """Prints what clients get, as JSON; the process of the clients."""
    asyncio.run(streams(port, number, 20))  # opens the run
    begin = time.perf_counter()
    chars, first = asyncio.run(streams(port, number, length))
    print(json.dumps(dict(chars_per_s=chars / (time.perf_counter() - begin), first=sorted(first))))


async def mixed(port: int, expected: dict[int, str], minutes: float) -> dict[str, int]:
    """What became of the requests of some minutes."""
    counts, end = dict(asked=0, left=0, right=0, wrong=0, lost=0), time.monotonic() + 60 * minutes

    async def client(number: int) -> None:
        draw = random.Random(number)
        while time.monotonic() < end:
            seed = draw.randrange(SEEDS)
            counts["asked"] += 1
            if draw.random() < 0.4:
                asked = dict(prompt="The ", max_tokens=20_000, n=draw.randint(1, 4), stream=draw.random() < 0.5)
                await ask(port, "/v1/completions", asked, leave_s=draw.random())
                counts["left"] += 1
                continue
            if draw.random() < 0.2:
                await ask(port, "/v1/score", dict(input=expected[seed], per_char=True))
            asked = dict(prompt="The ", max_tokens=len(expected[seed]), seed=seed, stream=draw.random() < 0.5)
            try:
                _, body = await ask(port, "/v1/completions", asked)
            except (OSError, asyncio.TimeoutError):
                counts["lost"] += 1
                continue
            counts["right" if text_of(body) == expected[seed] else "wrong"] += 1

    await asyncio.gather(*(client(number) for number in range(MIXED)))
    return counts


def resident_mb(process: int) -> float:
    """Memory of a process, in 10**6 bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


def under_load(path: Path, minutes: float) -> None:
    """Prints what became of mixed requests, and of the memory of the server."""
    model, expected = open_run(path), {}
    for seed in range(SEEDS):
        config = SampleConfig(length=100 + 20 * seed, random_seed=seed)
        expected[seed] = next(generate_texts(model, ["The "], config)).continuation.text
    with server(path.parent) as (port, process):
        asyncio.run(mixed(port, expected, minutes / 10))
        memory, rows = [resident_mb(process)], dict[str, int]()
        for _ in range(9):
            for name, count in asyncio.run(mixed(port, expected, minutes / 10)).items():
                rows[name] = rows.get(name, 0) + count
            memory.append(resident_mb(process))
        print(table(["requests", *list(rows)[1:]], [list(rows.values())]))
        print("memory of the server, MB, each tenth of the time: " + ", ".join(f"{value:.0f}" for value in memory))


def speeds(path: Path, repeats: int, length: int) -> None:
    """Prints characters a second of clients and of `generate`."""
    model, rows = open_run(path), list[list[object]]()
    with server(path.parent) as (port, _):
        for number in (1, 16, 64):
            served, alone, first = [], [], []
            for _ in range(repeats):
                command = [sys.executable, "-m", "benchmarks.serve", "--measure", f"{port},{number},{length}"]
                found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
                served.append(found["chars_per_s"])
                first += found["first"]
                alone.append(batch_speed(model, number, length))
            ours, theirs = statistics.median(served), statistics.median(alone)
            waits = [f"{1000 * statistics.median(first):.0f}", f"{1000 * max(first):.0f}"]
            rows.append([number, f"{ours:,.0f}", f"{theirs:,.0f}", f"{ours / theirs:.2f}", *waits])
            print(rows[-1], file=sys.stderr, flush=True)
    print(table(["clients", "chars/s", "`generate` chars/s", "ratio", "first, ms (median)", "(longest)"], rows))


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--length", type=int, default=1500, help="characters of a text")
    parser.add_argument("--minutes", type=float, default=0.0, help="of mixed load")
    options = parser.parse_args()
    if options.measure:
        measure(*map(int, options.measure.split(",")))
        return
    print(machine() + "\n")
    with tempfile.TemporaryDirectory() as folder:
        path = random_run(Path(folder), units=options.units, layers=1)
        if options.repeats:
            speeds(path, options.repeats, options.length)
        if options.minutes:
            under_load(path, options.minutes)


if __name__ == "__main__":
    main()
