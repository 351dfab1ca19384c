"""How a question stands in a block: in bold, as an item of a list, in a fold, in a row of a table.

Only the form is told here. Whether such a question opens an FAQ pair depends on where it stands:
see `rag.documents.readers.faq`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from rag.documents.readers.faq_marks import Mark, answer_mark, inline_answer, question_mark
from rag.documents.readers.faq_words import (
    ANSWER_COLUMNS,
    PAIR_WORDS,
    QUESTION_COLUMNS,
    folded,
)
from rag.documents.readers.labels import asks
from rag.text import line_spans, trimmed
from rag.types import Block

Form = Literal[
    "mark",
    "table",
    "fold",
    "summary",
    "tag",
    "term",
    "cell",
    "quote",
    "bold",
    "number",
    "counted",
    "letter",
    "bullet",
    "line",
]

_LONGEST = 300
_MOST_LINES = 5
_ITEM = re.compile(r"\s*(?:[-*+•‣◦]|(?P<number>\(?\d{1,9}[.)．、]))\s*")
_LETTER = re.compile(r"\s*\(?[a-zA-Z0-9]{1,2}\)\s+(?=\S)")
_EMPHASIS = re.compile(r"\s*(?:[^\w\s*_<>`|#(\[]+\s+)?(?P<mark>\*{1,3}|_{1,3})(?=[^\s*_])")
_TAG = re.compile(r"<(?P<tag>summary|dt|h[1-6]|strong|b)\b[^<>]*>", re.IGNORECASE)
_DESCRIPTION = re.compile(r"\s*<dd\b[^<>]*>", re.IGNORECASE)
_COMPONENT = re.compile(
    r"<[A-Z]\w*\s[^<>]*?\b(?:title|question|header|summary|label)=([\"'])(?P<label>[^\"'<>]+)\1[^<>]*>"
)
_CONTAINER = re.compile(
    r"\s*(?::{3,}|\?{3}\+?|!{3})\s*[\w-]+\s+[\"“]?(?P<label>\S[^\"”]*)[\"”]?\s*$"
)
# What opens a line of a quotation, what parts two of them, and a line break behind bold words.
_QUOTED = re.compile(r"(?:[ \t]*>)*[ \t]*(?P<sign>\[!\w+\][-+]?[ \t]*|#{1,6}[ \t]+)?")
_QUOTED_GAP = re.compile(r"[\s>]{0,200}")
_QUOTED_END = re.compile(r"(?:[\r\n]+[ \t>]*)+\Z")
_BREAK = re.compile(r"[ \t:]*<br ?/?>", re.IGNORECASE)
_ANSWERED_INLINE = re.compile(r"(?P<question>[^.!?？\r\n]{8,200}[?？][\"'”’»)]*)[ \t]+(?=[^\s?])")
_ANY_TAG = re.compile(r"</?\w[^<>]*>")
_CLOSERS = re.compile(r"(?:\s*(?:</\w+>|:{3,}|\|))+\s*\Z")
_LONGEST_CLOSERS = 200
_NUMBER = re.compile(
    r"(?:\(?\d{1,3}(?:\.\d{1,3})*[.)．、]|\d{1,3}(?:\.\d{1,3})+|\(?[a-zA-Z]\)|#\d{1,3}[.:)]?)\s*(?=\D)"
)
_COLUMNS = tuple(
    frozenset(
        map(folded, (*more, *(w for pair in PAIR_WORDS.values() for w in pair[at] if len(w) > 1)))
    )
    | {letter}
    for at, letter, more in ((0, "q", QUESTION_COLUMNS), (1, "a", ANSWER_COLUMNS))
)


@dataclass(frozen=True, slots=True)
class BlockQuestion:
    """A question in a block, from `start` to `end`, where its answer begins."""

    start: int
    end: int
    label: str
    form: Form


def asked_in(text: str, block: Block) -> list[BlockQuestion]:
    """The questions that stand out in a block, in order."""
    match block.kind:
        case "list":
            found = list(_items(text, block))
            return found if 2 * len(found) >= len(block.parts) else []
        case "table":
            return list(_rows(text, block))
        case "paragraph" if text.startswith("<", block.start):
            return list(_tagged(text, block))
        case "paragraph":
            return list(_lines(text, block))
        case "quote":
            return list(_quoted(text, block))
    return []


def bare_question(label: str) -> str:
    """A question without the number, the mark and the signs before it, and the signs behind it.

    >>> bare_question("❓ 3) Q: How do I join? ↑")
    'How do I join?'
    """
    while asks(label) and (label[-1] in " #¶" or unicodedata.category(label[-1])[0] in "SC"):
        label = label[:-1]
    while label:
        bare = label.lstrip(" \t\u200d\ufe0e\ufe0f")
        if bare and unicodedata.category(bare[0]) in ("So", "Sk"):
            bare = bare[1:]
        number = _NUMBER.match(bare)
        bare = bare[number.end() :] if number else bare
        mark = question_mark(bare, 0, len(bare))
        bare = bare[mark.end :].removesuffix(mark.bold) if mark else bare
        if bare == label:
            break
        label = bare
    return " ".join(label.split())


def is_bold_question(text: str, start: int, end: int) -> bool:
    """Whether a line is nothing but a question in bold."""
    found = _bold(text, start, end)
    return found is not None and found[0] == end


def without_closers(text: str, start: int, end: int) -> int:
    """Where a span ends without the markup that closes it: `</details>`, `:::`, `|`."""
    found = _CLOSERS.search(text, max(start, end - _LONGEST_CLOSERS), end)
    return found.start() if found else end


def without_quote_marks(text: str, start: int, end: int) -> int:
    """Where a span ends without the blank lines of a quotation at its end."""
    found = _QUOTED_END.search(text, max(start, end - _LONGEST_CLOSERS), end)
    return found.start() if found else end


def _lines(text: str, block: Block) -> Iterator[BlockQuestion]:
    """The questions that are lines of a paragraph, or open one."""
    for start, end in line_spans(text, block.start, block.end):
        if end - start > 2 * _LONGEST and not _EMPHASIS.match(text, start, end):
            continue
        yield from _line(text, start, end, block)


def _line(text: str, start: int, end: int, block: Block) -> Iterator[BlockQuestion]:
    line = text[start:end]
    opened = _CONTAINER.match(line) or _COMPONENT.match(line.lstrip())
    lettered = _LETTER.match(line)
    if opened and asks(opened["label"]):
        yield BlockQuestion(start, end, bare_question(opened["label"]), "fold")
    elif question_mark(line, 0, len(line)):
        return
    elif bold := _bold(text, start, end):
        yield BlockQuestion(start, *bold, "bold")
    elif lettered and _is_question(line[lettered.end() :]):
        yield BlockQuestion(start, end, bare_question(line), "letter")
    elif start == block.start and _is_question(line):
        yield BlockQuestion(start, end, bare_question(line), "line")


def _quoted(text: str, block: Block) -> Iterator[BlockQuestion]:
    """The questions in a quotation: the first line, marked ones, bold ones and its headings."""
    for start, end in line_spans(text, block.start, block.end):
        opening = _QUOTED.match(text, start, end)
        gap = _QUOTED_GAP.match(text, end, block.end)
        assert opening and gap
        first = opening.end()
        after = gap.end() if gap.end() < block.end else end
        if mark := question_mark(text, first, end):
            if found := inline_answer(text, first, end, mark):
                yield BlockQuestion(
                    start, found[1].end, bare_question(text[first : found[0]]), "mark"
                )
            elif (answer := answer_mark(text, after, block.end)) and mark.answered_by(answer):
                yield BlockQuestion(start, answer.end, bare_question(text[first:end]), "mark")
        elif bold := _bold(text, first, end):
            yield BlockQuestion(start, after if bold[0] == end else bold[0], bold[1], "quote")
        elif (start == block.start or opening["sign"]) and _is_question(text[first:end]):
            form: Form = "fold" if "[!" in opening[0] else "quote"
            yield BlockQuestion(start, after, bare_question(text[first:end]), form)


def _bold(text: str, start: int, end: int) -> tuple[int, str] | None:
    """Where an emphasised question that opens a line ends, and its words.

    Text may follow strong emphasis; a question in plain emphasis is alone on its line.
    """
    opening = _EMPHASIS.match(text, start, end)
    if opening is None:
        return None
    mark, first = opening["mark"], opening.end()
    close = text.find(mark, first, min(end, first + _LONGEST))
    while close >= 0:
        label, rest = text[first:close], text[close + len(mark) : end].strip(" \t:\\")
        if asks(label) and (len(mark) > 1 or not rest):
            after = close + len(mark)
            if line_break := _BREAK.match(text, after, end):
                after = line_break.end()
            return (after if rest else end), bare_question(label)
        close = text.find(mark, close + len(mark), min(end, first + _LONGEST))
    return None


def _is_question(line: str) -> bool:
    return len(line) <= _LONGEST and asks(line)


def _tagged(text: str, block: Block) -> Iterator[BlockQuestion]:
    """The questions in HTML: summaries, components with a title, terms, headings, bold text."""
    done = block.start
    for tag in _TAG.finditer(text, block.start, block.end):
        close = text.find(f"</{tag['tag']}>", tag.end(), min(block.end, tag.end() + 2 * _LONGEST))
        if tag.start() < done or close < 0:
            continue
        label = _ANY_TAG.sub("", text[tag.end() : close]).strip()
        is_fold = tag["tag"].lower() == "summary"
        fold = text.rfind("<details", done, tag.start()) if is_fold else -1
        if asks(label) or (label and is_fold):
            done = text.index(">", close) + 1
            start = fold if fold >= 0 else tag.start()
            if described := _DESCRIPTION.match(text, done, block.end):
                done = described.end()
            form: Form = "term" if tag["tag"].lower() == "dt" else "tag"
            if is_fold:
                form = "fold" if asks(label) else "summary"
            yield BlockQuestion(start, done, bare_question(label), form)
    for opened in _COMPONENT.finditer(text, done, block.end):
        if asks(opened["label"]):
            yield BlockQuestion(*opened.span(), bare_question(opened["label"]), "fold")


def _items(text: str, block: Block) -> Iterator[BlockQuestion]:
    """The items of a list that open with a question."""
    openings = [(_ITEM.match(text, *part), part[0]) for part in block.parts]
    firsts = [marker.end() if marker else start for marker, start in openings]
    inline = [_ANSWERED_INLINE.match(text, first) for first in firsts]
    all_inline = len(inline) > 1 and all(inline)
    for i, (start, end) in enumerate(block.parts):
        (marker, _), first, answered = openings[i], firsts[i], inline[i]
        lines = line_spans(text, first, end)[:_MOST_LINES]
        form: Form = "number" if marker and marker["number"] else "bullet"
        if mark := question_mark(text, first, end):
            after = block.parts[i + 1][1] if i + 1 < len(block.parts) else end
            if found := _marked(text, first, after, mark):
                yield BlockQuestion(start, *found, "mark")
        elif found := _bold(text, *lines[0]) or _first_paragraph(text, lines):
            yield BlockQuestion(start, *found, form)
        elif all_inline and answered:
            yield BlockQuestion(start, answered.end(), bare_question(answered["question"]), form)
        elif form == "number" and len(block.parts) == 1 and end - first <= _LONGEST:
            yield BlockQuestion(start, end, bare_question(text[first:end]), "counted")


def _marked(text: str, start: int, end: int, mark: Mark) -> tuple[int, str] | None:
    """Where the marked answer of an item begins, in the item or as the next one; the question."""
    if found := inline_answer(text, start, end, mark):
        return found[1].end, bare_question(text[start : found[0]])
    for first, last in line_spans(text, start, end)[1:_MOST_LINES]:
        marker = _ITEM.match(text, first, last)
        answer = answer_mark(text, marker.end() if marker else first, last)
        if answer and mark.answered_by(answer):
            return answer.end, bare_question(text[start:first])
    return None


def _first_paragraph(text: str, lines: list[tuple[int, int]]) -> tuple[int, str] | None:
    """Where a question that opens an item ends, and its words: its first line or paragraph."""
    first, end = lines[0]
    if not _is_question(text[first:end]):
        for _, last in lines[1:]:
            if not text[end + 1 : last].strip():
                break
            end = last
    label = text[first:end]
    return (end, bare_question(label)) if _is_question(label) and not _is_link(label) else None


def last_number(text: str, block: Block) -> int:
    """The number of a list's last item, -1 for none."""
    marker = _ITEM.match(text, *block.parts[-1])
    return int(re.sub(r"\D", "", marker["number"])) if marker and marker["number"] else -1


