"""What the pages of docs/ say is true: their commands run, both languages agree, and the site needs nothing else."""

import os
import re
import subprocess

import pytest

from docs import options
from docs.pages import (
    LANGUAGES,
    PICTURES,
    Page,
    differences,
    examples,
    numbers,
    read_index,
    read_pages,
    steps,
    with_contents,
)
from docs.record import CommandFailed, run_command, run_pages, same_but_for_noise, with_outputs
from docs.site import PageError, build, check, to_html
from textrnn.language_model.size import LADDER, PRESETS
from textrnn.training.cluster import read_cluster

PAGES = {language: read_pages(language) for language in LANGUAGES}
ALL = [page for pages in PAGES.values() for page in pages]
INDEXES = [read_index(language) for language in LANGUAGES]
LONGEST = 125  # lines of Markdown, which are about two screens; of the reference, what is not the help of a command
(MACHINES,) = (page for page in PAGES["en"] if page.name == "61-machines")


def shortened(command):
    """The same command in a moment: 4 units, and 2 hundredths of an epoch; `--deterministic` would outlast the test.

    One process: what two of them do is seen in test_workers.py.
    """
    tiny = "--units 4" if "--arch esn" in command else "--units 4 --embed 4"
    layers = "" if "--layers" in command else "--layers 1"
    command = re.sub(r"--units \d+", tiny, command).replace("--size small", layers)
    command = re.sub(r"--epochs \S+", "--epochs 0.02", command).replace("--networks 1", "--networks 1 --units 4")
    command = command.replace("data/hello.tsv", "data/hello.tsv --epochs 1 --units 4").replace(
        "--gain 2", "--gain 2 --units 4"
    )
    command = command.replace("--workers 2", "--workers 1")
    return command.replace(" --deterministic", " --no-samples" if command.startswith("textrnn train") else "")


@pytest.mark.slow
def test_commands_run_and_draw_the_pictures(checkout):
    printed = run_pages(PAGES["en"], shorten=shortened)
    assert len(printed) >= 60
    for page in PAGES["en"]:
        for step in steps(page.source):
            assert step.output is None or "".join(printed[command] for command in step.commands).strip(), step.code
        assert [name for name in page.drawn if not (checkout / name).is_file()] == []


def test_languages_have_the_same_pages():
    names = [[page.name for page in pages] for pages in PAGES.values()]
    assert names[0] == names[1] and len(names[0]) >= 22


@pytest.mark.parametrize("place", range(len(PAGES["en"])), ids=[page.name for page in PAGES["en"]])
def test_languages_say_the_same(place):
    assert differences(PAGES["en"][place], PAGES["zh"][place]) == []


@pytest.mark.parametrize("page", ALL, ids=[f"{page.language}-{page.name}" for page in ALL])
def test_page_is_short_and_says_what_was_printed(page):
    written = options.without_help(page.source) if page.name == options.NAME else page.source
    assert len(written.splitlines()) <= LONGEST
    assert all(step.output is None or step.output.strip() for step in steps(page.source))
    shown = re.split(r"^```(?:sh|python)$", page.source, maxsplit=1, flags=re.MULTILINE)[-1]
    prose = Page(page.language, page.name, "```sh" + shown).prose
    blocks = numbers("".join(step.code + (step.output or "") for step in steps(page.source)))
    assert [number for number in numbers(prose) if "." in number and number not in blocks] == []


@pytest.mark.parametrize("index", INDEXES, ids=LANGUAGES)
def test_contents_list_all_pages(index):
    pages = PAGES[index.language]
    assert with_contents(index.source, pages) == index.source, "run python -m docs --no-run"
    assert [page.name for page in pages if f"({page.name}.md)" not in index.source] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_options_are_those_of_the_program(language):
    (page,) = (page for page in PAGES[language] if page.name == options.NAME)
    assert options.with_help(page.source) == page.source, "run python -m docs --no-run"
    told = re.findall(r"<code>(textrnn [a-z ]+)</code>\S*\n\n```text\nUsage: \1 .*\[OPTIONS\]", page.source)
    assert {"textrnn train", "textrnn classify", "textrnn inspect cells"} <= set(told) == options.help_texts().keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_sizes_are_those_of_the_rule(language):
    (page,) = (page for page in PAGES[language] if page.name == "26-sizes")
    line = r"^\| (\d+) \| (\d+) x (\d+) \| (\d+) \| ([\d.]+) \|(?: `--size (\w+)`)? \|$"
    presets = {rung: name for name, rung in PRESETS.items()}
    for rung, (size, row) in enumerate(zip(LADDER, re.findall(line, page.source, re.MULTILINE), strict=True)):
        told = (size.from_s, size.layers, size.units, size.batch, size.learning_rate)
        assert row == (*(f"{number:g}" for number in told), presets.get(rung, ""))


def test_pictures_are_small_and_used():
    used = {name for page in ALL for name in page.pictures}
    assert {path.name for path in PICTURES.iterdir()} == used
    assert max(path.stat().st_size for path in PICTURES.iterdir()) < 130_000


