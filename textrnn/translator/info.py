"""What `textrnn info` says of a translator."""

from __future__ import annotations

from typing import Any

from textrnn.base.run_changes import size_in_words
from textrnn.base.tasks import RunRow
from textrnn.report.layout import percent


def row(name: str, run: dict[str, Any]) -> RunRow:
    """Its line in the list of runs."""
    test = run["test"]
    return RunRow(
        name,
        f"translator, {run['translator']}",
        " to ".join(run["levels"]),
        f"{run['parameters']:,}",
        f"{percent(test['exact_match'])} exact" if test else "-",
        run["status"],
        run["pairs"]["name"],
    )


def lines(run: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and values of what is known about it."""
    network, pairs, test = run["config"]["network"], run["pairs"], run["test"]
    layers = f"{network['layers']}" + f" + {network['decoder_layers']}" * (run["translator"] != "aligned")
    sides = zip(("source", "target"), run["levels"], run["vocab_size"], strict=True)
    found = [
        ("run", run["run"]),
        (
            "what",
            f"translator, {run['translator']}, {network['cell']}, {layers} x {network['units']} units, "
            f"{size_in_words(run['parameters'], run['model_bytes'])}",
        ),
        ("tokens", ", ".join(f"{side}: {level}, {size:,}" for side, level, size in sides)),
        ("learnt from", f"{pairs['train']:,} pairs of {pairs['name']}; {pairs['valid']:,} to choose by"),
    ]
    if run.get("from"):
        found.append(("began from", began_in_words(run["from"])))
    if test:
        found.append(
            (
                "right",
                f"{percent(test['exact_match'])} of {test['pairs']:,} sources of {pairs['judged_on']}; token error "
                f"rate {percent(test['token_error_rate'])}, {overlaps(test)}",
            )
        )
    return found


def began_in_words(start: dict[str, Any]) -> str:
    """What a translator began with, and how much of that it has forgotten, as far as it is known.

    Example:
        >>> began_in_words(dict(run="models/a", new_tokens=[2, 1], learnt_before=0))
        'models/a; 2 tokens of the source and 1 of the target are new to it'
        >>> began_in_words(dict(run="models/a", new_tokens=[0, 0], learnt_before=3, pairs=9, nats_per_token_before=1.5,
        ...                     nats_per_token_after=2.25))
        'models/a, which has learnt 3 of the pairs measured on; its held-out pairs: 1.500 nats per token, 2.250 now'
    """
    words, (source, target), before = str(start["run"]), start["new_tokens"], start["learnt_before"]
    if before:
        words += f", which has learnt {before:,} of the pairs measured on"
    if source or target:
        words += f"; {source:,} tokens of the source and {target:,} of the target are new to it"
    if "nats_per_token_after" in start:
        nats = start["nats_per_token_before"], start["nats_per_token_after"]
        words += f"; its held-out pairs: {nats[0]:.3f} nats per token, {nats[1]:.3f} now"
    return words


def overlaps(test: dict[str, Any]) -> str:
    """BLEU, where there is one, and chrF in words.

    Example:
        >>> overlaps(dict(bleu=None, chrf=98.76)), overlaps(dict(bleu=25.25, chrf=50.0))
        ('chrF 98.8', 'BLEU 25.2, chrF 50.0')
    """
    chrf = f"chrF {test['chrf']:.1f}"
    return chrf if test["bleu"] is None else f"BLEU {test['bleu']:.1f}, {chrf}"
