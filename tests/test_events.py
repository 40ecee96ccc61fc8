"""What happens in a training, as lines of JSON."""

import json

import pytest
from cli_fixtures import QUICK, good, refused

from textrnn.training.events import event_lines
from textrnn.training.trainer import Check, Done, Step, WentBack


def test_events_are_added_to_a_file_as_json(tmp_path):
    path = tmp_path / "events.jsonl"
    for loss in (1.5, float("nan")):
        with event_lines(str(path)) as tell:
            tell(Step(step=3, loss=loss, epoch=0.5, done=0.25, left_s=2.0))
            tell(WentBack("the loss is inf"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["event"], line.get("loss", line.get("line"))) for line in lines] == [
        ("step", 1.5),
        ("went_back", "the loss is inf"),
        ("step", None),
        ("went_back", "the loss is inf"),
    ]


def test_a_full_disk_ends_the_lines_and_not_the_training(capsys):
    with event_lines("/dev/full") as tell:
        tell(Done("budget"))
        tell(Done("budget"))
    assert capsys.readouterr().err.count("events are no longer written") == 1
    with event_lines(None) as tell:
        tell(Check({}, is_best=True))
    assert capsys.readouterr().out == ""


def test_events_that_cannot_be_written_are_refused_before_training(home):
    refused("train", "story.txt", *QUICK, "--events", "no/where", code=2, says=["--events is 'no/where'"])
    refused("train", "story.txt", "--arch", "esn", "--events", "x", code=2, says=["--arch is esn"])
    assert not (home / "models" / "story").exists()


@pytest.mark.slow
def test_train_tells_its_events_and_the_result_at_the_end(home):
    *events, result = good("train", "story.txt", *QUICK, "-q", "--events", "-", "--json").lines()
    names = [event["event"] for event in events]
    assert names[-1] == "done" and {"step", "check", "saved"} < set(names) and "event" not in result
    assert [event["row"]["val_bits_per_char"] for event in events if event["event"] == "check"]
    assert names.count("step") == result["steps"]
