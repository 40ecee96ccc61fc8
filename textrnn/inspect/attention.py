"""What a classifier with attention looks at: the weight of each token, as a page."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from textrnn.classifier.predict import Networks
from textrnn.classifier.recurrent import RecurrentClassifier
from textrnn.inspect.activations import classifier_tokens
from textrnn.report.layout import percent
from textrnn.report.web import escaped, isolated, kind_of, language_of, page, paragraph

# From how many times the weight that each token would have, if all had the same, a token has the next stronger colour.
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
    confidence: float


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


def format_attention(texts: Sequence[Attended], *, run: str) -> str:
    """The page: each text with its tokens coloured by the networks' mean weight.

    Args:
        texts: some of them.
        run: what the classifier is called.

    Returns:
        HTML, to be written as UTF-8.
    """
    title = f"What {run} looks at"
    count = f"{len(texts):,} text{'s' * (len(texts) != 1)}"
    header = (
        f"<header><h1>{isolated(title)}</h1>{paragraph(f'{count}, tokens as the networks read them.', 'soft')}</header>"
    )
    return page(title, [header, _legend(), *(_text(number, one) for number, one in enumerate(texts, 1))])


def _legend() -> str:
    steps = " ".join(f'<mark class="right{k}">{limit:g} times</mark>' for k, limit in enumerate(STEPS, 1))
    return (
        '<div class="result">'
        + paragraph("Attention pooling gives each token a weight; the weights of a text add up to 1.")
        + paragraph(f"{steps} the weight that it would have if all had the same")
        + paragraph(
            "The weight is shown when the pointer rests on a token: the mean over the networks. It says how much of "
            "the layer's output at the token enters the prediction, and that output has read its neighbours too: for "
            "which words a prediction comes from, see textrnn classify --explain.",
            "soft",
        )
        + "</div>"
    )


def _text(number: int, one: Attended) -> str:
    mean, marked = one.weights.mean(0), []
    for token, weight in zip(one.tokens, mean.tolist(), strict=True):
        step = bisect(STEPS, weight * len(one.tokens))
        blank = " " * token.startswith(" ")
        content = escaped(token.removeprefix(" ") or token)
        marked.append(f'{blank}<mark{kind_of(f"right{step}" if step else "")} title="{weight:.3f}">{content}</mark>')
    told = f"<b>text {number:,}</b> · {isolated(one.label, 'predicted')} {percent(one.confidence)}"
    return (
        f'<section class="explained">{paragraph(told, "soft")}'
        f'<p class="marked" dir="auto"{language_of("".join(one.tokens))}>{"".join(marked)}</p></section>'
    )
