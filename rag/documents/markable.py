"""The parts of a passage's text that an answer may mark: sentences, lines or rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from rag.documents.line_kinds import are_records, is_boilerplate, is_question
from rag.text import line_spans, sentences, trimmed

_TAGS = re.compile(r"<(?:tr|li|p|dt|dd|br|h[1-6])\b", re.IGNORECASE)
# More than an item's number or a speaker's name before a sentence.
_WORDS = re.compile(r"\w{2,}\W+\w{2,}")
# How far back in the line words before a sentence are looked for.
_NEAR = 200
# What parts the cells of a row.
_CELL = " | "
_DASHES = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?)?\s*")
_DIGIT = re.compile(r"\d")


def markable(text: str, start: int = 0) -> list[tuple[int, int]]:
    """The spans of `text[start:]` that may answer, in order: sentences, lines or rows.

    A line is one where each line is a record of its own; so is a row or item of HTML. Boilerplate,
    the header of a table of numbers, and a question on a line of its own answer nothing, unless
    there is nothing else.
    """
    found = [
        part
        for paragraph in _paragraphs(text, start)
        for line in _records(text, *paragraph)
        for sentence in sentences(text, *line)
        for part in _at_tags(text, *sentence)
    ]
    return [part for part in found if _answers(text, *part)] or found


def _paragraphs(text: str, start: int) -> list[tuple[int, int]]:
    """The runs of lines with no blank one between them."""
    found: list[tuple[int, int]] = []
    is_open = False
    for first, last in line_spans(text, start):
        is_blank = not text[first:last].strip()
        if is_open and not is_blank:
            found[-1] = (found[-1][0], last)
        elif not is_blank:
            found.append((first, last))
        is_open = not is_blank
    return found


def _records(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The lines of a paragraph of records, each with those that go on with it; else all of it."""
    if not are_records(text, start, end):
        return [(start, end)]
    found: list[tuple[int, int]] = []
    for first, last in line_spans(text, start, end):
        opening = text[first:last].lstrip()[:1]
        if found and (opening.islower() or opening in "–—"):
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found[_header_rows([text[first:last] for first, last in found]) :]


def _header_rows(rows: Sequence[str]) -> int:
    """How many rows of a table say what its columns are: one without a number, above such with one.

    In Markdown they are two: a row of dashes is below the header.
    """
    if len(rows) > 2 and _DASHES.fullmatch(rows[1]):
        return 2
    cells = rows[0].count(_CELL)
    below = [bool(_DIGIT.search(row)) for row in rows[1:] if row.count(_CELL) == cells]
    is_table = cells > 0 and len(below) == len(rows) - 1
    return int(is_table and not _DIGIT.search(rows[0]) and 2 * sum(below) > len(below))


def _at_tags(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A sentence, divided where a row, item or paragraph of HTML opens in it."""
    bounds = [start, *(tag.start() for tag in _TAGS.finditer(text, start + 1, end)), end]
    parts = [trimmed(text, a, b) for a, b in pairwise(bounds)]
    return [(a, b) for a, b in parts if a < b]


def _answers(text: str, start: int, end: int) -> bool:
    """Whether a span may answer a question."""
    near = max(0, start - _NEAR)
    line = text[max(near, text.rfind("\n", near, start) + 1) : start]
    stands_alone = not _WORDS.search(line) and text[end : end + 1] in ("", "\n", "\r")
    return not is_boilerplate(text[start:end]) and not (
        stands_alone and is_question(text[start:end])
    )
