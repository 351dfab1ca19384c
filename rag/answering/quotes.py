"""Quotes: the sentences or rows that answer a question, exactly as they stand in the documents."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.text import line_spans
from rag.types import CitedPassage, Passage, Quote

# Of the first passages, those nearly as good as the best one are quoted.
MAX_QUOTED = 3
NEARLY = 0.85
# The list, table or code that a sentence announces is quoted with it if it is no longer than this.
MAX_ANNOUNCED = 800

# What may stand between two sentences, rows or items that are one quote.
_MARKUP = re.compile(r"[\s|>*+\d.)-]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s")
# What may follow a blank line within a list.
_GOES_ON = re.compile(rf"{_ITEM.pattern}| {{2}}|\t")


def quotes(cited: Sequence[CitedPassage]) -> tuple[Quote, ...]:
    """What answers, of the passages for a question, in their order; none without passages.

    Of each passage that is nearly as good as the best one, it is the sentences marked in it. Those
    with only markup between them are one quote. One that ends with a colon is quoted with the
    block below it. If no sentence is marked in any passage, the best one is quoted whole.
    """
    strong = [
        each
        for each in cited[:MAX_QUOTED]
        if each.rank == 1 or each.hit.score >= NEARLY * cited[0].hit.score
    ]
    found = [_quote(each, *span) for each in strong for span in _spans(each)]
    return tuple(found or [_quote(each, 0, len(each.hit.passage.text)) for each in cited[:1]])


def _quote(cited: CitedPassage, start: int, end: int) -> Quote:
    """The quote of a part of the passage's text."""
    passage = cited.hit.passage
    first, last = passage.start + start, passage.start + end
    text = passage.text[start:end]
    return Quote(text, cited.rank, passage.id, passage.document_id, first, last)


def _spans(cited: CitedPassage) -> list[tuple[int, int]]:
    """The parts of the passage's text to quote, in order."""
    passage = cited.hit.passage
    joined: list[tuple[int, int]] = []
    for span in cited.highlights:
        start, end = span.char_start - passage.start, span.char_end - passage.start
        end = _with_announced(passage, start, end)
        if joined and _MARKUP.fullmatch(passage.text, joined[-1][1], max(start, joined[-1][1])):
            start, end = joined[-1][0], max(end, joined.pop()[1])
        joined.append((start, end))
    return joined


def _with_announced(passage: Passage, start: int, end: int) -> int:
    """The end of the block below a sentence that ends with a colon; else that of the sentence.

    Such a sentence says little without the list, table or code that it announces.
    """
    if not passage.text[start:end].rstrip(" \t\r\n*_").endswith((":", "：")):
        return end
    below = _block_end(passage.text, end)
    return below if below - end <= MAX_ANNOUNCED else end


def _block_end(text: str, at: int) -> int:
    """The end of the next block: a run of lines, a list with blank lines in it, or fenced code."""
    lines = [span for span in line_spans(text, at) if text[slice(*span)].strip()]
    if not lines:
        return at
    end = lines[0][1]
    opening = text[slice(*lines[0])]
    fence, is_list = _FENCE.match(opening), _ITEM.match(opening)
    for start, stop in lines[1:]:
        line = text[start:stop]
        if fence and line.lstrip().startswith(fence[1]):
            return stop
        is_next = len(line_spans(text, end, start)) <= 2 or (is_list and _GOES_ON.match(line))
        if not (fence or is_next):
            break
        end = stop
    return end