def test_site_needs_nothing_from_elsewhere(tmp_path):
    assert build(tmp_path / "site") == len(ALL) + len(LANGUAGES)
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) == len(ALL) + len(LANGUAGES) + 1
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert (
            re.findall(r"<script[^>]*>", text) in ([], ['<script defer src="../search.js">']) and "@import" not in text
        )
        for target in re.findall(r'(?:href|src)="([^"]*)"', text):
            assert (path.parent / target).is_file(), f"{path}: {target}"
    assert "url(" not in (tmp_path / "site" / "style.css").read_text(encoding="utf-8")


def changed(**sources):
    """The first page in each language, with other text."""
    return {language: [Page(language, "11-cell", sources[language])] for language in LANGUAGES}


@pytest.mark.parametrize(
    ("english", "chinese", "says"),
    [
        ("# A\n\n```sh\na 1\n```\n", "# A\n\n```sh\na 2\n```\n", "commands differ"),
        ("# A\n\n2.5 bits", "# A\n\n2.6 bits", "figures differ"),
        ("# A\n\n```\nx = y\n```\n", "# A\n\n```\nx = z\n```\n", "equations differ"),
        ("# A\n\n```yaml\na: 1\n```\n", "# A\n\n```yaml\na: 2\n```\n", "examples differ"),
        ("# A\n\n![p](../pictures/no.png)", "# A\n\n![p](../pictures/no.png)", "no.png is not there"),
        ("# A\n\n[B](99-b.md)", "# A\n\n[B](99-b.md)", "99-b.md is not there"),
    ],
    ids=["commands", "figures", "equations", "examples", "picture", "link"],
)
def test_check_finds_what_is_wrong(english, chinese, says):
    with pytest.raises(PageError, match=says):
        check(changed(en=english, zh=chinese))


def test_check_finds_a_page_of_one_language():
    with pytest.raises(PageError, match=r"one language only: \['12-gates'\]"):
        check({"en": [Page("en", "12-gates", "# A\n\nb")], "zh": []})


def test_with_outputs_replaces_what_changed_and_keeps_noise():
    source = "```sh\na\nb\n```\n\n```text\nold 1.0\n```\n\n```python\nc\n```\n\n```text\nloss 2.00\n```\n"
    printed = {"a": "new 3.0  \n", "b": "and 4\n", "c\n": "loss 2.01\n"}
    assert with_outputs(source, printed) == source.replace("old 1.0\n", "new 3.0\nand 4\n")


def test_same_but_for_noise_minds_signs_and_words():
    assert same_but_for_noise("a 100", "a 101") and not same_but_for_noise("a 100", "a 103")
    assert not same_but_for_noise("[0.5]", "[-0.5]") and not same_but_for_noise("a 1", "b 1")


@pytest.mark.parametrize(
    ("kind", "command"), [("sh", "ls"), ("python", "raise ValueError('no')"), ("sh", "textrnn info no-such-run")]
)
def test_run_command_reports_what_failed(kind, command, checkout):
    with pytest.raises(CommandFailed, match=re.escape(command)):
        run_command(kind, command)


def test_chinese_lines_are_joined_without_a_blank():
    assert to_html("一行，\n二行 a\nb") == "<p>一行，二行 a\nb</p>\n"


def example(kind, begin):
    """A block of the page of several machines from a line on, without its indentation."""
    (block,) = examples(MACHINES.source, kind)
    return "\n".join(line.strip() for line in block[block.index(begin) :].splitlines())


def tf_config(script, **environment):
    """What a script makes of TF_CONFIG, read as `textrnn train` reads it."""
    environment = {**os.environ, **environment}
    done = subprocess.run(["bash", "-ec", script], env=environment, capture_output=True, text=True, check=True)
    return read_cluster({"TF_CONFIG": done.stdout})


@pytest.mark.parametrize("rank", [0, 1])
def test_kubernetes_example_names_the_workers(rank):
    script = example("yaml", "export TF_CONFIG='").partition("exec textrnn train /corpus")[0] + 'printf %s "$TF_CONFIG"'
    cluster = tf_config(script, JOB_COMPLETION_INDEX=str(rank))
    assert (cluster.addresses, cluster.rank) == (("textrnn-0.textrnn:2222", "textrnn-1.textrnn:2222"), rank)
    assert "metadata: {name: textrnn}" in MACHINES.source and "subdomain: textrnn" in MACHINES.source


@pytest.mark.parametrize("rank", [0, 2])
def test_slurm_example_names_the_workers(rank):
    script = example("bash", "workers=$(scontrol").replace(
        "exec textrnn train book.txt --name book --time 2h", 'printf %s "$TF_CONFIG"'
    )
    fakes = 'scontrol() { printf "n1\\nn2\\nn3\\n"; }\nsrun() { "$@"; }\n'
    cluster = tf_config(fakes + script, SLURM_PROCID=str(rank), SLURM_JOB_NODELIST="n[1-3]")
    assert (cluster.addresses, cluster.rank) == (("n1:2222", "n2:2222", "n3:2222"), rank)
