"""The page: well formed, whole by itself, never active, readable in light and dark."""

import html
import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judging_cases import EVIL, LONG, TEXTS, Strict, full_report, labels_named

from textrnn.report.charts import accuracy_picture, learning_picture, reliability_picture, ticks
from textrnn.report.page import LARGEST_MATRIX, format_html, write_html
from textrnn.report.style import DARK, LIGHT, SHEET, style_sheet
from textrnn.report.web import POLICY, escaped, isolated, label_of

KNOWN = {"html", "head", "meta", "title", "style", "body", "main", "header", "section", "div", "p", "h1", "h2", "h3"}
KNOWN |= {"table", "thead", "tbody", "tr", "th", "td", "b", "i", "bdi", "span", "dl", "dt", "dd", "figure"}
KNOWN |= {"figcaption", "svg", "text", "g", "line", "circle", "path", "rect", "polyline"}
HISTORY = [
    dict(network=network, epoch=float(k), train_nats=network / k, seconds=1.5 * k)
    for network in range(1, 6)
    for k in range(1, 5)
]
SIZES = [2, 3, 6, 30, 60]


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
        assert (true == other) == (name == "right") and int(step) < len(LIGHT[name])
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


@settings(deadline=None)
@given(st.text(), st.sampled_from(["text", "attribute"]))
def test_escaped_comes_back_from_a_parser(text, where):
    found = Strict(f"<p>{escaped(text)}</p>" if where == "text" else f'<p title="{escaped(text)}"></p>')
    shown = "".join(found.words) if where == "text" else found.attributes[0][2]
    expected = re.sub("\r\n?", "\n", text)
    assert len(shown) == len(expected) and found.elements == ["p"]
    assert all(a == b or a == "\ufffd" for a, b in zip(shown, expected, strict=True))
    shown.encode()


@pytest.mark.parametrize(
    ("text", "language"), [("好", "zh"), ("良い", "ja"), ("좋다", "ko"), ("good", None), ("good 好", "zh"), ("", None)]
)
def test_isolated_names_the_language_of_its_glyphs(text, language):
    attributes = Strict(isolated(text)).attributes
    assert attributes == ([("bdi", "lang", language)] if language else [])


def test_label_of_keeps_short_labels_in_one_line():
    assert 'class="short"' in label_of("负面") and 'class="long"' in label_of(LONG)


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


def test_accuracy_picture_places_dots_in_scale():
    test = dict(accuracy=0.5, accuracy_interval=[0.4, 0.6])
    found = accuracy_picture(dict(rnn=test, majority=dict(accuracy=0.1, accuracy_interval=[0.05, 0.15])), "rnn")
    assert 'cx="238.0"' in found  # the middle of 92 and 384
    assert found.count("<circle") == 1 and "<path" in found and "10.0 %" in found  # majority is pointed to
    assert "rnn 50.0 %, majority 10.0 %" in found
    same = accuracy_picture(dict(rnn=test, majority=test), "rnn")
    assert same.count("<circle") == 2 and "<path" not in same


def test_accuracy_picture_of_a_majority_that_reaches_in():
    test = dict(accuracy=0.5, accuracy_interval=[0.4, 0.6])
    found = accuracy_picture(dict(rnn=test, majority=dict(accuracy=0.3, accuracy_interval=[0.1, 0.45])), "rnn")
    assert found.count("<circle") == 1 and "<path" not in found and 'x1="92.0"' in found


def test_reliability_picture_places_points():
    bins = [
        dict(low=0.4, high=0.6, rows=3, confidence=0.55, accuracy=0.0),
        dict(low=0.8, high=1.0, rows=30, confidence=0.85, accuracy=0.5),
    ]
    found = reliability_picture(bins)
    assert 'cx="330.0" cy="162.0" r="7.0" class="dot"' in found  # 60 + (0.85 - 0.4) / 0.6 * 360, 312 - 150
    assert 'cx="150.0" cy="312.0"' in found and 'class="faint"' in found
    assert '<polyline points="330.0,162.0"' in found  # three rows are too few for the line
    wide = reliability_picture([dict(bins[0], low=0.0, high=0.2, confidence=0.1), bins[1]])
    assert 'cx="96.0" cy="312.0"' in wide


def test_learning_picture_has_a_line_for_each_network():
    found = learning_picture(HISTORY)
    kinds = re.findall(r'<polyline points="[^"]*" class="([^"]*)"/>', found)
    assert len(kinds) == 5 == len(set(kinds))
    assert [found.count(f'class="{kind}"') for kind in kinds] == [2] * 5  # the line, and its sign in the legend
    assert "network 1 from 1 to 0.25; network 2 from 2 to 0.5" in found and "nan" not in found


def test_learning_picture_places_points_in_scale():
    history = [dict(network=1, epoch=k, train_nats=nats) for k, nats in ((1, 2.0), (2, 1.0), (3, 0.0))]
    # 60 to 440 across; from 0 at 250 to 2.08 at 40 up.
    assert '<polyline points="60.0,48.1 250.0,149.0 440.0,250.0"' in learning_picture(history)


def test_learning_picture_of_what_there_is():
    once = [dict(network=1, epoch=1.0, train_nats=0.5)]
    assert learning_picture([]) == "" == learning_picture(once)
    lost = [*once, dict(network=1, epoch=2.0, train_nats=float("nan")), dict(network=2, epoch=1.0, train_nats=0.5)]
    assert learning_picture(lost) == ""
    found = learning_picture([*lost, dict(network=2, epoch=2.0, train_nats=0.0)])
    assert found.count("<polyline") == 1 and "nan" not in found and "network 2 from 0.5 to 0" in found
    flat = learning_picture([dict(network=1, epoch=1.0, train_nats=0.0), dict(network=1, epoch=1.0, train_nats=0.0)])
    assert "<polyline" in flat and "nan" not in flat


# ---------------------------------------------------------------- colours


def luminance(colour):
    """Relative luminance as in the Web Content Accessibility Guidelines 2.1."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_can_be_read(colours):
    for name in ("ink", "soft", "accent", "warm"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
        assert contrast(colours[name], colours["card"]) >= 4.5, name
    for name in ("right", "wrong"):
        for pair in colours[name]:
            assert contrast(*pair.split()) >= 4.5, (name, pair)
        steps = [abs(luminance(pair.split()[0]) - luminance(colours["paper"])) for pair in colours[name]]
        assert steps == sorted(steps), f"{name}: a larger share must be further from the paper"


def test_style_sheet_defines_what_it_uses():
    sheet = style_sheet()
    used, defined = set(re.findall(r"var\((--[\w-]+)\)", sheet)), set(re.findall(r"(--[\w-]+):", sheet))
    assert used <= defined and LIGHT.keys() == DARK.keys()
    assert sheet.count("{") == sheet.count("}") and "@media print" in sheet
    page = format_html(full_report(30), history=HISTORY)
    classes = {name for value in re.findall(r'class="([^"]*)"', page) for name in value.split()}
    known = set(re.findall(r"\.([a-z]+\d?)", SHEET)) | set(re.findall(r"\.((?:right|wrong)\d)", sheet))
    assert classes <= known, classes - known
