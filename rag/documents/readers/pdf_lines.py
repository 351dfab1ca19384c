"""The words of a page become lines: those on one baseline, up to a gap wider than between words."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rag.documents.readers.pdf_page import UNMAPPED, Word

BULLETS = frozenset("•◦▪●○■□▸►➢➤❖✓‣⁃·–")
_LEFTWARD = re.compile("[\u0590-\u08ff\ufb1d-\ufefc]")
# Gaps and distances in parts of the size of the letters.
_GAP = 1.1
_GAP_OUT_OF_ORDER = 0.45
_TOUCHING = 0.05
_ROW_OVERLAP = 0.5


@dataclass(slots=True)
class PdfLine:
    """Words side by side, or a table that stands there (`rows`).

    `boxes` are those of its words on the page as displayed, five numbers a word: where it begins in
    the text, and left, top, right, bottom in tenths of a point. `margin` is -1 in the upper margin
    of a page and 1 in the lower; `level` is that of a heading.
    """

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    size: float = 0.0
    is_bold: bool = False
    is_italic: bool = False
    tag: int = 0
    words: list[Word] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    boxes: array[int] = field(default_factory=lambda: array("i"))
    margin: int = 0
    level: int = 0


@dataclass(slots=True)
class PageLines:
    """A page's lines in reading order; `size` is its width and height as it is displayed."""

    number: int
    lines: list[PdfLine]
    size: tuple[float, float] = (0.0, 0.0)


def rows_of(words: Sequence[Word]) -> list[list[PdfLine]]:
    """The lines of each row, from the left; rows from the top."""
    rows: list[list[Word]] = []
    spans: list[tuple[float, float]] = []
    for word in sorted(words, key=lambda word: (word.top + word.bottom, word.x0)):
        for i in range(len(rows) - 1, max(-1, len(rows) - 4), -1):
            top, bottom = spans[i]
            shared = min(bottom, word.bottom) - max(top, word.top)
            if shared > _ROW_OVERLAP * min(bottom - top, word.bottom - word.top):
                rows[i].append(word)
                break
        else:
            rows.append([word])
            spans.append((word.top, word.bottom))
    return [_parted(row) for row in rows]


def is_beside(a: PdfLine, b: PdfLine) -> bool:
    """Whether two lines stand on one row of the page."""
    return abs(a.bottom - b.bottom) < 0.4 * max(a.size, b.size) and not a.rows and not b.rows


def _parted(row: list[Word]) -> list[PdfLine]:
    row.sort(key=lambda word: word.x0)
    parts = [[row[0]]]
    end = row[0].x1
    for left, right in pairwise(row):
        gap = right.x0 - end
        size = max(left.size, right.size)
        follows = right.order in (left.order + 1, left.order - 1)
        if gap > size * (_GAP if follows else _GAP_OUT_OF_ORDER):
            parts.append([])
        parts[-1].append(right)
        end = max(end, right.x1)
    if len(parts) > 1 and parts[0][0].text == UNMAPPED:
        parts[0][0].text = "•"
    return [_line(part) for part in parts]


def _line(words: list[Word]) -> PdfLine:
    if _runs_left(words):
        # The file tells how words of both directions follow each other.
        words = sorted(words, key=lambda word: word.order)
    if words[0].text == UNMAPPED and len(words) > 1 and words[1].text[0].isalpha():
        words[0].text = "•"
    sizes: Counter[float] = Counter()
    for word in words:
        sizes[word.size] += len(word.text)
    return PdfLine(
        text=_spaced(words),
        x0=min(word.x0 for word in words),
        top=min(word.top for word in words),
        x1=max(word.x1 for word in words),
        bottom=max(word.bottom for word in words),
        size=max(sizes, key=lambda size: sizes[size]),
        is_bold=all(word.is_bold for word in words),
        is_italic=all(word.is_italic for word in words),
        tag=words[0].tag if all(word.tag == words[0].tag for word in words) else 0,
        words=words,
    )


def _spaced(words: list[Word]) -> str:
    """The words with blanks between, but not where one goes on without a gap."""
    parts = [words[0].text]
    for left, right in pairwise(words):
        # A raised number, or small capitals, stand at the word without a gap.
        is_same = right.size != left.size and right.order == left.order + 1
        if not is_same or abs(right.x0 - left.x1) > _TOUCHING * right.size:
            parts.append(" ")
        parts.append(right.text)
    return "".join(parts)


def _runs_left(words: list[Word]) -> bool:
    letters = "".join(word.text for word in words)
    return not letters.isascii() and 2 * len(_LEFTWARD.findall(letters)) > len(letters)
