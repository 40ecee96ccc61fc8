"""The page: well formed, whole by itself, never active, readable in light and dark."""

import configparser
import html
import itertools
import re
import subprocess
import sys

import pytest
from cli_fixtures import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from report_cases import (
    COLOURS,
    EVIL,
    LONG,
    POLICY,
    STYLE,
    TEXTS,
    Strict,
    contrast,
    full_report,
    labels_named,
    luminance,
)

from textrnn.report.charts import accuracy_chart, learning_chart, reliability_chart, ticks
from textrnn.report.html import Span, render
from textrnn.report.html_report import LARGEST_MATRIX, format_html, write_html

KNOWN = {"html", "head", "meta", "title", "style", "body", "main", "header", "section", "div", "p", "h1", "h2", "h3"}
KNOWN |= {"table", "thead", "tbody", "tr", "th", "td", "b", "i", "bdi", "span", "dl", "dt", "dd", "figure"}
KNOWN |= {"figcaption", "svg", "text", "g", "line", "circle", "path", "rect", "polyline"}
HISTORY = [
    dict(network=network, epoch=float(k), train_nats=network / k, seconds=1.5 * k)
    for network in range(1, 6)
    for k in range(1, 5)
]
SIZES = [2, 3, 30, 60]  # with and without ROC-AUC, a small and a dense matrix, none


@pytest.fixture(scope="module", params=SIZES)
def page(request):
    return format_html(full_report(request.param), history=HISTORY)


def test_format_html_is_well_formed_and_has_only_what_it_should(page):
    found = Strict(page)
    assert set(found.elements) <= KNOWN and found.elements.count("main") == 1 == found.elements.count("h1")
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    page.encode()


def test_format_html_is_never_active(page):
    found = Strict(page)
    assert not {"script", "iframe", "object", "embed", "form", "a", "img", "link", "base"} & set(found.elements)
    for tag, name, value in found.attributes:
        assert not name.startswith("on") and name not in ("href", "src", "srcset", "xlink:href"), (tag, name)
        assert name != "style" or re.fullmatch(r"width:\d+\.\d%", value)
    assert "url(" not in page and "@import" not in page and "javascript:" not in page
    assert ("meta", "content", POLICY) in found.attributes and "default-src 'none'" in POLICY
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_format_html_shows_texts_as_they_are(page):
    words = " ".join(Strict(page).words)
    assert EVIL in words and "负面" in words and TEXTS[1] in words
    assert "\x1b" not in page and "\x00" not in page and "\ud800" not in page and "[31mred\ufffd" in page


def test_format_html_tables_are_whole(page):
    for part in re.findall("<table.*?</table>", page, re.S):
        widths = {len(re.findall("<t[hd][ >]", row)) for row in re.findall("<tr.*?</tr>", part, re.S)}
        assert len(widths) == 1


def test_format_html_has_a_way_to_each_picture_and_table_without_eyes(page):
    found = Strict(page)
    regions = [value for tag, name, value in found.attributes if tag == "div" and name == "aria-label"]
    assert all(regions) and len(regions) == page.count("<table")
    assert all(re.search(r'<svg role="img" aria-label="[^"]{20,}"', one) for one in re.findall("<svg[^>]*>", page))
    heads = re.findall("<h([1-6])", page)
    assert heads[0] == "1" and all(int(b) - int(a) <= 1 for a, b in itertools.pairwise(heads))


@pytest.mark.parametrize("num_classes", SIZES)
def test_format_html_confusion_matrix(num_classes):
    report = full_report(num_classes)
    page = format_html(report)
    cells = re.findall(r'<td class="(right|wrong)(\d)" title="([^"]*)">([\d,]+)</td>', page)
    filled = sum(count > 0 for row in report["test"]["confusion"] for count in row)
    assert len(cells) == (filled if num_classes <= LARGEST_MATRIX else 0)
    assert ("Most frequent confusions" in page) == (num_classes > 8)
    for name, step, title, count in cells:
        true, other = html.unescape(title).rsplit(": ", 1)[0].split(" → ")
        assert (true == other) == (name == "right") and int(step) < 5
        labels = labels_named(num_classes)
        assert report["test"]["confusion"][labels.index(true)][labels.index(other)] == int(count)


def test_format_html_of_little_is_a_page():
    for report in ({}, dict(findings={}), dict(seconds=0.0), dict(test=full_report(2)["test"])):
        Strict(format_html(report))
    assert "Report on a classifier" in format_html({})


