"""The parts of a workbook of Excel, and which of them do not come back when openpyxl writes it again."""

from __future__ import annotations

import importlib.util
import re
import zipfile
from typing import NamedTuple

# Parts of a workbook that openpyxl keeps, makes anew, or that nobody misses.
_KEPT = re.compile(
    r"\[Content_Types\]\.xml|.*_rels/.*|docProps/.*|xl/(?:workbook|styles|sharedStrings|calcChain)\.xml"
    r"|xl/(?:theme|worksheets|chartsheets|tables|pivotTables|pivotCache|externalLinks|printerSettings)/.*"
    r"|xl/vba.*|xl/comments.*|xl/drawings/(?:drawing|vmlDrawing|comment).*|xl/charts/chart\d+\.xml"
)
_LOST = {
    "xl/media": "pictures",
    "xl/charts/chartEx": "charts of newer kinds",
    "xl/charts": "styles of charts",
    "xl/slicer": "slicers",
    "xl/timeline": "timelines",
    "xl/ctrlProps": "form controls",
    "xl/activeX": "form controls",
    "xl/embeddings": "embedded objects",
    "xl/diagrams": "SmartArt",
    "xl/threadedComments": "threads of comments",
    "xl/persons": "threads of comments",
    "xl/model": "the data model",
    "xl/connections": "connections to data",
    "xl/queryTables": "connections to data",
    "xl/richData": "linked data",
    "xl/metadata": "dynamic arrays",
    "customXml": "custom XML",
}
_SHAPES = re.compile(rb"<(?:\w+:)?(?:sp|grpSp|cxnSp)[ >]")


_MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_HIDDEN = re.compile(rb'<(?:\w+:)?row [^>]*?hidden="(?:1|true)"[^>]*(?<!/)>')  # with cells


class Merged(NamedTuple):
    """Cells that are one: rows and columns, from 0, with the last ones."""

    top: int
    left: int
    bottom: int
    right: int


def merged_and_hidden(content: bytes) -> tuple[list[Merged], int]:
    """The merged cells of a sheet, as its part of the workbook has them, and the number of hidden rows with cells.

    Example:
        >>> merged_and_hidden(b'<row r="1" hidden="1"><c/></row><row r="2" hidden="1"/><mergeCell ref="B2:AA4"/>')
        ([Merged(top=1, left=1, bottom=3, right=26)], 1)
    """
    merged = [
        Merged(int(top) - 1, _column(left), int(bottom) - 1, _column(right))
        for left, top, right, bottom in _MERGED.findall(content)
    ]
    return merged, len(_HIDDEN.findall(content))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number - 1


def look_inside(path: str) -> tuple[list[str], bool]:
    """What openpyxl cannot keep of a workbook, in words; and whether there are formulas."""
    lost, has_formulas = list[str](), False
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            if (
                part.startswith("xl/media")
                and importlib.util.find_spec("PIL")
                and part.endswith((".png", ".jpeg", ".jpg"))
            ):
                continue
            if not _KEPT.fullmatch(part) and not part.endswith("/"):
                lost.append(next((words for begin, words in _LOST.items() if part.startswith(begin)), part))
            if part.startswith("xl/drawings/drawing") and _SHAPES.search(archive.read(part)):
                lost.append("drawn shapes")
            if part.startswith("xl/worksheets/sheet"):
                content = archive.read(part)
                has_formulas = has_formulas or b"<f>" in content or b"<f " in content
                if b"<extLst" in content:
                    lost.append("newer conditional formats, sparklines or lists of allowed values")
    return list(dict.fromkeys(lost)), has_formulas
