"""What `textrnn info` says of an answerer."""

from __future__ import annotations

from typing import Any

from textrnn.base.run_changes import size_in_words
from textrnn.base.tasks import RunRow
from textrnn.report.layout import cut, percent


def row(name: str, run: dict[str, Any]) -> RunRow:
    """Its line in the list of runs."""
    accuracy = run["metrics"].get("test_accuracy")  # none until it has been compared
    return RunRow(
        name,
        f"answerer, {run['config']['network']['hops']} hops",
        f"{len(run['answers']):,} answers",
        f"{run['parameters']:,}",
        f"{100 * accuracy:.1f} % right" if accuracy is not None else "-",
        run["status"],
        run["stories"]["name"],
    )


def lines(run: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and values of what is known about it."""
    network, accuracy = run["config"]["network"], run["metrics"].get("accuracy_of", {})
    answers = [cut(answer, 40) for answer in run["answers"]]
    return [
        ("run", run["run"]),
        ("what", f"answerer, {size_in_words(run['parameters'], run['model_bytes'])}"),
        ("network", f"{network['hops']} hops over {network['sentences']} sentences, width {network['embed']}"),
        ("answers", ", ".join(answers[:20]) + (f" and {len(answers) - 20} more" if len(answers) > 20 else "")),
        ("learnt from", f"{run['stories']['questions']:,} questions of {run['stories']['name']}"),
        (
            "right",
            ", ".join(f"{name.replace('_', ' ')} {percent(share)}" for name, share in accuracy.items()) or "-",
        ),
    ]