def _is_link(label: str) -> bool:
    """Whether a label is a link into its own document, as in a table of contents."""
    return label.startswith("[") and "](#" in label


def _rows(text: str, block: Block) -> Iterator[BlockQuestion]:
    """The rows of a table with columns of questions and of answers."""
    first_line = line_spans(text, block.start, block.end)[0]
    header = [folded(text[slice(*cell)].strip("*_ ")) for cell in _cells(text, *first_line)]
    columns = [
        next((i for i, cell in enumerate(header) if cell in names), -1) for names in _COLUMNS
    ]
    named = 0 <= columns[0] < columns[1]
    if not named:
        columns = _asking_columns(text, block)
    if not columns:
        return
    asked, answer = columns
    above = block.start
    for row in block.parts:
        cells = _cells(text, *row)
        if len(cells) > answer and all(text[slice(*cells[at])].strip() for at in columns):
            start = above if above == block.start else row[0]
            above = row[0]
            label = bare_question(text[slice(*cells[asked])])
            yield BlockQuestion(start, cells[answer][0], label, "table" if named else "cell")


def _asking_columns(text: str, block: Block) -> list[int]:
    """The first column with nothing but questions and the one behind it; none if no column has."""
    rows = ([text[slice(*cell)] for cell in _cells(text, *row)] for row in block.parts)
    first = next(rows, [])
    asking = [i for i, cell in enumerate(first[:-1]) if asks(cell)] if len(block.parts) > 1 else []
    while asking and (cells := next(rows, None)):
        asking = [i for i in asking if asks("".join(cells[i : i + 1]))]
    return [asking[0], asking[0] + 1] if asking else []


def _cells(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The spans of a row's cells, without the blank around them."""
    bars = [at for at in range(start, end) if text[at] == "|" and text[at - 1 : at] != "\\"]
    opened = [] if bars[:1] == [start] else [start - 1]
    closed = [] if bars[-1:] == [end - 1] else [end]
    return [trimmed(text, a + 1, b) for a, b in pairwise([*opened, *bars, *closed])]
