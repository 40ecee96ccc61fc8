"""The page of `textrnn serve`, and the search of the docs, in a real browser, by `make test-browser`."""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from playwright.sync_api import expect, sync_playwright
from serving import copied, serving

from textrnn.base.files import write_json
from textrnn.base.run import locked, read_run

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = os.environ.get("BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
WIDE, PHONE = (1100, 800), (390, 780)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with serving(copied(tmp_path_factory.mktemp("runs"), "counts", "combined", "answerer", "lstm")) as client:
        yield client


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(client, browser):
    """Opens the page in a window of some size and language; nothing may go wrong in it, nothing be asked elsewhere."""
    contexts, wrong = [], []

    def watch(request):
        if not request.url.startswith((str(client.base_url), "data:", "blob:")):
            wrong.append(request.url)

    def open_page(size=WIDE, language="en-US", **more):
        viewport = dict(width=size[0], height=size[1])
        contexts.append(browser.new_context(viewport=viewport, locale=language, **more))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: "Content Security" in said.text and wrong.append(said.text))
        page.on("request", watch)
        page.goto(str(client.base_url))
        page.wait_for_selector("#write option", state="attached")
        page.select_option("#write select", "counts")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong


def grown(page, least):
    """The text of the page, once it is long enough."""
    end = time.monotonic() + 30
    while len(page.input_value("#text")) < least and time.monotonic() < end:
        time.sleep(0.02)
    text = page.input_value("#text")
    assert len(text) >= least
    return text


def test_text_grows_is_stopped_gone_on_with_and_undone(opened):
    page = opened()
    page.fill("#length", "20000")
    page.fill("#text", "the old ")
    page.press("#text", "Control+Enter")
    assert grown(page, 60).startswith("the old ")
    expect(page.locator("#go")).to_have_text("Stop")
    page.press("#text", "Escape")
    expect(page.locator("#go")).to_have_text("Write on")
    stopped = page.input_value("#text")
    assert len(stopped) < 20_000 and page.locator("#marks").text_content() == stopped + "\u200b"
    page.evaluate("document.querySelector('#text').setSelectionRange(20, 20)")
    expect(page.locator("#go")).to_have_text("Write on from here")
    expect(page.locator("#about")).to_contain_text("bits")
    page.fill("#length", "5")
    page.click("#go")
    expect(page.locator("#go")).to_have_text("Write on")
    assert grown(page, 25)[:20] == stopped[:20] and len(page.input_value("#text")) == 25
    page.click("#undo")
    expect(page.locator("#text")).to_have_value(stopped)
    page.evaluate("document.querySelector('#paper').scrollTop = 0")
    page.wait_for_timeout(300)  # scrolling hides what hovers
    place = page.locator("#marks span", has_text=re.compile(r"\S")).first.bounding_box()  # line ends have no width
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    expect(page.locator("#tip tr")).to_have_count(5)


def test_one_of_other_ways_is_taken(opened):
    page = opened()
    page.fill("#length", "30")
    page.fill("#text", "the mill ")
    page.click("#others")
    expect(page.locator("#go")).to_have_text("Write on")
    way = page.locator("#choices article").nth(1)
    text = way.locator(".reading").text_content()
    way.locator("button").click()
    expect(page.locator("#text")).to_have_value("the mill " + text)
    assert len(text) == 30
    page.press("#text", "Control+z")
    expect(page.locator("#text")).to_have_value("the mill ")


def test_what_is_typed_in_between_keeps_the_colours_around_it(opened):
    page = opened()
    page.fill("#length", "40")
    page.press("#text", "Control+Enter")
    expect(page.locator("#go")).to_have_text("Write on")
    page.evaluate("document.querySelector('#text').setSelectionRange(10, 12)")
    page.keyboard.type("XYZ")
    expect(page.locator("#marks span")).to_have_count(38)
    assert page.locator("#marks").text_content()[10:13] == "XYZ"


