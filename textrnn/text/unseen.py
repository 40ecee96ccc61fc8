"""Naming what a model never saw of a text: what it makes of that is a guess."""

from __future__ import annotations

from collections.abc import Iterable

MOST_LISTED = 8


def unseen_in_words(found: Iterable[str], number: int, noun: str = "text") -> str:
    """A warning about texts in which something was never seen.

    Args:
        found: what it was; each is named once.
        number: of texts.
        noun: what one is called.

    Example:
        >>> unseen_in_words(["purple", "hat"], 1)
        "the model never saw 'purple', 'hat': what it makes of them, in 1 text, is a guess"
    """
    listed = list(dict.fromkeys(found))
    names = ", ".join(f"{name!r:.40}" for name in listed[:MOST_LISTED])
    more = f" and {len(listed) - MOST_LISTED:,} more" if len(listed) > MOST_LISTED else ""
    them, texts = "them" if len(listed) > 1 else "it", f"{number:,} {noun}{'s' * (number > 1)}"
    return f"the model never saw {names}{more}: what it makes of {them}, in {texts}, is a guess"
