"""Marks: the sentences, lines and rows of passages that an answer may mark, and their token rows.

Worked out once, when the index is built, so that a question neither tokenises nor splits anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rag.index.columns import Buffer, Kinds, pack, unpack
from rag.text import are_records, is_boilerplate, is_question, line_spans, sentences, trimmed
from rag.types import Passage, Section

Sentences = npt.NDArray[np.int32]

_TAGS = re.compile(r"<(?:tr|li|p|dt|dd|br|h[1-6])\b", re.IGNORECASE)
# More than an item's number or a speaker's name before a sentence.
_WORDS = re.compile(r"\w{2,}\W+\w{2,}")
# How far back in the line words before a sentence are looked for.
_NEAR = 200
# What parts the cells of a row.
_CELL = " | "
_DASHES = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?)?\s*")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """The sentences of all passages, one after another.

    `sentences` int32 (n, 4): where each starts and ends in its passage's text, in characters, and
    its first and last token row, half open, counted from the passage's first. `starts` int64
    (n_passages + 1,): passage i has sentences starts[i] to starts[i + 1]. Within a passage they
    are in order, do not overlap, and each holds a token.
    """

    sentences: Sentences
    starts: npt.NDArray[np.int64]

    def of(self, passage: int) -> Sentences:
        """The sentences of one passage, int32 (m, 4)."""
        return self.sentences[self.starts[passage] : self.starts[passage + 1]]


KINDS: Kinds = {"sentences": (np.int32, 2), "starts": (np.int64, 1)}


def pack_marks(marks: Marks) -> memoryview:
    """The content of the file of these marks."""
    return pack({"sentences": marks.sentences, "starts": marks.starts})


def open_marks(raw: Buffer) -> Marks:
    """The marks in the content of their file."""
    return Marks(**unpack(raw, KINDS))


def markable_from(passage: Passage, section: Section) -> int:
    """Where in the passage's text its sentences begin: in an FAQ pair, where the answer does."""
    start = section.body_start if section.kind == "faq" else passage.start
    return min(max(start, passage.start), passage.end) - passage.start


def sentences_of(
    text: str, start: int, pieces: Sequence[tuple[int, int]], tokens: int
) -> Sentences:
    """The sentences of a passage's text from `start` on that hold tokens, int32 (m, 4).

    `pieces` are the spans of the text's word pieces. The passage has `tokens` rows: those of its
    context, if any, come before those of its text.
    """
    starts = [piece[0] for piece in pieces]
    spans = np.array(markable(text, start), dtype=np.int32).reshape(-1, 2)
    rows = np.searchsorted(starts, spans).astype(np.int32) + (tokens - len(pieces))
    found = np.hstack([spans, np.clip(rows, 0, tokens)])
    return found[found[:, 2] < found[:, 3]]


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


def marks(passages: Iterable[Sentences]) -> Marks:
    """The marks of passages with these sentences, in their order."""
    blocks = [np.zeros((0, 4), dtype=np.int32), *passages]
    starts = np.cumsum([len(block) for block in blocks], dtype=np.int64)
    return Marks(np.concatenate(blocks), starts)
