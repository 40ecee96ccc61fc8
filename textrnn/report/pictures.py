"""PNG pictures of what goes on inside networks; fonts that can show the text in them are looked for."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from textrnn.base.files import write_atomically

# Fonts with Chinese, Japanese and Korean characters, by their names on Linux, macOS and Windows.
CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "SimHei",
)
CJK_FILES = re.compile(r"(NotoSans(CJK|SC)|SourceHanSans\w*)-Regular|wqy-|simhei|msyh|PingFang|Hiragino", re.IGNORECASE)
LATIN_FONT = "DejaVu Sans"  # which Matplotlib brings along
MISSING = "\u25a1"  # stands for a character that no font has
COLORS = ("#1f6fb2", "#d1495b", "#2e8b57", "#8a4fbf", "#b8860b", "#555555")
LINES = ("-", "--", "-.", ":")
MOST_TOKENS = 80  # along an axis: of more the names could not be read


class Titles(NamedTuple):
    """What is written around a picture: above it, at its left side, and along the other axis."""

    title: str = ""
    left: str = ""
    across: str = ""


def draw_matrix(
    path: Path,
    weights: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    titles: Titles,
    warn: Callable[[str], None],
) -> None:
    """Draws weights as a matrix of squares with a token at each row and column: what attention looks at.

    Args:
        path: where to; an old picture stays whole until the new one is.
        weights: float[rows, columns], at least 0.
        rows: the tokens at the left side, from top to bottom.
        columns: the tokens above.
        titles: what is written around it.
        warn: gets a line when no font has some of the characters, which are then drawn as empty squares, or when only
            a part can be shown.
    """
    shape = np.shape(weights)
    if max(shape) > MOST_TOKENS:
        warn(f"{path}: the picture shows the first {MOST_TOKENS} tokens of {max(shape)}")
        weights = np.asarray(weights)[:MOST_TOKENS, :MOST_TOKENS]
        rows, columns = rows[:MOST_TOKENS], columns[:MOST_TOKENS]
    fonts, (rows, columns, heads) = _fonts(path, [rows, columns, titles], warn)
    longest = [max([len(token) for token in tokens], default=1) for tokens in (rows, columns)]
    size = (2.4 + 0.12 * longest[0] + 0.28 * len(columns), 1.6 + 0.12 * longest[1] + 0.28 * len(rows))
    figure, axes = _figure(size)
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=max(float(np.max(weights)), 1e-9), aspect="equal")
    for label in axes.set_xticks(range(len(columns)), columns, family=fonts):
        label.label2.set_rotation(90 if len(label.label2.get_text()) > 2 else 0)  # characters stay upright
    axes.set_yticks(range(len(rows)), rows, family=fonts)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    axes.set_title(heads[0], family=fonts, fontsize=11)
    axes.set_ylabel(heads[1], family=fonts)
    axes.set_xlabel(heads[2], family=fonts)
    figure.colorbar(image, ax=axes, fraction=0.04, pad=0.02, label="weight")
    _save(figure, path)


def draw_curves(
    path: Path,
    curves: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray]],
    *,
    titles: Titles,
    warn: Callable[[str], None],
) -> None:
    """Draws curves over a logarithmic scale, each with the band that it scatters in.

    Args:
        path: where to; an old picture stays whole until the new one is.
        curves: for each its name, and float[points] values, lower and upper border; what is 0 is left out.
        titles: what is written around them.
        warn: see `draw_matrix`.
    """
    fonts, (names, heads) = _fonts(path, [[curve[0] for curve in curves], titles], warn)
    figure, axes = _figure((7, 4.4))
    for number, (name, (_, values, low, high)) in enumerate(zip(names, curves, strict=True)):
        color, x = COLORS[number % len(COLORS)], np.arange(len(values))
        axes.fill_between(x, _positive(low), _positive(high), color=color, alpha=0.13, linewidth=0)
        axes.plot(x, _positive(values), LINES[number % len(LINES)], color=color, label=name, linewidth=1.8)
    axes.set_yscale("log")
    axes.set_title(heads[0], family=fonts, fontsize=11)
    axes.set(ylabel=heads[1], xlabel=heads[2])
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, prop={"family": fonts})
    _save(figure, path)


def _positive(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.where(values > 0, values, np.nan)
    return found


def _figure(size: tuple[float, float]) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _save(figure: Any, path: Path) -> None:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=130)
    write_atomically(path, data.getvalue())


def _fonts(
    path: Path, texts: Sequence[Sequence[str]], warn: Callable[[str], None]
) -> tuple[list[str], list[list[str]]]:
    """Fonts for some texts, and the texts as they can be drawn: line ends as signs, one sign for what no font has."""
    from matplotlib import font_manager

    fonts = [LATIN_FONT]
    shown = [[_visible(text) for text in group] for group in texts]
    lost = sorted({char for group in shown for text in group for char in text})
    for name in (LATIN_FONT, None):
        if lost and (name := name or _cjk_font()):
            fonts = list(dict.fromkeys([*fonts, name]))
            face = font_manager.get_font(font_manager.findfont(name))
            lost = [char for char in lost if not face.get_char_index(ord(char))]
    if lost:
        some = "".join(lost[:10]) + ("..." if len(lost) > 10 else "")
        warn(
            f"{path}: no font here has {len(lost)} of the characters ({some}), which are drawn as {MISSING}; for "
            "Chinese install one such as Noto Sans CJK"
        )
    table = str.maketrans(dict.fromkeys(lost, MISSING))
    return fonts, [[text.translate(table) for text in group] for group in shown]


def _cjk_font() -> str | None:
    """The name of a font with Chinese characters, if there is one."""
    from matplotlib import font_manager

    known = set(font_manager.get_font_names())
    for name in CJK_FONTS:
        if name in known:
            return name
    # Matplotlib remembers the fonts that there were when it was first used: look for one that has come since.
    for path in sorted(font_manager.findSystemFonts()):
        if CJK_FILES.search(Path(path).name):
            font_manager.fontManager.addfont(path)
            return str(font_manager.fontManager.ttflist[-1].name)
    return None


def _visible(text: str) -> str:
    """A token in one line; `$` would begin a formula.

    Example:
        >>> _visible("a b\\n")
        'a b⏎'
        >>> _visible(" ")
        '␣'
    """
    text = "".join("⏎" if char == "\n" else char if char.isprintable() else MISSING for char in text)
    return ("␣" if text == " " else text).replace("$", r"\$")
