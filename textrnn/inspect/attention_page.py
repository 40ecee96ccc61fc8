"""`textrnn inspect attention`: what a classifier with attention looks at in some texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, DataError
from textrnn.base.files import write_atomically
from textrnn.base.run import find_run, read_run
from textrnn.classifier.predict import KIND, TextClassifier, open_classifier
from textrnn.inspect.attention import Attended, attention_weights, format_attention
from textrnn.inspect.inputs import check_output
from textrnn.report.layout import cut, percent
from textrnn.text.normalize import normalize
from textrnn.text.reader import find_files, open_sources, pieces
from textrnn.translator.attention_picture import format_translation, inspect_translation
from textrnn.translator.predict import KIND as TRANSLATOR

MOST_TEXTS = 200  # in a page: of more it would become large
TOP = 3  # tokens that are printed


def inspect_attention(
    file: str | None,
    texts: Sequence[str],
    output: str,
    *,
    model: str | None,
    models_dir: Path,
    encoding: str | None,
    overwrite: bool,
    warn: Callable[[str], None],
) -> dict[str, Any]:
    """Writes a page of some texts with the weights of their tokens, or a picture of one; of a translator a picture.

    Args:
        file: has a text in each line; None for none.
        texts: more of them.
        output: where to; `.html` is a page, `.png` a picture with a row for each network.
        model: name or path of a classifier, or of a translator; None for the newest classifier.
        models_dir: where runs are.
        encoding: of the file; told from its bytes when None.
        overwrite: replace the output.
        warn: told of what could not be shown, in one line.

    Returns:
        `output`, `run` and `texts`: for each `label`, `confidence`, `tokens` and `weights`, the mean over the networks.

    Raises:
        ConfigError, DataError, RunError: see the message.
    """
    place = check_output(output, suffixes=(".html", ".png"), overwrite=overwrite)
    all_texts = [*texts, *(_lines(file, encoding) if file is not None else [])]
    if not all_texts:
        raise ConfigError("there is no text: give one with --text, or name a file with a text in each line")
    is_picture = place.suffix.lower() == ".png"
    if is_picture and len(all_texts) > 1:
        raise ConfigError(
            f"a picture shows one text, and there are {len(all_texts):,}: give --output a name with .html"
        )
    path = find_run(model, models_dir, KIND)
    if read_run(path).get("kind") == TRANSLATOR:
        if len(all_texts) > 1:
            raise ConfigError(f"of a translator one text is drawn, and there are {len(all_texts):,}")
        return inspect_translation(path, all_texts[0], place, warn=warn)
    classifier = open_classifier(path)
    found = [_attended(classifier, text) for text in all_texts]
    if is_picture:
        from textrnn.report.pictures import draw_matrix

        rows = [f"network {k}" for k in range(1, len(found[0].weights) + 1)]
        tokens = [token.removeprefix(" ") or token for token in found[0].tokens]
        title = f"{found[0].label} ({percent(found[0].confidence)})"
        draw_matrix(place, found[0].weights, rows, tokens, title=title, warn=warn)
    else:
        write_atomically(place, format_attention(found, run=str(path)).encode())
    return {"output": str(place), "run": str(path), "texts": [_told(one) for one in found]}


def _lines(file: str, encoding: str | None) -> list[str]:
    """The texts of a file, one a line; blank lines are none."""
    with open_sources(find_files([file]), encoding) as sources:
        text = "".join(piece for source in sources for piece in pieces(source))
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_TEXTS:
        raise DataError(f"{file} has {len(lines):,} texts, and a page shows {MOST_TEXTS} at most: give fewer")
    return lines


def _attended(classifier: TextClassifier, text: str) -> Attended:
    networks, pooling = classifier.networks, classifier.config.encoder.pooling
    if networks is None or pooling != "attention":
        has = "no networks" if networks is None else f"networks with --pooling {pooling}"
        raise ConfigError(
            f"{classifier.path} has {has}, and only attention has weights: train one with "
            "'textrnn classify TABLE --model rnn --pooling attention'"
        )
    made = classifier.predict([text])[0]
    return Attended(
        *attention_weights(networks, normalize(text, classifier.config.normalize)), made.label, made.confidence
    )


def _told(one: Attended) -> dict[str, Any]:
    return {
        "label": one.label,
        "confidence": one.confidence,
        "tokens": one.tokens,
        "weights": [round(weight, 6) for weight in one.weights.mean(0).tolist()],
    }


def format_result(result: dict[str, Any]) -> str:
    """What is printed: for each text the tokens with the largest weights."""
    if "target" in result["texts"][0]:
        return format_translation(result)
    lines = []
    for one in result["texts"]:
        pairs = sorted(zip(one["weights"], one["tokens"], strict=True), key=lambda pair: -pair[0])
        told = ", ".join(f"{cut(token, 20)!r} {weight:.2f}" for weight, token in pairs[:TOP])
        lines.append(f"{cut(one['label'], 30)} {percent(one['confidence'])}: {told}")
    return "\n".join([*lines, f"wrote {result['output']}"])
