"""The lines of an unmarked text, told apart; the rules are stated in `plain_text`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rag.documents.readers.faq_marks import answer_mark, is_marked
from rag.documents.readers.labels import UNSEEN, asks
from rag.text import line_spans

LineKind = Literal[
    "blank", "item", "more", "row", "quote", "note", "mark", "underlined", "underline", "prose"
]

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
CLOSING_QUOTES = ("”", '"', "»", "“")
_OPENING_QUOTES = ("“", '"', "«", "„")
_ITEM = re.compile(r"(?:[-*+•‣◦]|(?P<number>[0-9]{1,3})[.)]|\((?P<bracketed>[0-9]{1,3})\))\s+\S")
_TABLE_RULE = re.compile(r"(?=.*\|)(?=.*-)[|\s:+-]+")
_UNDERLINE = re.compile(r"([=\-~^*#_+])\1{2,}")
_NOTE = re.compile(r"(?:[–—]|--)\s?\w")
_ATTRIBUTED = re.compile(r"[”\"»“]\s*(?:[–—]|--?)\s?[^”\"»“]+$")
_WIDEST_WRAP = 120
# An answer stands so many lines below its question at most.
_NEAR_QUESTION = 8


@dataclass(frozen=True, slots=True)
class Line:
    """A line without the blank around it; `indent` counts the blank before it."""

    start: int
    end: int
    indent: int
    text: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines of a text and, for each, what it is and whether it goes on in the next one."""

    lines: list[Line]
    kinds: list[LineKind]
    runs_on: list[bool]


def layout_of(text: str) -> Layout:
    """The lines of a text, told apart."""
    lines = [_line(text, start, end) for start, end in line_spans(text)]
    kinds = _kinds(lines)
    return Layout(lines, kinds, _runs_on(lines, kinds))


def ends_sentence(line: str) -> bool:
    """Whether a line closes with the stop of a sentence, quotes and brackets aside."""
    return _SENTENCE_END.search(line[-8:]) is not None


def is_attributed(line: str) -> bool:
    """Whether a line closes with a quotation mark and, after a dash, the one who is quoted."""
    return _ATTRIBUTED.search(line[-200:]) is not None


def item_number(line: str) -> int | None:
    """The number that opens a line like an item of a numbered list; None if none does."""
    item = _ITEM.match(line)
    number = item and (item["number"] or item["bracketed"])
    return int(number) if number else None


def _line(text: str, start: int, end: int) -> Line:
    line = text[start:end]
    bare = line.strip()
    if bare == line and line[:1] not in UNSEEN:
        return Line(start, end, 0, line)
    indent = len(line) - len(line.lstrip()) if bare else 0
    end = start + indent + len(bare)
    bare = bare.lstrip(UNSEEN).lstrip()
    return Line(end - len(bare), end, indent, bare)


def _kinds(lines: list[Line]) -> list[LineKind]:
    kinds: list[LineKind] = []
    for i in range(len(lines)):
        kinds.append(_kind(lines, kinds, i))
    for i in range(1, len(kinds) - 1):
        if kinds[i] == "prose" and kinds[i - 1] in ("item", "more") and kinds[i + 1] == "item":
            kinds[i] = "more"
    return kinds


def _kind(lines: list[Line], kinds: list[LineKind], i: int) -> LineKind:
    line = lines[i]
    above = kinds[i - 1] if i else "blank"
    if not line.text:
        return "blank"
    if above == "underlined":
        return "underline"
    if "|" in line.text and (above == "row" or _is_table_rule(lines, i + 1)):
        return "row"
    if above == "blank" and _is_underlined(lines, i):
        return "underlined"
    if _is_mark(lines, kinds, i):
        return "mark"
    if _ITEM.match(line.text):
        return "item"
    if above in ("item", "more") and (line.indent or line.text[0].islower()):
        return "more"
    if _NOTE.match(line.text) and _follows_quote(lines, kinds, i):
        return "note"
    return "quote" if line.text.startswith(_OPENING_QUOTES) else "prose"


def _is_mark(lines: list[Line], kinds: list[LineKind], i: int) -> bool:
    """Whether a line opens with the mark of a question or an answer.

    `A. Hours` answers only if it is near a question: else it is the first of several headings.
    """
    line = lines[i].text[:40]
    if not is_marked(line):
        return False
    answer = answer_mark(line, 0, len(line))
    near = range(max(0, i - _NEAR_QUESTION), i)
    return (
        answer is None
        or answer.alone
        or any(kinds[k] == "mark" or asks(lines[k].text[-8:]) for k in near)
    )


def _is_table_rule(lines: list[Line], i: int) -> bool:
    return i < len(lines) and _TABLE_RULE.fullmatch(lines[i].text) is not None


def _is_underlined(lines: list[Line], i: int) -> bool:
    if i + 1 == len(lines) or not _UNDERLINE.fullmatch(lines[i + 1].text):
        return False
    line = lines[i].text
    return abs(len(line) - len(lines[i + 1].text)) <= 3 and any(map(str.isalpha, line))


def _follows_quote(lines: list[Line], kinds: list[LineKind], i: int) -> bool:
    above = next((k for k in (i - 1, i - 2) if k >= 0 and kinds[k] != "blank"), None)
    return above is not None and lines[above].text.endswith(CLOSING_QUOTES)


def _runs_on(lines: list[Line], kinds: list[LineKind]) -> list[bool]:
    runs_on = [False] * len(lines)
    for first, last in _prose_runs(kinds):
        if first == last:
            continue
        run = range(first, last)
        width = max(len(line.text) for line in lines[first : last + 1])
        is_open = {i: not _closes(lines[i].text) for i in run}
        is_full = {i: _is_full(lines[i], lines[i + 1], width) for i in run}
        half_open = 2 * sum(is_full[i] and is_open[i] for i in run) >= len(run) > 0
        wrapped = half_open and width <= _WIDEST_WRAP
        for i in run:
            low = lines[i + 1].text[0].islower()
            goes_on = (low or is_full[i]) if wrapped else (low and is_open[i])
            runs_on[i] = goes_on and kinds[i + 1] != "mark"
    return runs_on


def _prose_runs(kinds: list[LineKind]) -> Iterator[tuple[int, int]]:
    """The first and last lines of each run of prose lines."""
    first = 0
    for i in range(len(kinds) + 1):
        if i == len(kinds) or kinds[i] not in ("prose", "quote", "mark"):
            if first < i:
                yield first, i - 1
            first = i + 1


def _closes(line: str) -> bool:
    return ends_sentence(line) or is_attributed(line)


def _is_full(line: Line, below: Line, width: int) -> bool:
    """Whether the first word of the line below would not have fitted into the width."""
    next_word = below.text[: _WIDEST_WRAP + 1].split(maxsplit=1)[0]
    return len(line.text) + 1 + len(next_word) > width
