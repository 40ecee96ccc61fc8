"""Short stories with questions, made by a generator: `python tests/story_maker.py` writes data/stories.txt.

One supporting fact (where is somebody), two (where is a thing that somebody took along), and yes or no.
"""

import random
from pathlib import Path

PEOPLE = ("Mira", "Anton", "Yusuf", "Liang", "Petra", "Old Tom")
PLACES = ("mill", "harbour", "orchard", "attic", "market", "chapel")
THINGS = ("lantern", "kettle", "violin", "map")
MOVES = ("walked to", "hurried to", "went back to", "climbed up to")
TAKES, DROPS = ("picked up", "took"), ("put down", "left")
KINDS = ("one fact", "two facts", "yes or no")


def story(draw, kind, *, rounds=5):
    """The lines of one story: rounds of two sentences and a question."""
    lines, places, holders = [], {}, {}
    facts = {}  # the line that told where a person is, or who has a thing
    while len(lines) < 3 * rounds:
        number = len(lines) + 1
        person = draw.choice(PEOPLE)
        held = [thing for thing, holder in holders.items() if holder == person]
        free = [thing for thing in THINGS if thing not in holders]
        action = draw.random()
        if kind == "two facts" and held and action < 0.2:
            thing = draw.choice(held)
            lines.append(f"{number} {person} {draw.choice(DROPS)} the {thing}.")
            del holders[thing]
        elif kind == "two facts" and free and person in places and action < 0.6:
            thing = draw.choice(free)
            lines.append(f"{number} {person} {draw.choice(TAKES)} the {thing}.")
            holders[thing], facts[thing] = person, number
        else:
            place = draw.choice([place for place in PLACES if place != places.get(person)])
            lines.append(f"{number} {person} {draw.choice(MOVES)} the {place}.")
            places[person], facts[person] = place, number
        if len(lines) % 3 == 2:
            lines.append(_question(draw, kind, len(lines) + 1, places, holders, facts))
    return lines


def _question(draw, kind, number, places, holders, facts):
    person = draw.choice(list(places))
    if kind == "two facts" and holders:
        thing = draw.choice(sorted(holders))
        holder = holders[thing]
        return f"{number} Where is the {thing}?\t{places[holder]}\t{facts[thing]} {facts[holder]}"
    if kind == "yes or no":
        place = places[person] if draw.random() < 0.5 else draw.choice(PLACES)
        answer = "yes" if place == places[person] else "no"
        return f"{number} Is {person} at the {place}?\t{answer}\t{facts[person]}"
    return f"{number} Where is {person}?\t{places[person]}\t{facts[person]}"


def stories(kind, count, *, seed=1, rounds=5):
    """Some stories of a kind, as one text."""
    draw = random.Random(f"{kind} {seed}")
    return "".join("\n".join(story(draw, kind, rounds=rounds)) + "\n" for _ in range(count))


def sample():
    """What data/stories.txt holds: 200 stories of each kind."""
    return "".join(stories(kind, 200) for kind in KINDS)


if __name__ == "__main__":
    path = Path(__file__).resolve().parent.parent / "data" / "stories.txt"
    path.write_text(sample(), encoding="utf-8", newline="\n")