def test_write_html_replaces_the_old_page(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_html(path, full_report(2), history=HISTORY)
    text = path.read_text(encoding="utf-8")
    assert text == format_html(full_report(2), history=HISTORY) and text.count("<svg") == 3
    assert [child.name for child in tmp_path.iterdir()] == ["report.html"]


# ---------------------------------------------------------------- pieces


def page_of(text):
    """A page in which a text stands in an element, in an attribute and in the data of the script."""
    parts = [(dict(label=""), [Span(text, "right1", text)])]
    rows = [(dict(number=1, text=text, predicted="x", sure="", label=None, remark=""), parts)]
    return render("explained.html", title="t", shown="s", run="r", limits=(), meaning=("", "", ""), odds="", rows=rows)


@settings(deadline=None)
@given(st.text() | st.sampled_from([EVIL, "{{ 7 * 7 }}{% raw %}{# x #}", "</style><!--", "'\"\x00\ud800\uffff"]))
def test_render_shows_a_text_as_it_is(text):
    found = Strict(page_of(f"<<{text}>>"))
    assert found.elements[-1] == "mark" and found.attributes[-1][:2] == ("mark", "title")
    inside = "".join(found.words).partition("<<")[2].rpartition(">>")[0]
    expected = re.sub("\r\n?", "\n", text)
    for one in (inside, found.attributes[-1][2][2:-2]):
        assert len(one) == len(expected)
        assert all(a == b or b == "\ufffd" for a, b in zip(expected, one, strict=True))
        one.encode()


@pytest.mark.parametrize(
    ("text", "language"), [("好", "zh"), ("良い", "ja"), ("좋다", "ko"), ("good", None), ("good 好", "zh"), ("", None)]
)
def test_page_names_the_language_of_its_glyphs(text, language):
    attributes = Strict(page_of(text)).attributes
    assert [value for tag, name, value in attributes if (tag, name) == ("p", "lang")] == [language] * bool(language)


def test_labels_are_kept_in_one_line_if_they_are_short():
    page = format_html(dict(test=full_report(3)["test"]))
    assert '<bdi class="short" lang="zh">负面</bdi>' in page and f'<bdi class="long" lang="zh">{LONG}</bdi>' in page


def test_a_page_needs_jinja2_and_nothing_else_does():
    code = (
        "import sys; sys.modules['jinja2'] = None\n"
        "from textrnn.base.errors import TextRNNError\n"
        "from textrnn.report import html_report\n"
        "import textrnn.cli.main, textrnn.classifier.predict_file, textrnn.inspect.cells, textrnn.inspect.attention\n"
        "try: html_report.format_html({})\n"
        "except TextRNNError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "pages are made with Jinja2, which is not installed: pip install Jinja2\n", done.stderr


def test_setup_packs_all_files_beside_the_modules():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = setup["options.package_data"].items()
    packed = {path for package, pattern in patterns for path in (ROOT / package.replace(".", "/")).glob(pattern)}
    there = {path for path in (ROOT / "textrnn").rglob("*.*") if path.suffix not in (".py", ".pyc", ".pyi")}
    assert there <= packed and len(packed) >= 9


# ---------------------------------------------------------------- charts


def marks_of(chart, tag):
    return [attributes for name, attributes, _ in chart.marks if name == tag]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.9, 1, [0.9, 0.92, 0.94, 0.96, 0.98, 1]),
        (2, 13, [2.5, 5, 7.5, 10, 12.5]),
        (3, 3, [3]),
    ],
)
def test_ticks_by_hand(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def test_accuracy_chart_places_dots_in_scale():
    test = dict(accuracy=0.5, accuracy_interval=[0.4, 0.6])
    found = accuracy_chart(dict(rnn=test, majority=dict(accuracy=0.1, accuracy_interval=[0.05, 0.15])), "rnn")
    assert [dot["cx"] for dot in marks_of(found, "circle")] == [238]  # the middle of 92 and 384
    assert len(marks_of(found, "path")) == 1 and "10.0 %" in [text for *_, text in found.marks]  # it is pointed to
    assert found.title.endswith("rnn 50.0 %, majority 10.0 %")
    same = accuracy_chart(dict(rnn=test, majority=test), "rnn")
    assert len(marks_of(same, "circle")) == 2 and not marks_of(same, "path")


def test_accuracy_chart_of_a_majority_that_reaches_in():
    test = dict(accuracy=0.5, accuracy_interval=[0.4, 0.6])
    found = accuracy_chart(dict(rnn=test, majority=dict(accuracy=0.3, accuracy_interval=[0.1, 0.45])), "rnn")
    assert len(marks_of(found, "circle")) == 1 and not marks_of(found, "path")
    assert marks_of(found, "line")[-1]["x1"] == 92


def test_reliability_chart_places_points():
    bins = [
        dict(low=0.4, high=0.6, rows=3, confidence=0.55, accuracy=0.0),
        dict(low=0.8, high=1.0, rows=30, confidence=0.85, accuracy=0.5),
    ]
    found = reliability_chart(bins)
    few, many = marks_of(found, "circle")
    assert many == {"cx": 330, "cy": 162, "r": 7, "class": "dot"}  # 60 + (0.85 - 0.4) / 0.6 * 360, 312 - 150
    assert (few["cx"], few["cy"], few["class"]) == (150, 312, "faint")
    assert marks_of(found, "polyline")[0]["points"] == "330.0,162.0"  # three rows are too few for the line
    wide = reliability_chart([dict(bins[0], low=0.0, high=0.2, confidence=0.1), bins[1]])
    assert marks_of(wide, "circle")[0]["cx"] == 96


def test_learning_chart_has_a_line_for_each_network():
    found = learning_chart(HISTORY)
    kinds = [line["class"] for line in marks_of(found, "polyline")]
    assert len(kinds) == 5 == len(set(kinds))
    assert [line["class"] for line in marks_of(found, "line") if line["class"] != "grid"] == kinds  # the legend
    assert "network 1 from 1 to 0.25; network 2 from 2 to 0.5" in found.title


def test_learning_chart_places_points_in_scale():
    history = [dict(network=1, epoch=k, train_nats=nats) for k, nats in ((1, 2.0), (2, 1.0), (3, 0.0))]
    # 60 to 440 across; from 0 at 250 to 2.08 at 40 up.
    assert marks_of(learning_chart(history), "polyline")[0]["points"] == "60.0,48.1 250.0,149.0 440.0,250.0"


def test_learning_chart_of_what_there_is():
    once = [dict(network=1, epoch=1.0, train_nats=0.5)]
    lost = [*once, dict(network=1, epoch=2.0, train_nats=float("nan")), dict(network=2, epoch=1.0, train_nats=0.5)]
    assert learning_chart([]) is None is learning_chart(once) is learning_chart(lost)
    found = learning_chart([*lost, dict(network=2, epoch=2.0, train_nats=0.0)])
    assert len(marks_of(found, "polyline")) == 1 and found.title.endswith("network 2 from 0.5 to 0")
    flat = learning_chart([dict(network=1, epoch=1.0, train_nats=0.0)] * 2)
    assert marks_of(flat, "polyline")[0]["points"] == "250.0,250.0 250.0,250.0"


# ---------------------------------------------------------------- colours


@pytest.mark.parametrize("colours", COLOURS, ids=["light", "dark"])
def test_colours_can_be_read(colours):
    for name in ("ink", "soft", "accent", "warm"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
        assert contrast(colours[name], colours["card"]) >= 4.5, name
    for name in ("right", "wrong"):
        steps = [colours[f"{name}{k}"] for k in range(5)]
        for step, ink in zip(steps, ("ink", "ink", "ink", "ink3", "paper"), strict=True):
            assert contrast(step, colours[ink]) >= 4.5, (name, step)
            assert f"background: var(--{name}{steps.index(step)}); color: var(--{ink}) }}" in STYLE
        distances = [abs(luminance(step) - luminance(colours["paper"])) for step in steps]
        assert distances == sorted(distances), f"{name}: a larger share must be further from the paper"


def test_style_sheet_defines_what_pages_use():
    used, defined = set(re.findall(r"var\((--[\w-]+)\)", STYLE)), set(re.findall(r"(--[\w-]+):", STYLE))
    assert used <= defined and COLOURS[0].keys() == COLOURS[1].keys()
    assert STYLE.count("{") == STYLE.count("}") and "@media print" in STYLE
    page = format_html(full_report(30), history=HISTORY)
    classes = {name for value in re.findall(r'class="([^"]*)"', page) for name in value.split()}
    known = set(re.findall(r"\.([a-z]+\d?)", STYLE))
    assert classes <= known, classes - known


def test_page_of_several_labels_has_their_thresholds_and_names_their_loss():
    label = dict(label="art", precision=0.5, recall=1.0, f1=2 / 3, average_precision=0.75, threshold=0.375, support=9)
    history = [dict(network=1, epoch=epoch, train_nats=1.0 / epoch) for epoch in (1.0, 2.0)]
    test = dict(rows=9, micro_f1=0.6, macro_f1=0.6, subset_accuracy=0.5, per_label=[label])
    page = Strict(format_html(dict(task="multi", test=test), history=history))
    words = " ".join(page.words)
    assert "threshold" in words and "0.375" in words and "log-loss of all labels (nats)" in words
