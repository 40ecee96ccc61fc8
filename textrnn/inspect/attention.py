"""`textrnn inspect attention`: what a classifier with attention looks at, as a page or a picture."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.base.run import find_run, read_run
from textrnn.classifier.predict import KIND, Networks, TextClassifier, open_classifier
from textrnn.classifier.recurrent import RecurrentClassifier
from textrnn.inspect.activations import classifier_tokens
from textrnn.inspect.inputs import Request
from textrnn.report.html import Span, render, write_page
from textrnn.report.layout import cut, percent
from textrnn.report.pictures import Titles, draw_matrix
from textrnn.text.lines import lines_of
from textrnn.text.normalize import normalize
from textrnn.text.reader import Reading, open_sources, pieces
from textrnn.translator.attention_picture import format_translation, inspect_translation
from textrnn.translator.predict import KIND as TRANSLATOR

MOST_TEXTS = 200  # in a page: of more it would become large
TOP = 3  # tokens that are printed
# From these multiples of an equal weight on, a token has the next stronger colour.
STEPS = (1.0, 1.5, 2.5, 5.0)


class Attended(NamedTuple):
    """A text and where attention is in it.

    Attributes:
        tokens: as the networks read them, none empty; of a long text its two ends.
        weights: float64[networks, tokens]; those of a network add up to 1.
        label: the prediction.
        confidence: its probability.
    """

    tokens: list[str]
    weights: np.ndarray
    label: str
    confidence: float | None


def inspect_attention(request: Request, texts: Sequence[str], *, warn: Callable[[str], None]) -> dict[str, Any]:
    """Writes a page of some texts with the weights of their tokens, or a picture of one; of a translator a picture.

    Args:
        request: the run (of a classifier or a translator; without a name the newest classifier), a file with a text in
            each line, and the output: `.html` is a page, `.png` a picture with a row for each network.
        texts: more of them.
        warn: gets a line for what could not be shown.

    Returns:
        `output` (None for a page where Jinja2 is not installed),
        `run` and `texts`: for each `label`, `confidence`, `tokens` and `weights`, the mean over the networks.

    Raises:
        ConfigError, DataError, RunError: see the message.
    """
    place = request.place(".html", ".png")
    all_texts = [*texts, *([] if request.file is None else _lines(request.file, request.reading))]
    if not all_texts:
        raise ConfigError("there is no text: give one with --text, or name a file with a text in each line")
    is_picture = place.suffix.lower() == ".png"
    if is_picture and len(all_texts) > 1:
        raise ConfigError(
            f"a picture shows one text, and there are {len(all_texts):,}: give --output a name with .html"
        )
    path = find_run(request.model, request.models_dir, KIND)
    if read_run(path).get("kind") == TRANSLATOR:
        if len(all_texts) > 1:
            raise ConfigError(f"of a translator one text is drawn, and there are {len(all_texts):,}")
        return inspect_translation(path, all_texts[0], place, warn=warn)
    classifier = open_classifier(path)
    found = [_attended(classifier, text) for text in all_texts]
    written: str | None = str(place)
    if is_picture:
        rows = [f"network {k}" for k in range(1, len(found[0].weights) + 1)]
        tokens = [token.removeprefix(" ") or token for token in found[0].tokens]
        titles = Titles(f"{found[0].label} ({percent(found[0].confidence)})")
        draw_matrix(place, found[0].weights, rows, tokens, titles=titles, warn=warn)
    else:
        written = write_page(place, lambda: format_attention(found, run=str(path)), warn)
    return {"output": written, "run": str(path), "texts": [_to_json(one) for one in found]}


def _lines(file: str, reading: Reading) -> list[str]:
    """The texts of a file, one a line; blank lines are none."""
    with open_sources([file], reading) as sources:
        text = "".join(piece for source in sources for piece in pieces(source))
    lines = [line for line in lines_of(text) if line.strip()]
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
    made = classifier.predictions([text])[0]
    tokens, weights = attention_weights(networks, normalize(text, classifier.config.normalize))
    return Attended(tokens, weights, made.label, made.confidence)


def attention_weights(networks: Networks, text: str) -> tuple[list[str], np.ndarray]:
    """The tokens of a normalised text, none empty, and each network's weights of them, float64[networks, tokens].

    The weight of a subword that ends within a character counts for the token that completes the character.

    Raises:
        DataError: the text has no tokens.
    """
    tokens, ids = classifier_tokens(networks, text)
    found = [member.attention(ids) for member in networks.members if isinstance(member, RecurrentClassifier)]
    weights = np.stack([shares for shares in found if shares is not None]).astype(np.float64)
    kept = [number for number, token in enumerate(tokens) if token]
    begins = [0, *(number + 1 for number in kept[:-1])]
    return [tokens[number] for number in kept], np.add.reduceat(weights, begins, axis=1)


def _to_json(one: Attended) -> dict[str, Any]:
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
        weights = ", ".join(f"{cut(token, 20)!r} {weight:.2f}" for weight, token in pairs[:TOP])
        lines.append(f"{cut(one['label'], 30)} {percent(one['confidence'])}: {weights}")
    return "\n".join([*lines, *([f"wrote {result['output']}"] if result["output"] else [])])


def format_attention(texts: Sequence[Attended], *, run: str) -> str:
    """The page: each text with its tokens coloured by the networks' mean weight.

    Args:
        texts: some of them.
        run: the name of the classifier.

    Returns:
        HTML, to be written as UTF-8.
    """
    return render(
        "attention.html",
        title=f"What {run} looks at",
        shown=f"{len(texts):,} text{'s' * (len(texts) != 1)}",
        limits=STEPS,
        texts=[(one, list(_spans(one))) for one in texts],
    )


def _spans(one: Attended) -> Iterator[Span]:
    for token, weight in zip(one.tokens, one.weights.mean(0).tolist(), strict=True):
        step = bisect(STEPS, weight * len(one.tokens))
        if token.startswith(" "):
            yield Span(" ")
        yield Span(token.removeprefix(" ") or token, f"right{step}" if step else None, f"{weight:.3f}")
