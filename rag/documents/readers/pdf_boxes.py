"""Where the words of lines and tables stand on the page as it is displayed."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from rag.documents.readers.draft import row_lines, squeezed, without_blank
from rag.documents.readers.pdf_lines import PdfLine
from rag.documents.readers.pdf_page import Page, Word
from rag.types import Box

_TOKEN = re.compile(r"\S{1,200}")
_TENTHS = 10
# Some fonts say that they are higher than they are, over the lines above and below.
_TALLEST = 1.3
# Beyond any page; within it, every number fits into 32 bits.
_FARTHEST = 10_000_000


def note_boxes(line: PdfLine, page: Page) -> None:
    """Sets the boxes of a line whose text or rows are clean, and lets go of its words."""
    if line.rows:
        line.rows = without_blank([[squeezed(cell) for cell in row] for row in line.rows])
        text = "\n".join(filter(None, row_lines(line.rows)))
        placed = _in_table(text, line.words)
    else:
        placed = _in_order(line.text, line.words)
    line.boxes = array("i")
    for start, word in placed:
        line.boxes.extend((start, *map(_tenths, _displayed(word, page))))
    line.words = []


def size_of(page: Page) -> tuple[float, float]:
    """Width and height of the page as it is displayed, in points."""
    width, height = round(page.width, 1), round(page.height, 1)
    return (height, width) if page.turn % 2 else (width, height)


def _in_order(text: str, words: Sequence[Word]) -> Iterator[tuple[int, Word]]:
    """The words, in the order of the text, and where each begins in it."""
    at = 0
    for word in words:
        letters = squeezed(word.text)
        start = text.find(letters, at) if letters else -1
        if start >= 0:
            yield start, word
            at = start + len(letters)


def _in_table(text: str, words: Sequence[Word]) -> Iterator[tuple[int, Word]]:
    """The words of a table's text, and where each begins in it.

    Rows are in order from the top, so that of equal words the highest comes first.
    """
    waiting: defaultdict[str, deque[Word]] = defaultdict(deque)
    for word in sorted(words, key=lambda word: (word.top + word.bottom, word.x0)):
        waiting[squeezed(word.text)].append(word)
    for token in _TOKEN.finditer(text):
        at, end = token.span()
        while at < end:
            # Words without a gap between them make one token: a number and that of its note.
            after = next((n for n in range(end, at, -1) if waiting.get(text[at:n])), at)
            if after == at:
                break
            yield at, waiting[text[at:after]].popleft()
            at = after


def _displayed(word: Word, page: Page) -> Box:
    """The word's box on the page as it is displayed; `page.turn` quarters clockwise from here."""
    excess = max(0.0, word.bottom - word.top - _TALLEST * word.size) / 2
    x0, y0, x1, y1 = word.x0, word.top + excess, word.x1, word.bottom - excess
    if page.turn == 1:
        return page.height - y1, x0, page.height - y0, x1
    if page.turn == 2:
        return page.width - x1, page.height - y1, page.width - x0, page.height - y0
    if page.turn == 3:
        return y0, page.width - x1, y1, page.width - x0
    return x0, y0, x1, y1


def _tenths(points: float) -> int:
    return round(max(-_FARTHEST, min(points * _TENTHS, _FARTHEST)))
