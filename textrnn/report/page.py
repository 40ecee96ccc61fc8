"""`report.html`: the report as one page that needs nothing else, is never active, and prints well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textrnn.base.files import write_atomically
from textrnn.report.charts import accuracy_picture, learning_picture, reliability_picture
from textrnn.report.classification import counts_in_words, frequent_confusions, is_worth_saying, labels_in_words
from textrnn.report.folds import folds_in_words, folds_table
from textrnn.report.layout import decimals, percent
from textrnn.report.verdict import MAJORITY, name_of
from textrnn.report.web import (
    cell,
    counted,
    escaped,
    isolated,
    kind_of,
    label_of,
    page,
    paragraph,
    scrolling,
    section,
    table,
)

# Labels are heads of the columns of a small confusion matrix, numbers those of a larger one; beyond the last limit a
# matrix is no longer read by anyone, and the most frequent confusions are listed alone.
WITH_LABELS, LARGEST_MATRIX = 8, 40
# From which share of the rows of a class on a cell has the next stronger colour.
RIGHT_STEPS, WRONG_STEPS = (0.5, 0.7, 0.85, 0.95), (0.02, 0.05, 0.1, 0.25)
TERMS = {
    "95 % interval": "Other rows of the same kind would give another figure. In 95 of 100 cases the truth is in here.",
    "precision": "Of the rows that were given this label, how many have it.",
    "recall": "Of the rows that have this label, how many were given it.",
    "F1": "The harmonic mean of precision and recall. Macro F1 is its mean over the labels, however rare.",
    "log-loss": "Mean of -ln(probability of the true label), in nats. Lower is better; sure mistakes cost much.",
    "calibration error": "By how much confidence and share of right rows differ. 0 is best.",
    "ROC-AUC": "The chance that a row of the second label is scored above one of the first. 0.5 is a coin, 1 is best.",
    "McNemar exact p": "How often chance alone makes two equally good models differ by as much.",
}


def write_html(path: Path, report: Mapping[str, Any], *, history: Sequence[Mapping[str, Any]] = ()) -> None:
    """Writes `report.html` in one step: an old one stays whole until the new one is.

    Args:
        path: where to.
        report: see `format_html`.
        history: see `learning_picture`.
    """
    write_atomically(path, format_html(report, history=history).encode())


def format_html(report: Mapping[str, Any], *, history: Sequence[Mapping[str, Any]] = ()) -> str:
    """The report as one HTML page: no script, no request to anywhere, light or dark as the reader prefers.

    Args:
        report: what `--json` prints, see `textrnn.report.classification.format_report`.
        history: passes of the networks for the learning curve, see `learning_picture`.

    Returns:
        the page, to be written as UTF-8.

    Example:
        >>> page = format_html({"table": "<b>.csv: 3 rows"})
        >>> "&lt;b&gt;.csv: 3 rows" in page, "<b>" in page
        (True, False)
    """
    test = report.get("test") or {}
    title = f"Report on {report['table'].partition(':')[0]}" if report.get("table") else "Report on a classifier"
    body = [
        f"<header><h1>{isolated(title)}</h1>{_origin(report)}</header>",
        _result(report),
        _models(report),
        _folds(report.get("folds")),
        _classes(test),
        _confusion(test),
        _confidence(test),
        _learning(history),
        _findings(report.get("findings") or {}),
        _terms(test),
    ]
    return page(title, body)


def _origin(report: Mapping[str, Any]) -> str:
    lines = [isolated(report["table"])] if report.get("table") else []
    if counts := counts_in_words(report.get("rows") or {}):
        lines.append(f"Rows: {escaped(counts)}.")
    if report.get("seconds") is not None:
        lines.append(f"Made in {report['seconds']:,.1f} s.")
    return "".join(paragraph(line, "soft") for line in lines)


def _result(report: Mapping[str, Any]) -> str:
    test = report.get("test")
    if not test:
        return ""
    low, high = test["accuracy_interval"]
    where = f" of {isolated(report['judged_on'])}" if report.get("judged_on") else ""
    chosen = f"; chosen: {escaped(name_of(report['chosen']))}" if report.get("chosen") else ""
    words = [found["words"] for found in report.get("comparisons") or [] if is_worth_saying(found)]
    interval = f"(95 % interval: {percent(low)} to {percent(high)})".replace(" %", "&nbsp;%")
    return (
        f'<div class="result">{paragraph(percent(test["accuracy"]), "large")}'
        f"<p>of {test['rows']:,} rows{where} are right {interval}{chosen}.</p>"
        + "".join(paragraph(escaped(sentence).replace(" %", "&nbsp;%")) for sentence in words)
        + "</div>"
    )


def _models(report: Mapping[str, Any]) -> str:
    models = report.get("models") or {}
    if not models:
        return ""
    two = any(test["roc_auc"] is not None for test in models.values())
    heads = ["model", "accuracy", "95 % interval", "macro F1", "log-loss", "calibration error", *["ROC-AUC"] * two]
    rows = []
    for name, test in models.items():
        low, high = test["accuracy_interval"]
        always = f" (always {isolated(test['label'])})" if name == MAJORITY and "label" in test else ""
        is_chosen = name == report.get("chosen")
        values = [percent(test["accuracy"]), f"{100 * low:.1f} to {100 * high:.1f}"]
        names = ["macro_f1", "log_loss", "calibration_error", *["roc_auc"] * two]
        values += [decimals(test[measure]) for measure in names]
        rows.append(
            f"<tr{kind_of('chosen' if is_chosen else '')}>"
            f'<th scope="row">{escaped(name)}{always}{" (chosen)" if is_chosen else ""}</th>'
            + "".join(cell(value, "n") for value in values)
            + "</tr>"
        )
    return section(
        "Models",
        f"<figure>{accuracy_picture(models, report.get('chosen'))}"
        "<figcaption>Accuracy, with the interval that holds the truth in 95 of 100 cases.</figcaption></figure>",
        table(heads, rows, caption="All measures of each model, on the same rows.", numbers=range(1, len(heads))),
    )


def _folds(folds: Mapping[str, Any] | None) -> str:
    if not folds:
        return ""
    heads, *rows = folds_table(folds)
    body = [
        f'<tr><th scope="row">{escaped(name)}</th>{"".join(cell(one, "n") for one in rest)}</tr>'
        for name, *rest in rows
    ]
    words = paragraph(escaped(folds["words"])) if folds.get("words") else ""
    return section("Folds", words, table(heads, body, caption=folds_in_words(folds), numbers=range(1, len(heads))))


def _classes(test: Mapping[str, Any]) -> str:
    if not test.get("per_class"):
        return ""
    rows = []
    for one in test["per_class"]:
        scores = "".join(cell(decimals(one[name]), "n") for name in ("precision", "recall"))
        bar = f'<span class="bar" aria-hidden="true"><i style="width:{100 * (one["f1"] or 0):.1f}%"></i></span>'
        rows.append(
            f'<tr><th scope="row">{label_of(one["label"])}</th>{scores}'
            f"{cell(decimals(one['f1']) + bar, 'n')}{counted(one['support'])}</tr>"
        )
    heads = ["label", "precision", "recall", "F1", "rows"]
    return section("Labels", table(heads, rows, caption="The chosen model, label by label.", numbers=(1, 2, 3, 4)))


def _confusion(test: Mapping[str, Any]) -> str:
    confusion = test.get("confusion")
    if not confusion:
        return ""
    labels, parts = [one["label"] for one in test["per_class"]], []
    if len(labels) <= LARGEST_MATRIX:
        parts.append(_matrix(confusion, labels))
    if len(labels) > WITH_LABELS and (frequent := frequent_confusions(confusion, labels)):
        rows = [
            f"<tr>{cell(label_of(true))}{cell(label_of(other))}{counted(count)}</tr>" for true, other, count in frequent
        ]
        parts.append(table(["label", "taken for", "rows"], rows, caption="Most frequent confusions.", numbers=[2]))
    return section("Confusion", *parts) if parts else ""


def _matrix(confusion: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    is_small = len(labels) <= WITH_LABELS
    heads = "".join(
        f'<th scope="col">{label_of(label)}</th>'
        if is_small
        else f'<th scope="col" title="{escaped(label)}">{number}</th>'
        for number, label in enumerate(labels, 1)
    )
    rows = []
    for true, counts in enumerate(confusion):
        number = "" if is_small else f"<b>{true + 1}</b>"
        cells = "".join(_matrix_cell(confusion, labels, true, other) for other in range(len(counts)))
        rows.append(f'<tr><th scope="row">{number}{label_of(labels[true])}</th>{cells}</tr>')
    caption = "Labels in the file down, predictions across. Blue is right, orange a mistake; the stronger, the larger "
    caption += "its share of the row." + ("" if is_small else " Columns are numbered as the rows are.")
    kind = "confusion" if is_small else "confusion dense"
    return scrolling(
        f'<table class="{kind}"><thead><tr><td></td>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>',
        caption,
    )


def _matrix_cell(confusion: Sequence[Sequence[int]], labels: Sequence[str], true: int, other: int) -> str:
    count, support = confusion[true][other], sum(confusion[true])
    if not count:
        return "<td></td>" if len(labels) > WITH_LABELS else "<td>0</td>"
    name, steps = ("right", RIGHT_STEPS) if true == other else ("wrong", WRONG_STEPS)
    step = sum(count / support >= limit for limit in steps)
    told = f"{labels[true]} → {labels[other]}: {count:,} of {support:,} rows ({percent(count / support)})"
    return f'<td class="{name}{step}" title="{escaped(told)}">{count:,}</td>'


def _confidence(test: Mapping[str, Any]) -> str:
    bins = test.get("reliability")
    if not bins:
        return ""
    rows = [
        f"<tr>{cell(percent(one['confidence']), 'n')}{cell(percent(one['accuracy']), 'n')}{counted(one['rows'])}</tr>"
        for one in bins
    ]
    return section(
        "Confidence",
        paragraph(
            "On the dashed line, a model that says 80 % is right in 80 of 100 rows; below it, it is too sure. Upright "
            "lines are 95 % intervals: where there are few rows, they are long.",
            "soft",
        ),
        f'<div class="side"><figure>{reliability_picture(bins)}</figure>',
        table(["says", "is right", "rows"], rows, caption="The same in figures.", numbers=(0, 1, 2)),
        "</div>",
    )


def _learning(history: Sequence[Mapping[str, Any]]) -> str:
    picture = learning_picture(history)
    if not picture:
        return ""
    return section(
        "Learning",
        f"<figure>{picture}<figcaption>Loss of each network on the rows it learns from, of which dropout hides a part. "
        "It says that learning went on, not how good the result is: that is above.</figcaption></figure>",
    )


def _findings(findings: Mapping[str, Any]) -> str:
    parts = []
    if wrong := findings.get("surest_wrong"):
        parts.append(_rows("Surest and wrong", wrong, "Predicted wrongly with the most confidence, surest first."))
    if (suspected := findings.get("suspected_labels")) and suspected["count"]:
        caption = (
            f"{suspected['count']:,} of {suspected['rows']:,} labels contradict a model that was sure of another one. "
            f"Here {'are' if len(suspected['listed']) != 1 else 'is'} {len(suspected['listed'])}: "
            "read them, they are not proven wrong."
        )
        parts.append(_rows("Labels that may be wrong", suspected["listed"], caption))
    if (twice := findings.get("duplicates")) and (twice["conflicts"] or twice["exact"]):
        parts.append(_duplicates(twice))
    return section("Rows worth a look", *parts) if parts else ""


def _rows(title: str, rows: Sequence[Mapping[str, Any]], caption: str) -> str:
    heads = ["row", "label", "predicted", "confidence", "text"]
    found = []
    for one in rows:
        values = [str(one["row"]), label_of(one["label"]), label_of(one["predicted"]), percent(one["confidence"])]
        kinds = ["n", "", "", "n"]
        cells = "".join(map(cell, values, kinds, heads))
        found.append(f"<tr>{cells}{cell(isolated(one['text']), 'text')}</tr>")
    return f"<h3>{escaped(title)}</h3>" + table(heads, found, caption=caption, numbers=(0, 3), kind="stack")


def _duplicates(twice: Mapping[str, Any]) -> str:
    rows = []
    for one in twice["listed"]:
        numbers, labels = ", ".join(map(str, one["rows"])), ", ".join(labels_in_words(one["labels"]))
        cells = cell(numbers, "few", "rows") + cell(isolated(labels), "few") + cell(isolated(one["text"]), "text")
        rows.append(f"<tr>{cells}</tr>")
    repeated = paragraph(f"{twice['exact']:,} rows repeat an earlier text.")
    found = f"<h3>Texts that occur more than once</h3>{repeated}"
    if not rows:
        return found
    caption = (
        f"{twice['conflicts']:,} texts have different labels, in {twice['conflicting_rows']:,} rows; "
        f"the first {len(rows)} of them."
    )
    return found + table(["rows", "labels", "text"], rows, caption=caption, kind="stack")


def _terms(test: Mapping[str, Any]) -> str:
    if not test:
        return ""
    terms = {name: words for name, words in TERMS.items() if name != "ROC-AUC" or test.get("roc_auc") is not None}
    pairs = "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(words)}</dd>" for name, words in terms.items())
    return section("What the measures mean", f"<dl>{pairs}</dl>")
