"""What `textrnn info` says of a classifier."""

from __future__ import annotations

from typing import Any

from textrnn.base.run_changes import size_in_words
from textrnn.base.tasks import RunRow
from textrnn.classifier.label_kind import CLASSES
from textrnn.report.differences import name_of
from textrnn.report.layout import cut, decimals, percent
from textrnn.report.text_report import began_in_words, result_in_words

COLUMNS = (("text", "text_column"), ("label", "label_column"))


def row(name: str, run: dict[str, Any]) -> RunRow:
    """Its line in the list of runs."""
    return RunRow(
        name,
        f"classifier, {run['model']['chosen']}",
        f"{len(run['classes']):,} labels" if run["classes"] else "numbers",
        f"{run['parameters']:,}",
        _short(run["metrics"]),
        run["status"],
        run["table"]["name"],
    )


def _short(metrics: dict[str, Any]) -> str:
    """How good a classifier is, in one figure."""
    if "test_accuracy" in metrics:
        return f"{100 * metrics['test_accuracy']:.1f} % right"
    test = metrics["test"]
    return f"micro F1 {decimals(test['micro_f1'])}" if "micro_f1" in test else f"off by {test['mae']:.4g}"


def _right(metrics: dict[str, Any]) -> str:
    """How good a classifier is, with the models that it was compared with."""
    judged_on = metrics["judged_on"].rstrip(",")
    if "test_accuracy" not in metrics:
        return " ".join(result_in_words(metrics["test"], f"{metrics['test_rows']:,} rows of {judged_on}"))
    low, high = metrics["accuracy_interval"]
    models = ", ".join(f"{name} {percent(share)}" for name, share in metrics["accuracy_of"].items())
    return (
        f"{percent(metrics['test_accuracy'])} of {metrics['test_rows']:,} rows of {judged_on} "
        f"(95 % interval: {percent(low)} to {percent(high)}; {models})"
    )


def lines(run: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and values of what is known about it."""
    model, metrics, encoder = run["model"], run["metrics"], run["config"]["encoder"]
    cell = f" {encoder['cell']}" if encoder["arch"] == "bidirectional" else ""
    networks = f"{model['members']} x {encoder['arch']}{cell}, {encoder['layers']} x {encoder['units']} units"
    parts = [*["a linear model"] * bool(model["linear"]), *[f"networks ({networks})"] * bool(model["members"])]
    labels = [cut(label, 40) for label in run["classes"]]
    columns = [f"{kind} in {_columns(run['table'][key])}" for kind, key in COLUMNS if run["table"].get(key)]
    return [
        ("run", run["run"]),
        ("what", f"classifier, {size_in_words(run['parameters'], run['model_bytes'])}"),
        ("holds", " and ".join(parts)),
        ("used", name_of(model["chosen"])),
        ("task", (run["labels"] or {}).get("task", CLASSES)),
        ("labels", ", ".join(labels[:20]) + (f" and {len(labels) - 20} more" if len(labels) > 20 else "")),
        ("learnt from", ", ".join([f"{run['table']['rows']:,} rows of {run['table']['name']}", *columns])),
        *([("began", began_in_words(run["from"]))] if run.get("from") else []),
        *([("split", run["split"]["words"])] if run.get("split") else []),
        ("right", _right(metrics)),
    ]


def _columns(names: Any) -> str:
    """One column or several, by their names."""
    several = names if isinstance(names, list) else [names]
    return f"column{'s' * (len(several) > 1)} {' and '.join(f'{name!r:.60}' for name in several)}"
