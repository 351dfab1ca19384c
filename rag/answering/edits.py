"""Word-by-word differences between two texts, and the part of a text most like a quote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import regex

from rag.text import UNSPACED
from rag.types import Edit, Span

# Characters of scripts that put no blanks between words count as words of their own.
_ALONE = rf"{UNSPACED}\p{{Hangul}}"
_WORD = regex.compile(rf"[{_ALONE}]\p{{M}}*|[[\w\p{{N}}\u00ad]--[{_ALONE}]]+", regex.VERSION1)
_TOKEN = regex.compile(rf"(?:{_WORD.pattern}|[^\w\s]+)\s*|\s+|.", regex.DOTALL | regex.VERSION1)
_MARKS = regex.compile(r"[^\w\s]*")

# How far from its old place a changed text is looked for, in characters each way.
REACH = 20_000
# With fewer words in common, two texts are not the same one reworded.
LEAST_ALIKE = 0.4
# Beyond so many pairs of equal words, matching takes seconds; then only both ends are matched. Two
# wordings of one paragraph have some thousands.
MOST_PAIRS = 20_000


def edits(old: str, new: str) -> tuple[Edit, ...]:
    """The differences in order: same and removed give `old`, same and added give `new`.

    >>> edits("within 30 days", "within 90 days")[1:3]
    (Edit(kind='removed', text='30 '), Edit(kind='added', text='90 '))
    """
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    found: list[Edit] = []
    for tag, a_start, a_end, b_start, b_end in _changes(a, b):
        if tag == "equal":
            found.append(Edit("same", "".join(a[a_start:a_end])))
            continue
        if a_start < a_end:
            found.append(Edit("removed", "".join(a[a_start:a_end])))
        if b_start < b_end:
            found.append(Edit("added", "".join(b[b_start:b_end])))
    return tuple(found)


def most_alike(text: str, quote: str, near: int) -> Span | None:
    """The part of the text near a place that shares most words with the quote.

    Of equally good parts, the nearest. None if too few words are shared.
    """
    wanted = _words(quote, 0, len(quote))
    start = max(0, min(near, len(text)) - REACH)
    words = _words(text, start, min(near, len(text)) + len(quote) + REACH)
    if not wanted or not words:
        return None
    alike, first = _best_window(words, wanted, near)
    if alike < LEAST_ALIKE * len(wanted):
        return None
    first, after = _aligned(words, wanted, first)
    return _with_marks(text, quote, words[first].start, words[after - 1].end)


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    folded: str


def _words(text: str, start: int, end: int) -> list[_Word]:
    return [
        _Word(found.start(), found.end(), found[0].casefold())
        for found in _WORD.finditer(text, start, end)
    ]


def _changes(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """difflib's opcodes, in bounded time."""
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    a_end, b_end = len(a) - tail, len(b) - tail
    if head:
        yield "equal", 0, head, 0, head
    if _pairs(a[head:a_end], b[head:b_end]) > MOST_PAIRS:
        yield "replace", head, a_end, head, b_end
    else:
        matcher = SequenceMatcher(None, a[head:a_end], b[head:b_end], autojunk=False)
        for tag, i, j, k, m in matcher.get_opcodes():
            yield tag, head + i, head + j, head + k, head + m
    if tail:
        yield "equal", a_end, len(a), b_end, len(b)


def _pairs(a: Sequence[str], b: Sequence[str]) -> int:
    """The number of pairs of equal words: what difflib scans for each longest run."""
    counts = Counter(b)
    return sum(counts[word] for word in a)


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    """The length of the common prefix."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (one, other) in pairs if one != other), min(len(a), len(b)))


def _best_window(words: list[_Word], wanted: list[_Word], near: int) -> tuple[int, int]:
    """The best run of words as long as the quote: how many it shares, and where it begins."""
    size = min(len(wanted), len(words))
    missing = Counter(word.folded for word in wanted)
    shared, best = 0, (-1, 0, 0)
    for after, word in enumerate(words, start=1):
        shared += missing[word.folded] > 0
        missing[word.folded] -= 1
        if after > size:
            left = words[after - size - 1].folded
            missing[left] += 1
            shared -= missing[left] > 0
        if after >= size:
            first = after - size
            best = max(best, (shared, -abs(words[first].start - near), -first))
    return best[0], -best[2]


def _aligned(words: list[_Word], wanted: list[_Word], first: int) -> tuple[int, int]:
    """The run of words, extended or cut to the places of the quote's first and last word."""
    size, slack = len(wanted), len(wanted) // 2 + 2
    low, high = max(0, first - slack), min(len(words), first + size + slack)
    a, b = [word.folded for word in wanted], [word.folded for word in words[low:high]]
    if _pairs(a, b) > MOST_PAIRS:
        return first, min(len(words), first + size)
    *blocks, _ = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    start = low + blocks[0].b - blocks[0].a
    end = low + blocks[-1].b + size - blocks[-1].a
    return max(low, start), min(high, end)


def _with_marks(text: str, quote: str, start: int, end: int) -> Span:
    """The span, with the punctuation at each end at which the quote has some."""
    if not _WORD.match(quote.strip()[:1]):
        start -= _marks(text[max(0, start - 8) : start][::-1])
    if not _WORD.match(quote.strip()[-1:]):
        end += _marks(text[end : end + 8])
    return Span(start, end)


def _marks(text: str) -> int:
    found = _MARKS.match(text)
    return found.end() if found else 0
