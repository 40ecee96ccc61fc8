"""`textrnn export`: a saved language model or classifier for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from textrnn.cli.complete import FILE, RUN
from textrnn.cli.options import MODELS_DIR, Command


@click.command(cls=Command)
@click.argument("name", type=RUN)
@click.option(
    "--to",
    type=click.Choice(["keras", "savedmodel", "litert", "onnx"]),
    required=True,
    help="Keras (stock layers, whole windows), TensorFlow's SavedModel (steps and windows), or one step for LiteRT or "
    "ONNX Runtime.",
)
@click.option(
    "--output",
    "-o",
    type=FILE,
    metavar="PATH",
    help="Where it goes.  [default: the name of the run and the format's ending]",
)
@click.option(
    "--int8",
    is_flag=True,
    help="With --to litert: weights in int8, a quarter of the size; what that costs is measured, and from then on "
    "generate uses it too (--runtime).",
)
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
@MODELS_DIR
def export(name: str, to: str, output: str | None, int8: bool, overwrite: bool, models_dir: Path) -> None:
    """Write the language model NAME, or the networks of the classifier NAME (keras, onnx), for other programs, and its
    tokens as JSON beside it."""
    from textrnn.export.export import export as write

    found = write(name, to, models_dir=models_dir, output=output, int8=int8, overwrite=overwrite)
    click.echo(f"wrote {found.path} and {found.tokens}")
    if found.bits_lost is not None:
        click.echo(f"int8 costs {found.bits_lost:.4f} bits per character on held-out text; generate writes with it now")
    if found.left_out:
        click.echo(found.left_out)
