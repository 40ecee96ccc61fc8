"""`textrnn info`: what there is, whole or damaged."""

from cli_fixtures import ARCHITECTURES, good


def test_info_lists_the_runs_newest_first(library):
    lines = good("info").out.splitlines()
    assert lines[0].split() == ["run", "architecture", "level", "parameters", "quality", "status", "trained", "on"]
    assert [line.split()[0] for line in lines[1:]] == list(ARCHITECTURES)[::-1]
    assert all("finished" in line and line.endswith("story.txt") for line in lines[1:])


def test_info_describes_a_run(library):
    for name in ("gru", "models/gru", str(library / "models" / "gru")):
        ran = good("info", name)
        for part in ("models/gru", "gru, 1 x 8 units", "story.txt", "held out", "bits per character", "tensorflow"):
            assert part in ran.out
        assert ran.err == ""


def test_info_json_of_all_runs_and_of_one(library):
    runs = good("info", "--json").json["runs"]
    assert [run["run"] for run in runs] == [f"models/{arch}" for arch in ARCHITECTURES[::-1]]
    one = good("info", "gru", "--json").json
    assert one == next(run for run in runs if run["run"] == "models/gru")
    assert one["config"]["model"]["arch"] == "gru" and one["model_bytes"] > 1000 and one["kind"] == "language_model"


def test_info_without_runs_says_how_to_make_one(tmp_path):
    assert "textrnn train" in good("info", "--models-dir", tmp_path / "none").out
    assert good("info", "--models-dir", tmp_path, "--json").json == {"runs": []}


def test_info_lists_a_damaged_run_as_damaged(home):
    path = home / "models" / "broken" / "run.json"
    path.parent.mkdir()
    path.write_text("{")
    (home / "models" / "notes.txt").write_text("mine")
    rows = {line.split()[0]: line.split()[1] for line in good("info").out.splitlines()[1:]}
    assert rows == {"broken": "damaged", "lstm": "lstm"}
    errors = {run["run"]: run.get("error") for run in good("info", "--json").json["runs"]}
    assert errors["models/lstm"] is None and "models/broken/run.json is damaged" in errors["models/broken"]


def test_generate_passes_over_a_damaged_run(home):
    path = home / "models" / "broken" / "run.json"
    path.parent.mkdir()
    path.write_text("{")
    assert good("generate", "--length", "3").out
