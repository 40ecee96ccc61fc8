"""Texts that end the writing, found in pieces as they come."""

from __future__ import annotations

from collections.abc import Sequence

from textrnn.base.errors import ConfigError


class StopScanner:
    """Passes text on until one of some texts appears in it, which it holds back.

    Which stop text counts does not depend on how the text is cut into pieces: it is the one that is complete first,
    and of those complete at the same character the longest.

    Args:
        stops: texts that end the text.

    Raises:
        ConfigError: one of them is empty.

    Example:
        >>> scanner = StopScanner(["END"])
        >>> scanner.feed("one E"), scanner.feed("E"), scanner.feed("NDLESS"), scanner.found
        ('one ', 'E', '', True)
    """

    def __init__(self, stops: Sequence[str]) -> None:
        if not all(stops):
            raise ConfigError("--stop is empty: expected a text that ends the writing")
        self._stops = tuple(stops)
        self._beginnings = {stop[:size] for stop in stops for size in range(1, len(stop))}
        self._firsts = {stop[0] for stop in stops}
        self._longest = max(map(len, stops), default=1) - 1
        self._held = ""
        self.found = False

    def feed(self, piece: str) -> str:
        """The text that can no longer be part of a stop text; ends before the stop text once that is `found`."""
        if not self._held and self._firsts.isdisjoint(piece):  # nearly always
            return piece
        text = self._held + piece
        ends = [(start + len(stop), start) for stop in self._stops if (start := text.find(stop)) >= 0]
        if ends:
            self.found, self._held = True, ""
            return text[: min(ends)[1]]
        for size in range(min(len(text), self._longest), 0, -1):
            if text[-size:] in self._beginnings:
                self._held = text[-size:]
                return text[:-size]
        self._held = ""
        return text

    def finish(self) -> str:
        """What was held back, when the text ends without a stop text."""
        held, self._held = self._held, ""
        return held
