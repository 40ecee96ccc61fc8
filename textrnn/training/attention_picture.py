"""A picture of what each token of a translation attends to; TensorFlow is not needed for it."""

from __future__ import annotations

import io

from textrnn.runtime.translator import AttentionMap

MOST_NAMED = 60  # tokens of a side


def attention_picture(found: AttentionMap) -> bytes:
    """A PNG file: a row for each token of the translation, a column for each of the source, dark where it attends."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    weights = found.weights.mean(0)
    rows, columns = weights.shape
    figure = Figure(figsize=(2 + 0.4 * min(columns, 40), 1.5 + 0.35 * min(rows, 40)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    if columns <= MOST_NAMED:
        axes.set_xticks(range(columns), found.source, rotation=60, ha="right", rotation_mode="anchor")
    if rows <= MOST_NAMED:
        axes.set_yticks(range(rows), found.target)
    axes.set(xlabel="source", ylabel="translation")
    figure.colorbar(image, ax=axes, label="share of the attention")
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=120)
    return data.getvalue()
