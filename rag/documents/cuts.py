"""Where a block that is too long for a passage may be cut."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise

from rag.documents.line_kinds import are_records, is_question
from rag.documents.window import Region
from rag.text import line_spans, sentences
from rag.types import Block

# With more rows than these the best of them no longer lifts the passage above the others.
MOST_ROWS = 10
_STEPS = 8
_BREAK = re.compile(r"<br\s{0,9}/?>\s{0,9}", re.IGNORECASE)


def has_many_rows(block: Block) -> bool:
    return len(row_starts(block)) > MOST_ROWS


def row_starts(block: Block) -> list[int]:
    """Where rows start in a block, except the one that stays with the header of its table."""
    rows = [at for table in block.tables for at in table.rows[block.start <= table.start :]]
    return [at for at in rows if block.start < at < block.end]


def part_starts(region: Region, block: Block, room: int) -> list[int]:
    """Where the parts of a block begin, cut only as finely as each of them needs to fit."""
    spans = [(block.start, block.end)]
    if has_many_rows(block):
        spans = list(pairwise([block.start, *row_starts(block), block.end]))
    elif region.count(block.start, block.end) <= room:
        return [block.start]
    finer_steps = [_sentence_starts, _line_starts, _break_starts]
    if are_records(region.text, block.start, block.end):
        finer_steps.reverse()
    # Which spans fit is known of those that an earlier step left alone.
    fitting: set[int] = set()
    for starts_in in (_own_parts, *finer_steps, _word_starts, _piece_starts):
        if len(fitting) == len(spans):
            break
        finer = []
        for start, end in spans:
            if start in fitting or region.count(start, end) <= room:
                fitting.add(start)
                finer.append((start, end))
            else:
                inner = [
                    at for at in starts_in(region, block, start, end, room) if start < at < end
                ]
                finer.extend(pairwise([start, *inner, end]))
        spans = finer
    return [start for start, _ in spans]


def _own_parts(region: Region, block: Block, start: int, end: int, room: int) -> list[int]:
    return sorted({*(a for a, _ in block.parts[1:]), *row_starts(block)})


def _sentence_starts(region: Region, block: Block, start: int, end: int, room: int) -> list[int]:
    return [a for a, _ in sentences(region.text, start, end)]


def _line_starts(region: Region, block: Block, start: int, end: int, room: int) -> list[int]:
    """The starts of lines, except below a question or a line that ends in a colon."""
    lines = [(a, b) for a, b in line_spans(region.text, start, end) if region.text[a:b].strip()]
    above = (region.text[max(a, b - 8) : b].rstrip() for a, b in lines)
    return [
        after[0]
        for before, (_, after) in zip(above, pairwise(lines), strict=False)
        if not is_question(before) and not before.endswith((":", "："))
    ]


def _break_starts(region: Region, block: Block, start: int, end: int, room: int) -> list[int]:
    """The starts of lines that end with `<br>`."""
    return [found.end() for found in _BREAK.finditer(region.text, start, end)]


def _word_starts(region: Region, block: Block, start: int, end: int, room: int) -> list[int]:
    """The starts of words, no closer to each other than is of use."""
    text, pieces = region.text, region.pieces
    first, after = bisect_left(pieces, start), bisect_left(pieces, end)
    words = [i for i in range(first + 1, after) if text[pieces[i] - 1].isspace()]
    found: list[int] = []
    last = first
    for word, following in pairwise([*words, after]):
        if word - last >= room // _STEPS or following - last > room:
            found.append(pieces[word])
            last = word
    return found


def _piece_starts(region: Region, block: Block, start: int, end: int, room: int) -> list[int]:
    first, after = bisect_left(region.pieces, start), bisect_left(region.pieces, end)
    step = max(1, room // _STEPS)
    return region.pieces[first + step : after : step].tolist()
