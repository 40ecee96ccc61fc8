"""Pairs out of TMX, the XML of translation memories: units, each with variants of a text in several languages.

    <tu>
      <tuv xml:lang="en"><seg>Good <hi>morning</hi>.</seg></tuv>
      <tuv xml:lang="fr"><seg>Bonjour.</seg></tuv>
    </tu>

A file may name a document type, as most do. It is not loaded, and a file that defines entities is refused: they can
grow to any size, or name other files.

Reference:
    Savourel, 2005, TMX 1.4b Specification.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.parsers import expat

from textrnn.base.errors import DataError
from textrnn.report.layout import in_a_line

CODES = ("bpt", "ept", "it", "ph", "ut")  # elements within a text that hold formatting codes
LANGUAGE = ("xml:lang", "lang")


class _Reader:
    """Takes what the parser finds.

    Attributes:
        units: of each the texts by language, in lower case.
        source: the language of the header, or "".
    """

    def __init__(self, label: str) -> None:
        self.units: list[dict[str, str]] = []
        self.source, self._label, self._language = "", label, ""
        self._text: list[str] | None = None  # of the segment that is open
        self._codes = 0  # elements of codes that are open

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "header":
            self.source = attributes.get("srclang", "").lower()
        elif name == "tu":
            self.units.append({})
        elif name == "tuv":
            self._language = next((attributes[key] for key in LANGUAGE if key in attributes), "").lower()
        elif name == "seg":
            self._text, self._codes = [], 0
        elif name in CODES:
            self._codes += 1

    def end(self, name: str) -> None:
        if name == "seg" and self._text is not None:
            if self.units:
                self.units[-1].setdefault(self._language, "".join(self._text))
            self._text = None
        elif name in CODES:
            self._codes -= 1

    def text(self, data: str) -> None:
        if self._text is not None and not self._codes:
            self._text.append(data)

    def refuse(self, name: str, *_: object) -> None:
        raise DataError(f"{self._label} defines the entity {name!r:.40}: a translation memory has none; leave it out")


def read_tmx(text: str, label: str, wanted: Sequence[str | None]) -> tuple[list[tuple[str, str]], int, str]:
    """The pairs of a translation memory.

    Args:
        text: the file.
        label: what to call it.
        wanted: languages of source and target; None for that of the header, and for the only other one.

    Returns:
        the pairs, "" for a text that is not there; how many units have neither; and the languages in words.

    Raises:
        DataError: it is no XML, defines entities, has no units, or not the languages.

    Example:
        >>> unit = '<tu><tuv xml:lang="en-GB"><seg>tea</seg></tuv><tuv xml:lang="fr"><seg>thé</seg></tuv></tu>'
        >>> read_tmx(f'<tmx><header srclang="fr"/><body>{unit}</body></tmx>', "a.tmx", (None, None))
        ([('thé', 'tea')], 0, 'fr to en-gb')
    """
    reader = _Reader(label)
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler, parser.EntityDeclHandler = reader.text, reader.refuse
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise DataError(f"{label} is no whole XML, line {error.lineno}: {expat.ErrorString(error.code)}") from None
    source, target = _languages(reader, label, wanted)
    found = [(unit.get(source, ""), unit.get(target, "")) for unit in reader.units]
    there = [pair for pair in found if any(side.strip() for side in pair)]
    return there, len(found) - len(there), f"{source} to {target}"


def _languages(reader: _Reader, label: str, wanted: Sequence[str | None]) -> list[str]:
    """The languages of source and target, as the file has them."""
    counts = Counter(language for unit in reader.units for language in unit)
    if len(counts) < 2:
        number = "one language only" if counts else "no language"
        raise DataError(f"{label} has texts in {number}: expected units with texts in two")

    def named(name: str) -> str | None:
        name = name.lower()
        return next((one for one in counts if name in (one, one.partition("-")[0])), None)

    found: list[str | None] = []
    for name, flag in zip(wanted, ("--source-column", "--target-column"), strict=True):
        found.append(None if name is None else named(name))
        if name is not None and found[-1] is None:
            raise DataError(f"{label} has no language {name!r:.40} as {flag}: there are {in_a_line(counts)}")
    rest = [one for one in counts if one not in found]
    header = named(reader.source)
    if found[0] is None and (header in rest or len(rest) == found.count(None)):
        found[0] = header if header in rest else rest[0]
        rest = [one for one in rest if one != found[0]]
    if found[1] is None and len(rest) == 1:
        found[1] = rest[0]
    if None in found or found[0] == found[1]:
        raise DataError(f"{label} has texts in {in_a_line(counts)}: name two by --source-column and --target-column")
    return [one for one in found if one is not None]
