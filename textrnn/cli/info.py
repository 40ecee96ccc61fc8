"""`textrnn info`: the runs there are, or one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textrnn.answerer.options import AnswerConfig
from textrnn.base.config import Checked
from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import MODEL_FILE, RUN_FILE
from textrnn.base.run import MADE_BY, find_run, list_runs, read_run
from textrnn.classifier.options import ClassifierConfig
from textrnn.language_model.options import Config
from textrnn.nn.architectures import check_cells
from textrnn.report.comparison import name_of
from textrnn.report.layout import cut, percent
from textrnn.text.documents import Documents, describe_documents
from textrnn.translator.info import TRANSLATOR, translator_lines, translator_row
from textrnn.translator.options import TranslateConfig

CLASSIFIER, ANSWERER = "classifier", "answerer"
CONFIGS: dict[str, type[Checked]] = {
    CLASSIFIER: ClassifierConfig,
    TRANSLATOR: TranslateConfig,
    ANSWERER: AnswerConfig,
}
COLUMNS = (("text", "text_column"), ("label", "label_column"))
KEYS = (
    "kind",
    "status",
    "created",
    "command",
    "parameters",
    "vocab_size",
    "metrics",
    "skipped_steps",
    "config",
    "corpus",
    "table",
    "classes",
    "stories",
    "answers",
    "model",
    "translator",
    "levels",
    "pairs",
    "test",
    "versions",
    "documents",
)


def run_info(path: Path) -> dict[str, Any]:
    """What is known about a run: `run.json` with the run's path and size.

    Raises:
        RunError: it is missing or damaged.
    """
    details = read_run(path)
    check_cells(details, path)
    size = (path / MODEL_FILE).stat().st_size if (path / MODEL_FILE).is_file() else None
    run = {"run": str(path), "model_bytes": size, **{key: details.get(key) for key in KEYS}}
    try:
        CONFIGS.get(str(run["kind"]), Config).from_json(run["config"])
        format_list([run], path), format_run(run)
    # A checksum can be right over nonsense.
    except (AttributeError, KeyError, TypeError, ValueError, ConfigError) as error:
        raise RunError(f"{path / RUN_FILE} is damaged: {error!r:.80}; restore it from a copy or train again") from None
    return run


def all_runs(models_dir: Path) -> list[dict[str, Any]]:
    """What is known about each run, newest first; a damaged one has the key `error`."""
    found: list[dict[str, Any]] = []
    for path in list_runs(models_dir):
        try:
            found.append(run_info(path))
        except RunError as error:
            found.append({"run": str(path), "error": str(error)})
    return found


def one_run(name: str, models_dir: Path) -> dict[str, Any]:
    """What is known about the run of a name or path.

    Raises:
        RunError: there is none, or it is damaged.
    """
    return run_info(find_run(name, models_dir, "language_model"))


def format_list(runs: list[dict[str, Any]], models_dir: Path) -> str:
    """A line for each run."""
    if not runs:
        return f"no runs in {models_dir}: make one with {' or '.join(map(repr, MADE_BY.values()))}\n"
    rows: list[tuple[str, ...]] = [("run", "architecture", "level", "parameters", "quality", "status", "trained on")]
    for run in runs:
        rows.append(_row(run))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    name = Path(run["run"]).name
    if "error" in run:
        return (name, "damaged", "", "", "", "", "")
    if run["kind"] == CLASSIFIER:
        return _classifier_row(name, run)
    if run["kind"] == TRANSLATOR:
        return translator_row(name, run)
    if run["kind"] == ANSWERER:
        return _answerer_row(name, run)
    config, bits = run["config"], run["metrics"].get("val_bits_per_char")
    files = ", ".join(file["name"] for file in run["corpus"]["files"])
    return (
        name,
        config["model"]["arch"],
        config["tokenizer"]["level"],
        f"{run['parameters']:,}",
        f"{bits:.3f} bits/char" if bits is not None else "-",
        run["status"],
        files,
    )


def _classifier_row(name: str, run: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        f"classifier, {run['model']['chosen']}",
        f"{len(run['classes']):,} labels",
        f"{run['parameters']:,}",
        f"{100 * run['metrics']['test_accuracy']:.1f} % right",
        run["status"],
        run["table"]["name"],
    )


def _answerer_row(name: str, run: dict[str, Any]) -> tuple[str, ...]:
    accuracy = run["metrics"].get("test_accuracy")  # none until it has been compared
    return (
        name,
        f"answerer, {run['config']['network']['hops']} hops",
        f"{len(run['answers']):,} answers",
        f"{run['parameters']:,}",
        f"{100 * accuracy:.1f} % right" if accuracy is not None else "-",
        run["status"],
        run["stories"]["name"],
    )


def _aligned(lines: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines) + "\n"


def _origin(run: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("status", run["status"]),
        ("made", f"{run['created']} by: {run['command']}"),
        ("with", ", ".join(f"{name} {version}" for name, version in run["versions"].items())),
    ]


def _right(metrics: dict[str, Any]) -> str:
    """How good a classifier is, with the models that it was compared with."""
    low, high = metrics["accuracy_interval"]
    judged_on = metrics["judged_on"].rstrip(",")
    models = ", ".join(f"{name} {percent(share)}" for name, share in metrics["accuracy_of"].items())
    return (
        f"{percent(metrics['test_accuracy'])} of {metrics['test_rows']:,} rows of {judged_on} "
        f"(95 % interval: {percent(low)} to {percent(high)}; {models})"
    )


def _format_classifier(run: dict[str, Any]) -> str:
    model, metrics, encoder = run["model"], run["metrics"], run["config"]["encoder"]
    cell = f" {encoder['cell']}" if encoder["arch"] == "bidirectional" else ""
    networks = f"{model['members']} x {encoder['arch']}{cell}, {encoder['layers']} x {encoder['units']} units"
    parts = [*["a linear model"] * bool(model["linear"]), *[f"networks ({networks})"] * bool(model["members"])]
    labels = [cut(label, 40) for label in run["classes"]]
    columns = [f"{kind} in column {run['table'][key]!r:.60}" for kind, key in COLUMNS if run["table"].get(key)]
    return _aligned(
        [
            ("run", run["run"]),
            ("what", f"classifier, {run['parameters']:,} parameters, {(run['model_bytes'] or 0) / 1e6:.1f} MB"),
            ("holds", " and ".join(parts)),
            ("used", name_of(model["chosen"])),
            ("labels", ", ".join(labels[:20]) + (f" and {len(labels) - 20} more" if len(labels) > 20 else "")),
            ("learnt from", ", ".join([f"{run['table']['rows']:,} rows of {run['table']['name']}", *columns])),
            ("right", _right(metrics)),
            *_origin(run),
        ]
    )


def _format_answerer(run: dict[str, Any]) -> str:
    network, accuracy = run["config"]["network"], run["metrics"].get("accuracy_of", {})
    answers = [cut(answer, 40) for answer in run["answers"]]
    return _aligned(
        [
            ("run", run["run"]),
            ("what", f"answerer, {run['parameters']:,} parameters, {(run['model_bytes'] or 0) / 1e6:.1f} MB"),
            ("network", f"{network['hops']} hops over {network['sentences']} sentences, width {network['embed']}"),
            ("answers", ", ".join(answers[:20]) + (f" and {len(answers) - 20} more" if len(answers) > 20 else "")),
            ("learnt from", f"{run['stories']['questions']:,} questions of {run['stories']['name']}"),
            (
                "right",
                ", ".join(f"{name.replace('_', ' ')} {percent(share)}" for name, share in accuracy.items()) or "-",
            ),
            *_origin(run),
        ]
    )


def format_run(run: dict[str, Any]) -> str:
    """One run for a person: what it is, where it came from, how good it is."""
    if run["kind"] == CLASSIFIER:
        return _format_classifier(run)
    if run["kind"] == TRANSLATOR:
        return _aligned(translator_lines(run) + _origin(run))
    if run["kind"] == ANSWERER:
        return _format_answerer(run)
    config, corpus, metrics = run["config"], run["corpus"], run["metrics"]
    model, data = config["model"], config["data"]
    lines = [
        ("run", run["run"]),
        (
            "what",
            f"language model, {model['arch']}, {model['layers']} x {model['units']} units, "
            f"{run['parameters']:,} parameters, {(run['model_bytes'] or 0) / 1e6:.1f} MB",
        ),
        ("tokens", f"{config['tokenizer']['level']}, {run['vocab_size']:,} in the vocabulary"),
        ("text", "; ".join(f"{file['name']} ({file['bytes']:,} bytes)" for file in corpus["files"])),
        ("learnt from", f"{corpus['train']['chars']:,} characters; {corpus['valid']['chars']:,} held out"),
        ("window", f"{data['window']} tokens, batch {data['batch']}, {data['batching']}"),
    ]
    if documents := Documents.from_json(run["documents"], run["vocab_size"]):
        column = config["documents"]["condition"]
        name, _, words = describe_documents(documents, column).partition(": ")
        lines.append((name, words))
    if metrics:
        bits, nats = metrics["val_bits_per_char"], metrics["val_nats_per_token"]
        loss = f"{bits:.4f} bits per character ({nats:.4f} nats per token), at epoch {metrics['epoch']:.3g}"
        lines.append(("held-out loss", loss))
    return _aligned(lines + _origin(run))
