"""Highlights: the sentences of passages that answer, by their alignment with the question."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from rag.answering.alignment import Alignment, Place
from rag.answering.search import Query
from rag.text import line_spans, stems
from rag.types import Passage, Span

# What a question token's cosine loses if it is found in the sentence before, or in the heading
# above the first one; what a sentence gains that has all of the question's numbers. Chosen on one
# half of squad2: docs/decisions/0007-signals.md
BEFORE = 0.25
ABOVE = 0.1
NUMBERS = 0.03

_ITEM = re.compile(r"\A\W*\d{1,3}[.)]\s")
_WRITTEN_AS_ONE = re.compile(r"\d+(?:[.:/-]\d+)+")
_ENTRY = re.compile(r"[-*+•|<]|\d{1,3}[.)]\s")

# What parts the cells of a row.
_CELL = " | "


def highlights(
    query: Query, passages: Sequence[Passage], aligned: Sequence[Alignment], close: float
) -> list[tuple[Span, ...]]:
    """For each passage the span of the sentence nearest to the question, or of two, in order.

    A sentence scores as a passage does: the mean over query tokens of the best cosine among its
    tokens. A token may also be found in the sentence before (for the first one, in the heading or
    question above; for a row of a table, in its header), at a cost: `It takes hours.` says of what
    it speaks one sentence earlier. The second best is marked too if its score is at most `close`
    below the best.

    Token vectors do not tell one number from the next. So a sentence that has the question's
    numbers gains a little, and of lines, rows and items only those with most of them can be marked.
    In an FAQ pair only the answer can be marked. Without tokens in question or passage nothing is
    marked.
    """
    numbers = _numbers_of(query.text, query.stems)
    found = []
    for passage, each in zip(passages, aligned, strict=True):
        scores = _scores(each, passage.text)
        if numbers and scores:
            gains = _by_numbers(numbers, passage.text, each.spans)
            scores = [score + gain for score, gain in zip(scores, gains, strict=True)]
        nearest = (each.spans[at] for at in _nearest(scores, close))
        found.append(tuple(Span(passage.start + a, passage.start + b) for a, b in nearest))
    return found


def nearest_sentence(passage: Passage, alignment: Alignment) -> str:
    """The sentence of a passage that is nearest to the question, by its own tokens alone.

    The first of equally near ones; "" if question or passage have no tokens.
    """
    if not alignment.spans:
        return ""
    start, end = alignment.spans[int(alignment.within.mean(axis=1).argmax())]
    return passage.text[start:end]


def _scores(alignment: Alignment, text: str) -> list[float]:
    """The scores of the sentences of a passage's text."""
    if not alignment.spans:
        return []
    lent = np.roll(alignment.within, 1, axis=0) - np.float32(BEFORE)
    for at, lender in enumerate(_lenders(text, alignment.spans)):
        if lender >= 0:
            lent[at] = alignment.before[lender] - np.float32(ABOVE)
    scores: list[float] = np.maximum(alignment.within, lent).mean(axis=1).tolist()
    return scores


def _lenders(text: str, spans: Sequence[Place]) -> list[int]:
    """For each sentence the one that it borrows from what stands above of; -1: the one before.

    The first sentence borrows from the heading, and each row of a table from the table's header.
    """
    lenders: list[int] = []
    end, header = 0, -1
    for at, (start, after) in enumerate(spans):
        if _CELL in text[end:start]:
            header = at
        elif _CELL not in text[start:after]:
            header = -1
        lenders.append(header if at else 0)
        end = after
    return lenders


def _by_numbers(numbers: frozenset[str], text: str, spans: Sequence[Place]) -> list[float]:
    """What each sentence gains by the question's numbers that it has, that of an item aside."""
    counts = [len(numbers & _numbers_in(text[start:end])) for start, end in spans]
    most = max(counts)
    have_most = [count == most > 0 for count in counts]
    if any(has and _is_entry(text, *span) for has, span in zip(have_most, spans, strict=True)):
        return [0.0 if has else -math.inf for has in have_most]
    return [NUMBERS * count / len(numbers) for count in counts]


def _numbers_in(sentence: str) -> frozenset[str]:
    bare = _ITEM.sub("", sentence, count=1)
    has_digit = any(map(str.isdigit, bare))
    return _numbers_of(bare, stems(bare)) if has_digit else frozenset()


def _numbers_of(text: str, terms: Sequence[str]) -> frozenset[str]:
    """The text's stems with digits, and what is written as one: `1.2.1`, `2024-05-07`."""
    numbers = [term for term in terms if any(map(str.isdigit, term))]
    return frozenset([*numbers, *_WRITTEN_AS_ONE.findall(text)])


def _is_entry(text: str, start: int, end: int) -> bool:
    """Whether a sentence opens a row or an item, or is a line of its own beside others."""
    if _ENTRY.match(text, start):
        return True
    lines = line_spans(text)
    [at] = [i for i, (_, last) in enumerate(lines) if start <= last][:1]
    is_line = not text[lines[at][0] : start].strip() and not text[end : lines[at][1]].strip()
    beside = lines[max(0, at - 1) : at] + lines[at + 1 : at + 2]
    return is_line and any(text[a:b].strip() for a, b in beside)


def _nearest(scores: Sequence[float], close: float) -> list[int]:
    """The places of the sentences to mark, in order: the best, and the second if it is close."""
    best = sorted(range(len(scores)), key=lambda at: (-scores[at], at))[:2]
    return sorted(at for at in best if scores[at] >= scores[best[0]] - close)
