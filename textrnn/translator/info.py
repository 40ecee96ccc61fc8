"""What `textrnn info` says of a translator."""

from __future__ import annotations

from typing import Any

from textrnn.report.layout import percent


def row(name: str, run: dict[str, Any]) -> tuple[str, ...]:
    """Its line in the list of runs."""
    test = run["test"]
    return (
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
            f"{run['parameters']:,} parameters, {(run['model_bytes'] or 0) / 1e6:.1f} MB",
        ),
        ("tokens", ", ".join(f"{side}: {level}, {size:,}" for side, level, size in sides)),
        ("learnt from", f"{pairs['train']:,} pairs of {pairs['name']}; {pairs['valid']:,} to choose by"),
    ]
    if test:
        found.append(
            (
                "right",
                f"{percent(test['exact_match'])} of {test['pairs']:,} sources of {pairs['judged_on']}; token error "
                f"rate {percent(test['token_error_rate'])}, {overlaps(test)}",
            )
        )
    return found


def overlaps(test: dict[str, Any]) -> str:
    """BLEU, where there is one, and chrF in words.

    Example:
        >>> overlaps(dict(bleu=None, chrf=98.76)), overlaps(dict(bleu=25.25, chrf=50.0))
        ('chrF 98.8', 'BLEU 25.2, chrF 50.0')
    """
    chrf = f"chrF {test['chrf']:.1f}"
    return chrf if test["bleu"] is None else f"BLEU {test['bleu']:.1f}, {chrf}"
