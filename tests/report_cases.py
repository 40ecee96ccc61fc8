"""A report with everything in it, of texts and labels that try to break out of it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from textrnn.classifier.data import Rows
from textrnn.classifier.findings import duplicates, surest_wrong, suspected_labels
from textrnn.classifier.kinds import Classes
from textrnn.report import html
from textrnn.report.comparison import Judged, compare_models

TEMPLATES = Path(html.__file__).parent / "templates"
STYLE = (TEMPLATES / "style.css").read_text(encoding="utf-8")
# The colours of light and of dark pages, by name.
COLOURS = [dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in STYLE.split("@media", 2)[:2]]
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
EVIL = "<script>alert(\"x\")</script>&<b title='y'>"
TEXTS = [
    "The room was cold",
    "房间很干净，服务员态度也好",
    EVIL,
    "line one\nline two\r\n\x1b[31mred\x00 \u202eturned \ud800",
    "the ROOM was  cold",
    "とても良い",
]
VOID = {"meta", "br", "input", "circle", "line", "rect", "path", "polyline"}
LONG = "一个非常非常非常非常长的标签名字，不应该把表格撑破"


class Strict(HTMLParser):
    """Reads a page, and insists that elements end as they began."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.words, self.attributes = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, *attr) for attr in attrs]
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in {tag}"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, *attr) for attr in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def labels_named(num_classes):
    """Names of classes: Chinese, long, and one with markup."""
    return ["负面", EVIL, LONG, *(f"class {k}" for k in range(3, num_classes))][:num_classes]


def predictions(labels, num_classes, skill, seed):
    """Probabilities that know the labels somewhat."""
    rng = np.random.default_rng(seed)
    found = rng.dirichlet(np.ones(num_classes), len(labels))
    found[np.arange(len(labels)), labels] += 2 * skill / num_classes
    return found / found.sum(1, keepdims=True)


def full_report(num_classes=3, rows=120):
    """What `classify --json` prints."""
    classes, labels = labels_named(num_classes), np.arange(rows) % num_classes
    parts = {name: predictions(labels, num_classes, skill, k) for k, (name, skill) in enumerate(
        [("rnn", 0.5), ("linear", 0.5), ("combined", 0.7)]
    )}  # fmt: skip
    texts = [TEXTS[k] for k in np.random.default_rng(7).integers(0, len(TEXTS), rows)]
    written = Rows(texts, labels, np.arange(1, rows + 1))
    judged = {name: Judged(said, np.zeros((rows, 0))) for name, said in parts.items()}
    return dict(
        table=f"{EVIL}.csv: 1,470 rows, comma, text in column '{EVIL}'",
        rows=dict(used=1200, unlabelled=270, empty=2, empty_rows=[17, 1030], truncated=0),
        judged_on=EVIL,
        **compare_models(Classes(classes), labels, judged, chosen="combined", learnt_labels=labels),
        findings=dict(
            surest_wrong=surest_wrong(written, parts["rnn"], Classes(classes), limit=12),
            suspected_labels=suspected_labels(written, parts["rnn"], Classes(classes), limit=12),
            duplicates=duplicates(written, classes, limit=12),
        ),
        seconds=61.25,
    )


def contrast(first, second):
    """How far two colours are apart, from 1, as in the Web Content Accessibility Guidelines 2.1."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    """Relative luminance of `#rrggbb`, from 0 to 1."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