def test_a_table_is_dropped_and_its_labels_are_read_and_downloaded(opened, tmp_path):
    page = opened()
    page.click("nav a[href='#classify']")
    page.fill("#classify-text", "the old miller fine")
    page.click("#classify-go")
    expect(page.locator("#classify-result .large")).to_have_text("pos")
    expect(page.locator("#classify-result .r3")).to_have_text("fine")
    data = page.evaluate_handle(
        "() => { const held = new DataTransfer(); held.items.add(new File("
        "['text\\nthe old miller fine\\ncold <b>harsh</b> rain\\n'], 'mine.csv')); return held }"
    )
    page.dispatch_event("#classify", "drop", {"dataTransfer": data})
    expect(page.locator("#classify-result tbody tr")).to_have_count(2)
    assert page.locator("#classify-result tbody tr").nth(1).locator("td").all_text_contents()[:2] == [
        "cold <b>harsh</b> rain",
        "neg",
    ]
    with page.expect_download() as download:
        page.click("#classify-result a")
    download.value.save_as(tmp_path / "got.csv")
    lines = (tmp_path / "got.csv").read_text().splitlines()
    assert download.value.suggested_filename == "mine.predicted.csv" and lines[2].split(",")[1] == "neg"


def test_score_answer_and_deleting_with_a_question(opened):
    page = opened()
    page.click("nav a[href='#score']")
    page.fill("#score-text", "the old miller")
    page.click("#score-go")
    expect(page.locator("#score-result .reading")).to_have_text("the old miller")
    expect(page.locator("nav a[href='#translate']")).to_be_hidden()
    page.click("nav a[href='#answer']")
    page.fill("#story", "Mira went to the mill.")
    page.fill("#question", "Where is Mira?")
    page.click("#answer-go")
    expect(page.locator("#answer-result .large")).to_have_text("mill")
    page.click("nav a[href='#runs']")
    page.click("#run-list button:text-is('lstm')")
    expect(page.locator("#run svg path.valid")).to_have_count(1)
    for answer, left in (("no", 4), ("yes", 3)):
        page.click("#run button")
        page.click(f"#ask button[value={answer}]")
        expect(page.locator("#run-list tbody tr")).to_have_count(left)


def test_a_training_is_shown_while_it_goes_on(browser, tmp_path):
    path = copied(tmp_path, "lstm") / "lstm"
    history = (path / "history.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (path / "history.csv").write_text("".join(history[:3]), encoding="utf-8")
    write_json(path / "run.json", {**read_run(path), "status": "training"})
    with locked(tmp_path, "lstm"), serving(tmp_path) as client:
        page = browser.new_page(locale="en-US")
        page.goto(f"{client.base_url}#runs")
        page.click("#run-list button:text-is('lstm')")
        curve = page.locator("#run svg path.valid")
        expect(curve).to_have_count(1)
        before = curve.get_attribute("d")
        (path / "history.csv").write_text("".join(history), encoding="utf-8")
        (path / "samples.jsonl").write_text(json.dumps({"step": 14, "text": "the old cat"}) + "\n", encoding="utf-8")
        expect(page.locator("#run .reading")).to_have_text("the old cat")
        assert curve.get_attribute("d").count("L") == len(history) - 2 > before.count("L")
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_in_chinese_nothing_is_wider_than_the_screen(opened, scheme):
    page = opened(PHONE, "zh-CN", color_scheme=scheme)
    expect(page.locator("#go")).to_have_text("续写")
    for name in ("write", "score", "classify", "runs"):
        page.click(f"nav a[href='#{name}']")
        expect(page.locator(f"#{name}")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    expect(page.locator("#run-list tbody tr").first).to_contain_text("已完成")
    page.locator("#run-list button").first.click()
    expect(page.locator("#run dl")).to_contain_text("学习自")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", colour)[:3])) > 380) == (scheme == "light")


def test_errors_are_said(opened):
    page = opened()
    page.fill("#text", "x")
    page.fill("#length", "20000")
    page.route("**/v1/completions", lambda route: route.abort())
    page.click("#go")
    expect(page.locator("#notice")).to_have_text("The server does not answer.")
    page.unroute("**/v1/completions")


@pytest.mark.parametrize(("language", "words", "first"), [("en", "how temperature", "42"), ("zh", "梯度裁剪", "24")])
def test_search_of_the_docs_finds_a_page(language, words, first, browser, tmp_path):
    from docs.site import build  # pytest knows where it is, the script below does not

    build(tmp_path / "site")
    page = browser.new_page()
    page.goto((tmp_path / "site" / language / "index.html").as_uri())
    page.fill("#search", words)
    expect(page.locator("#found a").first).to_have_attribute("href", re.compile(f"^{first}-"))
    page.press("#search", "Enter")
    expect(page).to_have_url(re.compile(f"/{first}-"))
    page.close()


if __name__ == "__main__":
    if BROWSER is None:
        sys.exit("error: no browser: install chromium (apt-get install chromium), or set BROWSER to the path of one")
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", __file__, *sys.argv[1:]]))
