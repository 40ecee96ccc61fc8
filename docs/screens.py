"""Takes the pictures of the pages that no command draws, those of `textrnn serve` and of reports, in a browser.

    python -m docs.screens

It trains small models on data/ in a temporary folder (two minutes on 2 cores), and needs playwright and chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from docs.pages import DOCS, PICTURES

DATA = DOCS.parent / "data"
WIDTH, HEIGHT = 1000, 620
TEXTRNN = [sys.executable, "-m", "textrnn"]
COMMANDS = (
    f"train {DATA}/english.txt --time 30s --name english",
    f"classify {DATA}/reviews.csv --time 30s --name reviews -o filled.csv",
    "classify some.csv --model reviews --predict --explain -o reviews.csv",
    f"translate {DATA}/hello.tsv --time 15s --name hello",
    f"answer {DATA}/stories.txt --time 30s --name stories",
)
TEXT = "The fox put on a green hat and opened the door. Zebras, said the moon, are not allowed."
REVIEW = "The soup was cold and the waiter rude, but the dessert was lovely."
STORY = "Mira went back to the harbour.\nAnton walked to the market.\nMira hurried to the mill."


# What is filled in on each page before its button is pressed.
FIELDS = {
    "score": {"#score-text": TEXT},
    "classify": {"#classify-text": REVIEW},
    "translate": {"#translate-text": "hello"},
    "answer": {"#story": STORY, "#question": "Where is Mira?"},
}


def _ask(page: Any, name: str) -> None:
    """Fills in what a page asks for, and waits for the result."""
    for field, text in FIELDS[name].items():
        page.fill(field, text)
    page.click(f"#{name}-go")
    page.wait_for_selector(f"#{name}-result *")


def _show_run(page: Any) -> None:
    page.click("#run-list >> text=english")
    page.wait_for_selector("#run img, #run svg, #run canvas")


def _filled(page: Any) -> Any:
    """The part of the page that has something in it."""
    bottoms = "[...document.querySelectorAll('main *')].map(e => e.getBoundingClientRect().bottom)"
    end = page.evaluate(f"Math.max(...{bottoms})")
    return {"x": 0, "y": 0, "width": WIDTH, "height": min(HEIGHT, end + 20)}


def take(folder: Path) -> None:
    """Trains in a folder, and takes all pictures.

    Raises:
        subprocess.CalledProcessError: a command did not end well.
    """
    from playwright.sync_api import sync_playwright

    rows = (DATA / "reviews.csv").read_text(encoding="utf-8").splitlines()
    (folder / "some.csv").write_text("\n".join(filter(str.isascii, rows)), encoding="utf-8")  # fonts have all of it
    environment = os.environ | {"PYTHONPATH": str(DOCS.parent)}
    for command in COMMANDS:
        subprocess.run([*TEXTRNN, *command.split(), "-q"], cwd=folder, env=environment, check=True)
    server = subprocess.Popen(
        [*TEXTRNN, "serve", "--no-open", "--port", "0"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        address = next(found[0] for line in server.stdout if (found := re.search(r"http://[\d.:]+/?", line)))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="en-US")
            for name in (*FIELDS, "runs"):
                page.goto(f"{address.rstrip('/')}/#{name}")
                page.reload()
                _ask(page, name) if name in FIELDS else _show_run(page)
                page.wait_for_timeout(500)
                page.screenshot(path=PICTURES / f"serve-{name}.png", clip=_filled(page))
            for name, path in {"report": "models/reviews/report.html", "explained": "reviews.explained.html"}.items():
                page.goto((folder / path).as_uri())
                page.screenshot(path=PICTURES / f"{name}.png")
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        take(Path(folder))
