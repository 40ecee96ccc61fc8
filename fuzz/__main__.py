"""`python -m fuzz [TARGET...] --time 20s --seed 0`: whatever is no clear refusal is shown once, with its seed."""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import traceback
from pathlib import Path

import click

from fuzz.cases import NAMES, Failure, fuzz
from textrnn.cli.options import Duration

MOST_BYTES = 1 << 32  # of address space, of which some is the libraries'


@click.command()
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@click.option("--time", "time_s", type=Duration(), default=20.0, help="For all targets together.")
@click.option("--seed", type=int, default=None, help="Of the first case; another one each time if none is given.")
@click.option("--one", is_flag=True, help="Run the case of --seed alone, and show its whole traceback.")
def main(names: tuple[str, ...], time_s: float, seed: int | None, one: bool) -> None:
    """Change real files, and read them: an error that is not one clear line is a failure."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))  # what asks for more gets a MemoryError
    wanted = names or NAMES
    first = random.SystemRandom().randrange(10**9) if seed is None else seed
    failures = dict[str, Failure]()
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            count, found = fuzz(
                name, Path(folder, name), seed=first, seconds=time_s / len(wanted), most=1 if one else None
            )
            failures.update({f"{name}: {key}": failure for key, failure in found.items()})
            click.echo(f"{name}: {count:,} cases from seed {first} on, {len(found)} kinds of failures")
    for key, failure in failures.items():
        click.echo(f"\n{key}: {failure.number:,} times, first with --seed {failure.seed} ({failure.what})")
        lines = traceback.format_exception(failure.error)
        click.echo("".join(lines if one else lines[-4:]).rstrip())
    sys.exit(1 if failures else 0)


main()
