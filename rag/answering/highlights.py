"""Highlights: the sentences of passages that answer, by their alignment with the question."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence

from rag.answering.alignment import Alignment, Extent
from rag.answering.search import Query
from rag.text import line_spans, stems, words
from rag.types import Passage, Span

# What a sentence gains that has all of the question's numbers. Chosen on one half of squad2:
# docs/decisions/0007-signals.md
NUMBERS = 0.03

_ITEM = re.compile(r"\A\W*\d{1,3}[.)]\s")
_WITH_DIGIT = re.compile(r"[^ \d]*\d[^ ]*")
_NO_DIGIT = re.compile(r"\D+")
_WRITTEN_AS_ONE = re.compile(r"\d+(?:[.:/-]\d+)+")
_ENTRY = re.compile(r"[-*+•|<]|\d{1,3}[.)]\s")


def highlights(
    query: Query, passages: Sequence[Passage], aligned: Sequence[Alignment], close: float
) -> list[tuple[Span, ...]]:
    """For each passage the span of the sentence nearest to the question, or of two, in order.

    The nearest is the one that holds most of the question, as the confidence counts it. The second
    is marked too if it holds at most `close` less.

    Token vectors do not tell one number from the next. So a sentence that has the question's
    numbers gains a little, and of lines, rows and items only those with most of them can be marked.
    In an FAQ pair only the answer can be marked. Without tokens in question or passage nothing is
    marked.
    """
    numbers = _numbers_of(query.text, query.stems)
    found = []
    for passage, each in zip(passages, aligned, strict=True):
        scores = each.coverages.tolist() if each.spans else []
        if numbers and scores:
            gains = _by_numbers(numbers, passage.text, each.spans)
            scores = [score + gain for score, gain in zip(scores, gains, strict=True)]
        nearest = (each.spans[at] for at in _nearest(scores, close))
        found.append(tuple(Span(passage.start + a, passage.start + b) for a, b in nearest))
    return found


def _by_numbers(numbers: frozenset[str], text: str, spans: Sequence[Extent]) -> list[float]:
    """What each sentence gains by the question's numbers that it has, that of an item aside."""
    asked = [_digits(number) for number in numbers]
    counts = [_count(numbers, asked, text[start:end]) for start, end in spans]
    most = max(counts)
    have_most = [count == most > 0 for count in counts]
    if any(has and _is_entry(text, *span) for has, span in zip(have_most, spans, strict=True)):
        return [0.0 if has else -math.inf for has in have_most]
    return [NUMBERS * count / len(numbers) for count in counts]


def _count(numbers: frozenset[str], asked: Sequence[str], sentence: str) -> int:
    """How many of the numbers a sentence has; `asked` are the digits of each."""
    # Finding all of its words takes a while; mostly their digits are not there.
    digits = _digits(sentence)
    if not any(each in digits for each in asked):
        return 0
    return len(numbers & _numbers_in(sentence))


def _digits(text: str) -> str:
    """The digits of a text in all forms, one after another."""
    return _NO_DIGIT.sub("", unicodedata.normalize("NFKD", text))


def _numbers_in(sentence: str) -> frozenset[str]:
    bare = _ITEM.sub("", sentence, count=1)
    if bare.isascii():
        # Finding the other words takes a while, and changes nothing. Blanks part words only here.
        bare = " ".join(_WITH_DIGIT.findall(bare))
    has_digit = any(map(str.isdigit, bare))
    return _numbers_of(bare, stems(words(bare))) if has_digit else frozenset()


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
