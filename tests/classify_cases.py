"""Tables of texts with labels for tests, and options for a network that learns them in no time."""

import csv
import random

GOOD = ["lovely", "clean", "friendly", "quick", "tasty", "bright", "kind", "warm"]
BAD = ["slow", "rude", "broken", "dirty", "cold", "late", "stale", "grim"]
OTHER = [
    "the",
    "a",
    "tea",
    "room",
    "was",
    "and",
    "very",
    "shop",
    "we",
    "had",
    "there",
    "waiter",
    "soup",
    "bed",
    "again",
]
TINY = ("--epochs", "2", "--networks", "1", "--units", "4", "--embed", "4", "-q")


def reviews(count=120, seed=1):
    """Texts with a label, half of them good."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        words = draw.choices(OTHER, k=6) + draw.choices(BAD if number % 2 else GOOD, k=3)
        draw.shuffle(words)
        rows.append((" ".join(words), "bad" if number % 2 else "good"))
    return rows


def write_table(path, rows, header=("review", "label")):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header, *rows] if header else rows)


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
