"""Where marked questions (`Q:`) stand, and where the answers of all questions begin."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from rag.documents.readers.faq_forms import is_bold_question
from rag.documents.readers.faq_marks import (
    Mark,
    answer_mark,
    behind_sign,
    inline_answer,
    is_marked,
    question_mark,
)
from rag.text import line_spans, trimmed
from rag.types import Block


def with_answers(text: str, blocks: list[Block]) -> list[Block]:
    """Makes questions of the paragraphs that open with `Q:`; ends questions where answers begin."""
    found: list[Block] = []
    for i, block in enumerate(blocks):
        below = blocks[i + 1] if i + 1 < len(blocks) else None
        pieces = _question(text, block, below) or [block]
        start = found[-1].end if found else 0
        for piece in pieces:
            piece = rest_of(text, piece, start) if start > piece.start else piece
            if piece.start < piece.end:
                found.append(piece)
    return found


def _question(text: str, block: Block, below: Block | None) -> list[Block] | None:
    """The question of a block that opens a pair, up to where its answer begins, and the rest."""
    mark = question_mark(text, block.start, block.end) if block.kind == "paragraph" else None
    if block.kind != "question" and mark is None:
        return None
    if mark and (inline := inline_answer(text, mark.end, block.end, mark)):
        asked, answer = inline
        rest = rest_of(text, replace(block, parts=()), answer.end)
        return [_as_question(text, block, mark, asked, answer.end), rest]
    if below is None or below.kind in ("heading", "question"):
        return None
    if below.kind == "paragraph":
        found = answer_mark(text, below.start, below.end)
        if found and (mark.answered_by(found) if mark else found.alone):
            return [_as_question(text, block, mark, block.end, found.end)]
        if question_mark(text, below.start, below.end):
            return None
    if mark and not mark.alone:
        return None
    sign = behind_sign(text, below.start, below.end)
    return [_as_question(text, block, mark, block.end, sign if sign > below.start else block.end)]


def _as_question(text: str, block: Block, mark: Mark | None, asked: int, end: int) -> Block:
    label = block.label
    if mark:
        label = " ".join(text[mark.end : asked].rstrip().removesuffix(mark.bold).split())
    return replace(block, kind="question", label=label, end=end)


def at_marks(text: str, block: Block) -> list[Block]:
    """A paragraph divided before its lines that open with a mark; another block as it is."""
    if block.kind != "paragraph":
        return [block]
    lines = line_spans(text, block.start, block.end)
    starts = []
    asked = None
    for line, after in pairwise(lines):
        asked = question_mark(text, *line) or asked
        answer = answer_mark(text, *after)
        answers = asked is not None and answer is not None and asked.answered_by(answer)
        if answers or is_marked(text[slice(*after)]) or is_bold_question(text, *line):
            starts.append(after[0])
    if not starts:
        return [block]
    bounds = [block.start, *starts, block.end]
    return [rest_of(text, replace(block, end=b), a) for a, b in pairwise(bounds)]


def rest_of(text: str, block: Block, start: int) -> Block:
    """What remains of a paragraph from `start` on, without the blank around it."""
    start, end = trimmed(text, start, block.end)
    return replace(block, start=start, end=end)
