"""The report of a classifier as plain text: how good it is, and which rows deserve a look."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from textrnn.report.comparison import folds_in_words, folds_table, shown_metrics
from textrnn.report.differences import is_worth_saying, name_of
from textrnn.report.layout import align, cut, decimals, num_columns, percent, printable

COLUMNS = 100
FEW = 100  # rows that tell little
WIDE = 0.15  # of an interval: from here on it is said in words that it is wide
# What a table of labels shows of each, with its heads; the last ones are there where a row can have several labels.
LABEL_SCORES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "average_precision": "average precision",
    "threshold": "threshold",
}
# A larger confusion matrix does not fit a terminal: the most frequent confusions are listed instead.
LARGEST_MATRIX = 8
NUM_CONFUSIONS = 15
# With fewer columns left than this, a text stands on a line of its own.
NARROWEST_TEXT = 28
MOST_PLACES = 3  # rows with the same text that are named


def format_report(report: Mapping[str, Any], *, columns: int = COLUMNS, is_whole: bool = True) -> str:
    """The report for a terminal: plain lines without escape codes.

    Args:
        report: what `--json` prints: `table` (the line on the file), `rows` (counts by name), `from` (see
            `began_in_words`), `split` (its `words`), `judged_on` (in words), `chosen`, `choice` (why, in words),
            `test`, `models`, `comparisons` (see `compare_models`), `findings` (see `textrnn.classifier.findings`),
            `folds` (see `over_folds`), `run`, `output` and `seconds`. What is missing is left out.
        columns: the width of lines with texts of the file.
        is_whole: whether all of it is wanted, or the verdict and where the rest is.

    Returns:
        the text, with a line end at its end.

    Example:
        >>> test = dict(rows=10, accuracy=0.8, accuracy_interval=[0.49, 0.943])
        >>> print(format_report(dict(table="a.csv: 10 rows", chosen="linear", test=test, seconds=1.23)), end="")
        a.csv: 10 rows
        <BLANKLINE>
        chosen: the linear model
        80.0 % of 10 rows are right (95 % interval: 49.0 % to 94.3 %)
        that is a wide range, because 10 rows are few: take the figure for a hint; more labelled rows make it sure
        <BLANKLINE>
        1.2 s
    """
    test = report.get("test") or {}
    if not is_whole:
        sections = [[*_origin(report), *_headline(report, columns)], _closing(report, more=", or --verbose")]
        return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"
    sections = [
        _origin(report),
        _headline(report, columns),
        _models(report),
        _folds(report.get("folds"), columns),
        format_classes(test),
        _confusion(test),
        _reliability(test),
        *_findings(report.get("findings") or {}, columns),
        _closing(report),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _origin(report: Mapping[str, Any]) -> list[str]:
    lines = [printable(report["table"])] if report.get("table") else []
    if counts := counts_in_words(report.get("rows") or {}):
        lines.append(f"rows: {counts}")
    if report.get("split"):
        lines.append(f"split {printable(report['split']['words'])}")
    if report.get("from"):
        lines.append(printable(began_in_words(report["from"])))
    return lines


def began_in_words(start: Mapping[str, Any]) -> str:
    """What the networks of a classifier began with.

    Args:
        start: `run` (its path), `kind`, `learnt` (what from, in words) and `output` (whether its last layer is theirs).

    Example:
        >>> began_in_words(dict(run="models/a", kind="classifier", learnt="9 rows of a.csv", output=True))
        'begun with the networks of models/a; rows that were among its 9 rows of a.csv are no test'
    """
    if start["kind"] == "language_model":
        return f"begun with the vectors and the first layer of {start['run']}, a language model of {start['learnt']}"
    last = "" if start["output"] else ", but for the last layer, as it has other labels"
    return f"begun with the networks of {start['run']}{last}; rows that were among its {start['learnt']} are no test"


def counts_in_words(rows: Mapping[str, Any]) -> str:
    """Counts of rows as a list: those that are not 0, with the rows they are in where these are given.

    Args:
        rows: counts by name; `NAME_rows` may hold the first row numbers that `NAME` counts.

    Example:
        >>> counts_in_words(dict(used=1470, unlabelled=0, empty=2, empty_rows=[17, 1030]))
        '1,470 used, 2 empty (17, 1030)'
    """
    words = []
    for name, count in rows.items():
        if not isinstance(count, int) or not count:
            continue
        listed = rows.get(f"{name}_rows")
        where = f" ({', '.join(map(str, listed))}{', ...' if len(listed) < count else ''})" if listed else ""
        words.append(f"{count:,} {name.replace('_', ' ')}{where}")
    return ", ".join(words)


def _headline(report: Mapping[str, Any], columns: int) -> list[str]:
    test, lines = report.get("test"), []
    if report.get("chosen"):
        lines.append(f"chosen: {name_of(report['chosen'])}")
        lines += textwrap.wrap(report.get("choice") or "", columns)
    if test:
        where = f" of {printable(report['judged_on'])}" if report.get("judged_on") else ""
        lines += result_in_words(test, f"{test['rows']:,} rows{where}")
    for found in report.get("comparisons") or []:
        if is_worth_saying(found):
            lines += textwrap.wrap(found["words"], columns)
    return lines


def result_in_words(test: Mapping[str, Any], rows: str) -> list[str]:
    """How good predictions are, in a line or two.

    Args:
        test: all metrics, of any kind of labels.
        rows: what they were measured on, in words.

    Example:
        >>> interval = dict(share=0.9, half_width=1.2, covered=0.88)
        >>> test = dict(rows=9, mae=0.5, rmse=0.7, r2=0.81, spearman=0.9, interval=interval)
        >>> result_in_words(test, "9 rows of a.csv")[0]
        '9 rows of a.csv: off by 0.5 on average (root mean square 0.7), R2 0.810, Spearman 0.900'
    """
    rest = [f"{test['rows']:,} rows are few: on others these figures may be quite different"] * (test["rows"] <= FEW)
    if "micro_f1" in test:
        return [
            f"{rows.removesuffix(',')}: micro F1 {decimals(test['micro_f1'])}, macro F1 {decimals(test['macro_f1'])}; "
            f"{percent(test['subset_accuracy'])} have all labels right",
            *rest,
        ]
    if "rmse" in test:
        interval = test["interval"]
        return [
            f"{rows.removesuffix(',')}: off by {test['mae']:.4g} on average (root mean square {test['rmse']:.4g}), "
            f"R2 {decimals(test['r2'])}, Spearman {decimals(test['spearman'])}",
            f"{percent(interval['share'])} of all numbers are expected within ± {interval['half_width']:.4g} of the "
            f"prediction; of these rows {percent(interval['covered'])} are",
            *rest,
        ]
    low, high = test["accuracy_interval"]
    lines = [
        f"{percent(test['accuracy'])} of {rows} are right (95 % interval: {percent(low)} to {percent(high)})",
    ]
    if "cost" in test:
        lines.append(cost_in_words(test["cost"]))
    if high - low > WIDE:
        lines.append(
            f"that is a wide range, because {test['rows']:,} rows are few: take the figure for a hint; more labelled "
            "rows make it sure"
        )
    if "mae" in test:
        lines.append(
            f"off by {test['mae']:.3f} on average; quadratic weighted kappa {decimals(test['quadratic_kappa'])}, "
            f"Spearman {decimals(test['spearman'])}"
        )
    return lines


def cost_in_words(cost: Mapping[str, Any]) -> str:
    """What errors cost, with the thresholds that were chosen for it and without them.

    Example:
        >>> cost = {"costs": {"no": 1.0, "yes": 5.0}, "thresholds": {"no": 0.8333, "yes": 0.1667}, "with": 0.3}
        >>> cost_in_words({**cost, "without": 0.5})
        "costs: 5 for a row of 'yes' that is wrong, 1 for 'no'; 'yes' from 16.7 % on: 0.300 a row, without that 0.500"
    """
    costs, thresholds = cost["costs"], cost["thresholds"]
    high, low = sorted(costs, key=lambda name: -costs[name])
    return (
        f"costs: {costs[high]:g} for a row of {high!r:.40} that is wrong, {costs[low]:g} for {low!r:.40}; {high!r:.40} "
        f"from {percent(thresholds[high])} on: {cost['with']:.3f} a row, without that {cost['without']:.3f}"
    )


def models_table(models: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """The metrics of all models as the cells of a table, with its heads first."""
    shown = shown_metrics(models)
    intervals = ["95 % interval"] * ("accuracy" in shown)
    rows = [["model", *[head for name, head in shown.items() if name == "accuracy"], *intervals]]
    others = [name for name in shown if name != "accuracy"]
    rows[0] += [shown[name] for name in others]
    for name, test in models.items():
        first = list[str]()
        if intervals:
            low, high = test["accuracy_interval"]
            first = [percent(test["accuracy"]), f"{100 * low:.1f} to {100 * high:.1f}"]
        rows.append([name, *first, *(decimals(test[metric]) for metric in others)])
    return rows


def _models(report: Mapping[str, Any]) -> list[str]:
    models = report.get("models") or {}
    if not models:
        return []
    heads, *rows = models_table(models)
    for row in rows:
        label = models[row[0]].get("label")
        chosen = " *" if row[0] == report.get("chosen") else ""
        row[0] += chosen if label is None else f" (always {cut(label, 20)}){chosen}"
    return align([heads, *rows], right=range(1, len(heads)), indent=0)


def _folds(folds: Mapping[str, Any] | None, columns: int) -> list[str]:
    if not folds:
        return []
    words = [line for key in (folds_in_words(folds), folds.get("words")) if key for line in textwrap.wrap(key, columns)]
    cells = folds_table(folds)
    return [*words, *align(cells, right=range(1, len(cells[0])), indent=0)]


def _closing(report: Mapping[str, Any], more: str = "") -> list[str]:
    """What was left where, and how long it took; `more` is where else there is more to read."""
    lines = []
    if report.get("run"):
        lines.append(f"saved: {printable(report['run'])} ({_what_is_there(more)})")
    if report.get("output"):
        filled = f"{report['filled']:,} labels" if "filled" in report else "--fill puts labels into empty cells too"
        output = report["output"] if isinstance(report["output"], str) else ", ".join(report["output"])
        lines.append(f"filled in: {printable(output)} (see column {report.get('column')}; {filled})")
    if report.get("errors"):
        number = report["num_errors"]
        lines.append(f"likely wrong labels: {printable(report['errors'])} ({number:,} row{'s' * (number != 1)})")
    if report.get("explained"):
        lines.append(f"explained: {printable(report['explained'])}")
    return [*lines, f"{report['seconds']:,.1f} s"] if "seconds" in report else lines


def _what_is_there(more: str) -> str:
    return f"the whole report: report.html in it{more}" if more else "report.html in it is this report, with pictures"


def format_classes(test: Mapping[str, Any]) -> list[str]:
    """The lines of a table of labels: precision, recall, F1 and rows of each; of several a row also the threshold."""
    labels = test.get("per_class") or test.get("per_label")
    if not labels:
        return []
    shown = label_scores(test)
    rows = [["label", *shown.values(), "rows"]]
    for one in labels:
        rows.append([cut(one["label"], 40), *(decimals(one[name]) for name in shown), f"{one['support']:,}"])
    return align(rows, right=range(1, len(rows[0])), indent=0)


def label_scores(test: Mapping[str, Any]) -> dict[str, str]:
    """What a table of labels shows of each, with its heads."""
    labels = test.get("per_class") or test.get("per_label") or [{}]
    return {name: head for name, head in LABEL_SCORES.items() if name in labels[0]}


def _confusion(test: Mapping[str, Any]) -> list[str]:
    if not test.get("confusion"):
        return []
    labels = [one["label"] for one in test["per_class"]]
    if len(labels) > LARGEST_MATRIX:
        confusions = frequent_confusions(test["confusion"], labels)
        rows = [[cut(true, 30), "taken for", cut(other, 30), f"{count:,}"] for true, other, count in confusions]
        return ["most frequent confusions:", *align(rows, right=(3,))] if rows else []
    rows = [["", *(cut(label, 12) for label in labels)]]
    rows += [[cut(label, 30), *map("{:,}".format, row)] for label, row in zip(labels, test["confusion"], strict=True)]
    return ["confusion (labels down, predictions across):", *align(rows, right=range(1, len(labels) + 1))]


def frequent_confusions(
    confusion: Sequence[Sequence[int]], labels: Sequence[str], limit: int = NUM_CONFUSIONS
) -> list[tuple[str, str, int]]:
    """The pairs of classes that are taken for each other most often: true label, predicted label, rows.

    Example:
        >>> frequent_confusions([[5, 2, 0], [1, 5, 0], [0, 3, 5]], ["a", "b", "c"])
        [('c', 'b', 3), ('a', 'b', 2), ('b', 'a', 1)]
    """
    found = [
        (count, true, other)
        for true, row in enumerate(confusion)
        for other, count in enumerate(row)
        if count and true != other
    ]
    found.sort(key=lambda one: (-one[0], one[1:]))
    return [(labels[true], labels[other], count) for count, true, other in found[:limit]]


def _reliability(test: Mapping[str, Any]) -> list[str]:
    if not test.get("reliability"):
        return []
    rows = [["says", "is right", "rows"]]
    for one in test["reliability"]:
        rows.append([percent(one["confidence"]), percent(one["accuracy"]), f"{one['rows']:,}"])
    return ["how sure it is, and how often that is right:", *align(rows, right=(0, 1, 2))]


def _findings(findings: Mapping[str, Any], columns: int) -> list[list[str]]:
    sections = []
    if wrong := findings.get("surest_wrong"):
        sections.append(["surest and wrong:", *_listed(wrong, columns)])
    if (suspected := findings.get("suspected_labels")) and suspected["count"]:
        first = _first(len(suspected["listed"]), suspected["count"])
        title = f"labels that may be wrong, {suspected['count']:,} of {suspected['rows']:,}{first}:"
        sections.append([title, *_listed(suspected["listed"], columns)])
    if twice := findings.get("duplicates"):
        if twice["conflicts"]:
            title = conflicts_in_words(twice) + _first(len(twice["listed"]), twice["conflicts"])
            sections.append([f"{title}:", *_conflicts(twice["listed"], columns)])
        if twice["exact"]:
            sections.append([repeats_in_words(twice)])
    return sections


def _first(num_listed: int, count: int) -> str:
    return f" (the first {num_listed})" if num_listed < count else ""


def sure_in_words(one: Mapping[str, Any]) -> str:
    """How sure a model is of its prediction, or how far a number is from it.

    Example:
        >>> sure_in_words({"confidence": 0.9, "worst": "tea", "status": "missing"})
        '90.0 % (tea missing)'
        >>> sure_in_words({"difference": -2.5, "half_width": 0.75})
        '-2.5 (interval ± 0.75)'
    """
    if "difference" in one:
        return f"{one['difference']:+.4g} (interval ± {one['half_width']:.4g})"
    return percent(one["confidence"]) + (f" ({cut(one['worst'], 20)} {one['status']})" if "worst" in one else "")


def suspects_in_words(found: Mapping[str, Any]) -> str:
    """What labels that may be wrong are, and how many of them are listed.

    Example:
        >>> suspects_in_words({"count": 2, "rows": 1200, "listed": [{"difference": 3.0}]})
        '2 of 1,200 numbers are far outside of their interval. Here is 1: read them, they are not proven wrong.'
    """
    listed = found["listed"]
    what = "labels contradict a model that was sure of another one"
    if "difference" in listed[0]:
        what = "numbers are far outside of their interval"
    elif "worst" in listed[0]:
        what = "rows have a label, or lack one, against a model that was sure of the contrary"
    return (
        f"{found['count']:,} of {found['rows']:,} {what}. Here {'is' if len(listed) == 1 else 'are'} {len(listed)}: "
        "read them, they are not proven wrong."
    )


def conflicts_in_words(twice: Mapping[str, Any]) -> str:
    """How many texts have different labels.

    Example:
        >>> conflicts_in_words(dict(conflicts=1, conflicting_rows=2))
        '1 text has different labels, in 2 rows'
    """
    count = twice["conflicts"]
    return f"{count:,} text{' has' if count == 1 else 's have'} different labels, in {twice['conflicting_rows']:,} rows"


def repeats_in_words(twice: Mapping[str, Any]) -> str:
    """How many rows have the text of an earlier row."""
    count = twice["exact"]
    return f"{count:,} row{' repeats' if count == 1 else 's repeat'} the text of an earlier row"


def _listed(rows: Sequence[Mapping[str, Any]], columns: int) -> list[str]:
    cells = [
        [place_in_words(one), cut(one["label"], 20), "->", cut(one["predicted"], 20), sure_in_words(one)]
        for one in rows
    ]
    return _with_texts(align(cells, right=(0, 4)), [one["text"] for one in rows], columns)


def place_in_words(one: Mapping[str, Any]) -> str:
    """Where a row is.

    Example:
        >>> place_in_words({"row": 12, "line": 14}), place_in_words({"row": 12})
        ('row 12 (line 14)', 'row 12')
    """
    file = f"{one['file']} " if "file" in one else ""
    return f"{file}row {one['row']}" + (f" (line {one['line']})" if "line" in one else "")


def places_in_words(one: Mapping[str, Any]) -> str:
    """Where the first of some rows are: their files, if there are several, their numbers, and their lines if known.

    Example:
        >>> places_in_words({"rows": [3, 7], "lines": [4, 9]})
        'rows 3, 7 (lines 4, 9)'
    """
    named = [f"{file} {row}" for file, row in zip(one.get("files", ()), one["rows"], strict=False)]
    rows = f"rows {_some(named or one['rows'])}"
    return f"{rows} (lines {_some(one['lines'])})" if "lines" in one else rows


def _some(numbers: Sequence[int | str]) -> str:
    return ", ".join(map(str, numbers[:MOST_PLACES])) + ", ..." * (len(numbers) > MOST_PLACES)


def _conflicts(listed: Sequence[Mapping[str, Any]], columns: int) -> list[str]:
    cells = [[places_in_words(one), ", ".join(labels_in_words(one["labels"]))] for one in listed]
    return _with_texts(align(cells), [one["text"] for one in listed], columns)


def labels_in_words(counts: Mapping[str, int], limit: int = 3) -> list[str]:
    """The most frequent labels of a text, with how often each is given.

    Example:
        >>> labels_in_words({"bad": 1, "good": 2, "mixed": 1, "none": 1})
        ['2 good', '1 bad', '1 mixed', '1 more label']
    """
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    rest = len(ordered) - limit
    more = [f"{rest} more label{'s' * (rest > 1)}"] if rest > 0 else []
    return [f"{count} {cut(label, 20)}" for label, count in ordered[:limit]] + more


def _with_texts(lines: list[str], texts: Sequence[str], columns: int) -> list[str]:
    """Each line with as much of its text as fits: beside it if there is room, else below it."""
    room = columns - max(num_columns(line) for line in lines) - 2
    if room < NARROWEST_TEXT:
        pairs = zip(lines, texts, strict=True)
        return [row for line, text in pairs for row in ("  " + cut(line, columns - 2), "    " + cut(text, columns - 4))]
    return align([[line, cut(text, room)] for line, text in zip(lines, texts, strict=True)], indent=0)
