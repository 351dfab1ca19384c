"""Where the words of a PDF are on its pages: packed for storage, looked up for a quote.

The packed form is five columns of 32-bit integers, deflated, in base64. A word has its offset and
its top, both relative to the word before, its left edge, its width and its height, in tenths of a
point. A page takes about 2 kB, and a quote unpacks only its own pages.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import attrgetter, itemgetter

from rag.types import Box, Document, PageBoxes
from rag.types.errors import REBUILD, CorruptIndex

# Where a word begins in the text; left, top, right and bottom in tenths of a point.
WordBox = tuple[int, int, int, int, int]
_Side = tuple[int, int]

_BLANK = re.compile(r"\s")
_start = itemgetter(0)
_TENTHS = 10
_COLUMNS = 5
# Beyond what any page holds.
_MOST_BYTES = 1 << 25
# Words on one line overlap by this share of the lower one's height. A gap of this many heights
# separates columns.
_SHARED = 0.5
_GAP = 3


def packed(words: Sequence[WordBox]) -> str:
    """At least one word, ordered by offset, as text."""
    starts, lefts, tops, rights, bottoms = zip(*words, strict=True)
    columns = (
        _steps(starts),
        lefts,
        (right - left for left, right in zip(lefts, rights, strict=True)),
        _steps(tops),
        (bottom - top for top, bottom in zip(tops, bottoms, strict=True)),
    )
    numbers = [number for column in columns for number in column]
    return base64.b64encode(zlib.compress(struct.pack(f"<{len(numbers)}i", *numbers))).decode()


@lru_cache(maxsize=16)  # a passage and its highlights are on the same pages
def unpacked(words: str) -> tuple[WordBox, ...]:
    """The words that `packed` packed. Raises ValueError for anything else."""
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(base64.b64decode(words, validate=True), _MOST_BYTES)
        numbers = struct.unpack(f"<{len(raw) // 4}i", raw)
    except (zlib.error, struct.error) as error:
        raise ValueError(f"the words of a page cannot be read: {error}") from error
    if not inflater.eof:
        raise ValueError("the words of a page have no end")
    count = len(numbers) // _COLUMNS
    steps, lefts, widths, falls, heights = (
        numbers[i * count : (i + 1) * count] for i in range(_COLUMNS)
    )
    return tuple(
        (start, left, top, left + width, top + height)
        for start, left, width, top, height in zip(
            accumulate(steps), lefts, widths, accumulate(falls), heights, strict=True
        )
    )


def boxes_of(document: Document, start: int, end: int) -> tuple[PageBoxes, ...]:
    """The boxes of `text[start:end]`, page by page; none in a document without pages to show.

    Raises CorruptIndex if its words cannot be unpacked.
    """
    first = max(0, bisect_right(document.words, start, key=attrgetter("start")) - 1)
    after = bisect_left(document.words, end, key=attrgetter("start"))
    found: list[PageBoxes] = []
    for page in document.words[first:after]:
        try:
            words = unpacked(page.words)
        except ValueError as error:
            raise CorruptIndex(f"{document.id}: {error}: {REBUILD}") from error
        lines = tuple(_lines(_quoted(words, document.text, start, end)))
        if found and found[-1].page == page.number:
            lines = (*found.pop().lines, *lines)
        if lines:
            found.append(PageBoxes(page.number, page.width, page.height, lines))
    return tuple(found)


def _quoted(words: Sequence[WordBox], text: str, start: int, end: int) -> list[WordBox]:
    """The words of `text[start:end]`, without what of the first and last lies outside."""
    first = max(0, bisect_right(words, start, key=_start) - 1)
    found = list(words[first : bisect_left(words, end, key=_start)])
    for i in {0, len(found) - 1} if found else ():
        found[i] = _cut(found[i], _end(words, first + i, text), start, end)
    return [word for word in found if word[1] < word[3]]


def _end(words: Sequence[WordBox], i: int, text: str) -> int:
    """Where in the text a word ends: before a blank, or where the next begins."""
    at = words[i][0]
    end = words[i + 1][0] if i + 1 < len(words) else len(text)
    blank = _BLANK.search(text, at, end)
    return blank.start() if blank else end


def _cut(word: WordBox, after: int, start: int, end: int) -> WordBox:
    """The part of a word within a quote, as if all its characters were as wide.

    Scripts without blanks have whole sentences in a word, and characters of one width.
    """
    at, left, top, right, bottom = word
    wide = (right - left) / max(1, after - at)
    outside = max(0, min(start, after) - at), max(0, after - end)
    return at, round(left + outside[0] * wide), top, round(right - outside[1] * wide), bottom


def _lines(words: Sequence[WordBox]) -> Iterator[Box]:
    """A box around the words of each line."""
    bounds = [0, *(i for i, pair in enumerate(pairwise(words), 1) if not _is_beside(*pair))]
    for first, after in pairwise([*bounds, len(words)]):
        line = words[first:after]
        if line:
            _, lefts, tops, rights, bottoms = zip(*line, strict=True)
            sides = min(lefts), min(tops), max(rights), max(bottoms)
            x0, y0, x1, y1 = (side / _TENTHS for side in sides)
            yield x0, y0, x1, y1


def _is_beside(word: WordBox, following: WordBox) -> bool:
    """Whether two words are on one line, without the gap between columns or cells.

    A line may run upwards or downwards; then its words are mostly higher than wide.
    """
    _, left, top, right, bottom = word
    _, next_left, next_top, next_right, next_bottom = following
    across, next_across = (left, right), (next_left, next_right)
    upright, next_upright = (top, bottom), (next_top, next_bottom)
    if _goes_on(across, next_across, upright, next_upright):
        return True
    is_high = right - left < bottom - top or next_right - next_left < next_bottom - next_top
    return is_high and _goes_on(upright, next_upright, across, next_across)


def _goes_on(along: _Side, next_along: _Side, across: _Side, next_across: _Side) -> bool:
    """Whether a line goes on from a word to the next, by their sides along and across it."""
    shared = min(across[1], next_across[1]) - max(across[0], next_across[0])
    thick = min(across[1] - across[0], next_across[1] - next_across[0])
    gap = max(next_along[0] - along[1], along[0] - next_along[1])
    return shared > _SHARED * thick and gap < _GAP * thick


def _steps(numbers: Iterable[int]) -> list[int]:
    """By how much each number is more than the one before it."""
    return [after - before for before, after in pairwise([0, *numbers])]
