"""What a person sees of training: lines and a progress bar on standard error, `history.csv` and `curves.png`."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from textrnn.base.escapes import visible
from textrnn.base.files import SAMPLES_FILE, write_atomically

EXAMPLE_CHARS = 18  # of a text that is shown in a command
# Of `history.csv`. A new column is added here, and to the row of a check by the task (`Watch.check` and its likes).
COLUMNS = (
    "step",
    "epoch",
    "seconds",
    "learning_rate",
    "gradient_norm",
    "train_nats_per_token",
    "val_nats_per_token",
    "train_bits_per_char",
    "val_bits_per_char",
    "chars_per_s",
)


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    Example:
        >>> [duration(s) for s in (0.4, 59, 61, 3661, float("inf"))]
        ['0 s', '59 s', '1 min 01 s', '1 h 01 min', '?']
    """
    if not math.isfinite(seconds):
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Display:
    """Tells a person how training goes, on standard error: a live line on a terminal, plain lines elsewhere.

    Args:
        quiet: say nothing but warnings.
        mute: say nothing at all, as workers beside the chief do.
    """

    def __init__(self, *, quiet: bool = False, mute: bool = False) -> None:
        from rich.console import Console

        self._quiet, self._mute = quiet or mute, mute
        # Colours and the live line are rich's own: it has the terminal itself, and texts become `visible` here.
        terminal = getattr(sys.stderr, "output", sys.stderr)
        self._console = Console(file=terminal, highlight=False, soft_wrap=True)
        self._live: Any = None
        self._task: Any = None

    def say(self, text: str, *, style: str | None = None) -> None:
        """A line for a person; markup in it has no effect."""
        if not self._quiet:
            self._console.print(visible(text), style=style, markup=False, emoji=False)

    def warn(self, text: str) -> None:
        """A warning, which is shown even when quiet."""
        if self._mute:
            return
        self._console.print(visible(text), style="yellow", markup=False, emoji=False)

    def start(self, label: str) -> None:
        """Shows the live line, on a terminal."""
        if self._quiet or not self._console.is_terminal:
            return
        from rich.progress import BarColumn, Progress, TextColumn

        self._live = Progress(
            TextColumn(label),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("{task.fields[detail]}"),
            console=self._console,
            transient=True,
        )
        self._task = self._live.add_task("", total=1.0, detail="")
        self._live.start()

    def update(self, share: float, detail: str) -> None:
        """Moves the live line."""
        if self._live is not None:
            self._live.update(self._task, completed=share, detail=visible(detail))

    def stop(self) -> None:
        """Takes the live line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None


@contextlib.contextmanager
def shown(display: Display, label: str, path: Path) -> Iterator[None]:
    """Shows the live line within the block, and says where the run is when it is stopped at once."""
    display.start(label)
    try:
        yield
    except KeyboardInterrupt:
        display.stop()
        display.warn(f"stopped at once: what was saved last is in {path}, for --resume")
        raise
    finally:
        display.stop()


def check_line(row: dict[str, float], *, is_best: bool) -> str:
    """One check in a line, in bits per character."""
    train = f"{row['train_bits_per_char']:.3f}" if math.isfinite(row["train_bits_per_char"]) else "  -  "
    speed = f"{row['chars_per_s']:,.0f} chars/s" if math.isfinite(row["chars_per_s"]) else ""
    return (
        f"{duration(row['seconds']):>12}  epoch {row['epoch']:<6.2f} train {train}  validation "
        f"{row['val_bits_per_char']:.3f} bits/char {'*' if is_best else ' '} {speed}"
    ).rstrip()


def one_line(text: str, width: int = 76) -> str:
    """A sample as one line: line ends shown as a sign, cut to the columns of a terminal.

    Example:
        >>> one_line("To be\\nor not", 8), one_line("床前明月光", 8)
        ('To be⏎or', '床前明月')
    """
    shown, columns = "", 0
    for char in text:
        columns += 2 if unicodedata.east_asian_width(char) in "WF" else 1  # Chinese takes two columns
        if columns > width:
            break
        shown += "⏎" if char == "\n" else char if char.isprintable() else " "
    return shown


def first_words(text: str) -> str:
    """The beginning of a line of a text, to be shown between double quotes in a command; empty where there is none.

    Example:
        >>> first_words("has gone.\\nFIRST CITIZEN, to all:\\nBefore"), first_words("却说那行者辞别众人去了半日又来")
        ('FIRST CITIZEN, to', '却说那行者辞别众人去了半日又来')
    """
    first, *others = text.split("\n")  # the first one may be the end of another line
    for line in (*others, first):
        begin = re.split(r'["$`\\!%\ufffd]', line.strip(), maxsplit=1)[0]
        words = begin[:EXAMPLE_CHARS].rpartition(" ")[0] if len(begin) > EXAMPLE_CHARS else begin
        shown = (words or begin[: EXAMPLE_CHARS // 2]).rstrip()
        if shown and shown.isprintable():
            return shown
    return ""


def write_history(path: Path, history: list[dict[str, float]], columns: Sequence[str] = COLUMNS) -> None:
    """Writes `history.csv`: a row for each check, `columns` as its header; what a row of an older run lacks is nan."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for row in history:
        values = {name: row.get(name, math.nan) for name in columns}
        writer.writerow({k: f"{value:.6g}" if isinstance(value, float) else value for k, value in values.items()})
    write_atomically(path, text.getvalue().encode())


def keep_sample(folder: Path, step: int, text: str) -> None:
    """Adds a text that a model wrote while it learnt to `samples.jsonl`, in the place of those of this step or later.

    A sample is no part of what was learnt: where it cannot be written, training goes on without it.
    """
    path = folder / SAMPLES_FILE
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
        kept = [line for line in lines if line and json.loads(line)["step"] < step]
        new = json.dumps({"step": step, "text": text}, ensure_ascii=False)
        write_atomically(path, "".join(f"{line}\n" for line in [*kept, new]).encode())


def write_curves(path: Path, history: list[dict[str, float]], title: str, *, first: str = "training") -> None:
    """Draws training and validation loss over epochs into a PNG file; `first` says what the former is measured on."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    epochs = [row["epoch"] for row in history]
    for name, label, color in (
        ("train_bits_per_char", first, "#888888"),
        ("val_bits_per_char", "held-out text", "#1f6fb2"),
    ):
        axes.plot(epochs, [row[name] for row in history], marker=".", color=color, label=label)
    for name, label, style in (("network", "network alone", "--"), ("counts", "counts alone", ":")):
        if all(f"{name}_bits_per_char" in row for row in history):
            values = [row[f"{name}_bits_per_char"] for row in history]
            axes.plot(epochs, values, style, color="#1f6fb2", linewidth=1, label=label)
    best = min(history, key=lambda row: row["val_bits_per_char"])
    axes.plot(
        [best["epoch"]],
        [best["val_bits_per_char"]],
        "o",
        color="#d1495b",
        zorder=3,
        label=f"best: {best['val_bits_per_char']:.3f} at epoch {best['epoch']:.3g}",
    )
    axes.set(xlabel="passes over the training part (epochs)", ylabel="bits per character", title=ascii_title(title))
    axes.xaxis.set_major_locator(MaxNLocator(integer=max(epochs) > 4))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=120)
    write_atomically(path, data.getvalue())


def ascii_title(title: str) -> str:
    """A title without characters that the font of the picture lacks."""
    return title if title.isascii() else title.encode("ascii", "ignore").decode().strip(" -_.,:") or "language model"
