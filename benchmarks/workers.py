"""Two workers, each on one core, beside one process on one core: the losses of the same steps, and the speed.

    python -m benchmarks.workers FILE [--batch 128] [--steps 100] [--repeats 3] [--json]

Both run the training loop of `textrnn train` over the same global batches, without dropout. The two sides run in turn;
the losses are those of the first pair, and the ratio is that of the median times of a step.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tools import machine, table
from textrnn.language_model.launch import free_addresses
from textrnn.language_model.options import Config
from textrnn.text.corpus import map_ids, prepare, smallest_dtype
from textrnn.text.reader import open_sources
from textrnn.text.windows import SomeRows, make_windows, share_of

WARM_STEPS = 3  # the first traces the graph


def train_some(options: argparse.Namespace) -> dict[str, Any]:
    """One worker: the losses of some steps and the seconds of each.

    Args:
        options: of the command, with the encoded text, its vocabulary and the core to use.
    """
    os.sched_setaffinity(0, {options.core})
    from textrnn.training.backend import start_tensorflow
    from textrnn.training.cluster import read_cluster
    from textrnn.training.strategy import make_strategy, spread_over
    from textrnn.training.workers import Workers, WorkersOfCluster

    ids = map_ids(options.file, smallest_dtype(options.vocab))
    config = Config.from_options(
        dict(
            units=options.units,
            layers=options.layers,
            batch=options.batch,
            window=options.window,
            dropout=0.0,
            epochs=1,
            patience=0,
        )
    ).resolve()
    windows = make_windows(ids, config.data, 0)
    cluster = read_cluster()
    strategy = start_tensorflow(strategy=lambda: make_strategy(cluster))
    workers = Workers(strategy) if cluster is None else WorkersOfCluster(cluster, strategy)
    from textrnn.language_model.network import build_language_model, start_from_frequencies
    from textrnn.language_model.step import make_loss
    from textrnn.training.objective import Batch
    from textrnn.training.schedule import Budget, Schedule
    from textrnn.training.step import Division, make_optimizer, make_step
    from textrnn.training.trainer import Step, Trainer

    with contextlib.nullcontext() if strategy is None else strategy.scope():
        model = build_language_model(config.model, options.vocab)
        optimizer = make_optimizer(config.optimization, model.trainable_variables)
    start_from_frequencies(model, ids)
    own = SomeRows(windows, share_of(windows.num_rows, workers.rank, workers.workers))

    class Text:
        """The objective of the benchmark: no held-out part, and no end."""

        num_batches, num_checked, variables = windows.num_batches, 0, model.trainable_variables
        evaluate = None
        loss, initial_state = staticmethod(make_loss(model)), staticmethod(model.initial_state)

        def batch(self, epoch: int, index: int) -> Batch:
            found = own.batch(epoch, index)
            return Batch((found.x, found.y, found.mask), found.num_tokens, found.reset)

    text = Text()
    division = Division() if strategy is None else Division(spread=spread_over(workers, text.variables))
    step = make_step(text.loss, text.variables, optimizer, clip_norm=config.optimization.clip_norm, division=division)
    losses, times, cpu_times = list[float](), [time.perf_counter()], [time.process_time()]
    workers.tick()
    for event in Trainer(text, step, Schedule.of(config.optimization, config.stop), workers=workers).run(
        Budget(options.steps, None, now=workers.now)
    ):
        if isinstance(event, Step):
            losses.append(event.loss)
            times.append(time.perf_counter())
            cpu_times.append(time.process_time())
    return dict(losses=losses, step_s=np.diff(times).tolist(), cpu_s=np.diff(cpu_times).tolist())


def measure(workers: int, arguments: list[str]) -> dict[str, Any]:
    """What the chief of some workers measured, each on a core of its own.

    Raises:
        RuntimeError: one of them failed.
    """
    addresses, cores, started = free_addresses(workers), sorted(os.sched_getaffinity(0)), []
    for rank in range(workers):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
        command = [sys.executable, "-m", "benchmarks.workers", *arguments, "--core", str(cores[rank])]
        environment = {**os.environ, "TF_CONFIG": json.dumps(task)}
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
    output = started[0].communicate()[0]
    if any([process.wait() for process in started]):  # not a generator: all have to be waited for
        raise RuntimeError(f"{' '.join(arguments)} failed with {workers} workers")
    return dict(json.loads(output))


def compare(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Both sides in turn."""
    config = Config()
    with open_sources([str(options.file)]) as sources:
        corpus = prepare(
            sources,
            [],
            folder,
            normalize=config.normalize,
            tokenizer=config.resolve().tokenizer,
            held_out=config.data.held_out,
        )
    sizes = [f"--{name}={getattr(options, name)}" for name in ("units", "layers", "batch", "window", "steps")]
    arguments = [str(folder / "train.ids"), *sizes, f"--vocab={corpus.tokenizer.vocab_size}"]
    pairs = [(measure(1, arguments), measure(2, arguments)) for _ in range(options.repeats)]
    one, two = (np.array(side["losses"]) for side in pairs[0])
    step_s, cpu_s = (
        [statistics.median(s for pair in pairs for s in pair[side][key][WARM_STEPS:]) for side in (0, 1)]
        for key in ("step_s", "cpu_s")
    )
    each = [[statistics.median(side["step_s"][WARM_STEPS:]) for side in pair] for pair in pairs]
    return dict(
        steps=len(one),
        max_relative_difference=float((np.abs(one - two) / one).max()),
        last_losses=[float(one[-1]), float(two[-1])],
        step_ms=[1000 * s for s in step_s],
        cpu_ms=[1000 * s for s in cpu_s],
        ratio=step_s[0] / step_s[1],
        ratios=[alone / together for alone, together in each],
        load=os.getloadavg()[0],
    )


def main() -> None:
    """Prints the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    for name, default in dict(units=256, layers=2, batch=128, window=64, steps=100, repeats=3).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--vocab", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--core", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.core is not None:
        print(json.dumps(train_some(options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = compare(options, Path(folder))
    if options.json:
        print(json.dumps(found))
        return
    print(machine() + "\n")
    rows = [
        [
            workers,
            f"{found['step_ms'][workers - 1]:.0f}",
            f"{found['cpu_ms'][workers - 1]:.0f}",
            f"{found['last_losses'][workers - 1]:.6f}",
            f"{ratio:.2f}",
        ]
        for workers, ratio in ((1, 1.0), (2, found["ratio"]))
    ]
    print(table(["workers", "ms a step", "ms of processor in each", f"loss of step {found['steps']}", "ratio"], rows))
    shown = ", ".join(f"{ratio:.2f}" for ratio in found["ratios"])
    print(
        f"largest relative difference of a loss: {found['max_relative_difference']:.1e}; ratios of the pairs: {shown}"
    )
    print(f"load average at the end: {found['load']:.1f}")


if __name__ == "__main__":
    main()
