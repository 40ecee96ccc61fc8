"""Files of stories: what is read, what is refused, and what is written again."""

import pytest
import story_maker

from textrnn.answerer.predict_file import filled_in, read_file
from textrnn.answerer.stories import fill_in, read_stories, split_stories
from textrnn.base.errors import DataError

LINES = [
    "1 Mira walked to the mill.",
    "2 Anton took the map.",
    "3 Where is Mira?\tmill\t1",
    "",
    "5 Who has the map?",
    "1 米拉去了磨坊。",
    "2 米拉在哪里？",
    "3 Nobody asks here\tyes",
]


def test_read_stories_takes_what_was_told_before():
    first, second, third, fourth = read_stories(LINES, "x")
    assert (first.text, first.answer, first.numbers, first.row) == ("Where is Mira?", "mill", (1, 2), 2)
    assert first.sentences == second.sentences == ("Mira walked to the mill.", "Anton took the map.")
    assert (second.answer, second.story, second.row) == (None, 0, 4)
    assert (third.text, third.sentences, third.story, third.answer) == ("米拉在哪里？", ("米拉去了磨坊。",), 1, None)
    assert (fourth.text, fourth.answer) == ("Nobody asks here", "yes")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["Mira is here.", "1 Where?"], "x, line 1 is 'Mira is here.': expected a number and a sentence"),
        (["1 Mira is here.", "1"], "x, line 2 is '1': expected a number"),
        (["2 Mira is here.", "3 Where?"], "x, line 1 has number 2 after nothing: numbers rise"),
        (["1 Mira is here.", "3 So.", "2 Where?"], "x, line 3 has number 2 after 3"),
        (["1 Mira is here.", "2 She sings."], "x has no question"),
        ([], "x has no question"),
        (["1234567890123 Mira is here?"], "expected a number and a sentence"),
    ],
)
def test_read_stories_refuses(lines, says):
    with pytest.raises(DataError) as caught:
        read_stories(lines, "x")
    assert says in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_filled_in_stories_keep_their_line_ends(tmp_path, end):
    lines = ["1 Mira took\u2028the lamp.", "2 Where is\x85Mira?", ""]
    (tmp_path / "s.txt").write_bytes(end.join(lines).encode())
    stories = read_file(str(tmp_path / "s.txt"))
    answered = dict(questions=[dict(line=2, answer="mill", known=None, attention=[])])
    assert filled_in(stories, answered, explain=False) == end.join([lines[0], lines[1] + "\tmill", ""])


def test_fill_in_changes_nothing_else():
    assert fill_in(LINES, {4: "Anton", 6: "磨坊"}) == [
        *LINES[:4],
        "5 Who has the map?\tAnton",
        LINES[5],
        "2 米拉在哪里？\t磨坊",
        LINES[7],
    ]


def test_split_stories_keeps_a_story_together():
    questions = read_stories(LINES, "x")
    learnt, held = split_stories(questions, [1])
    assert [question.story for question in learnt] == [0, 0] and [question.story for question in held] == [1, 1]


@pytest.mark.parametrize("kind", story_maker.KINDS)
def test_story_maker_gives_facts_that_answer(kind):
    """The supporting lines alone tell the answer: read again by a rule that knows what the generator writes."""
    lines = story_maker.stories(kind, 20).splitlines()
    questions, seen = read_stories(lines, "made"), set()
    for question in questions:
        facts = [int(number) for number in lines[question.row].split("\t")[2].split()]
        told = dict(zip(question.numbers, question.sentences, strict=True))
        place = told[facts[-1]].rstrip(".").split()[-1]
        if kind == "yes or no":
            assert question.answer == ("yes" if question.text.rstrip("?").endswith(place) else "no")
        else:
            assert question.answer == place
        if len(facts) == 2:
            assert question.text.rstrip("?").split()[-1] in told[facts[0]]
        seen.add(len(facts))
    assert seen == ({1, 2} if kind == "two facts" else {1})
    assert len(questions) == 100


def test_sample_is_that_of_the_generator():
    sample = (story_maker.Path(story_maker.__file__).parent.parent / "data" / "stories.txt").read_bytes()
    assert sample == story_maker.sample().encode()
