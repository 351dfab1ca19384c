"""Questions and answers in a document: which blocks are a question, and where its answer begins.

A pair is a block of kind `question` and what follows it, up to the next question or heading. Where
the answer is marked (`A:`), the question's block takes in the mark, so that the next block begins
with the answer itself.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from rag.text import line_spans, trimmed
from rag.types import Block

_FAQ_HEADING = re.compile(
    r"(?:\d+[.)]?\s+)?(?:the\s+)?"
    r"(?:faqs?|f\.a\.q\.|frequently[\s-]asked[\s-]questions?|common questions"
    r"|questions?\s+(?:and|&)\s+answers?|q\s?(?:&|and)\s?a)"
    r"(?:\s*\(.*\))?"
    r"(?:\s*[:–—-].*|\s+(?:about|for|on|of|from|in|by|with|regarding|concerning)\b.*)?[.!:]?",
    re.IGNORECASE | re.DOTALL,
)
_MARK = r"\s*(?P<bold>[*_]{{0,3}})(?:{})\s?\d{{0,3}}(?P=bold)?(?P<stop>[:.])(?P=bold)?"
_MARK_OPENS = ("Q", "A", "*", "_")
_QUESTION = re.compile(_MARK.format("Q|Question") + r"\s+(?=\S)")
_ANSWER = re.compile(_MARK.format("A|Ans|Answer") + r"(?=\s|$)")
_BOLD_QUESTION = re.compile(r"\s*(\*\*|__)(?P<label>[^*_]+\?)\s*\1\s*")


def is_faq_heading(label: str) -> bool:
    """Whether a heading says that questions and their answers follow."""
    return len(label) < 200 and _FAQ_HEADING.fullmatch(label.strip()) is not None


def is_marked(line: str) -> bool:
    """Whether a line opens with `Q:` or `A:`, or with a like mark."""
    opens = line.lstrip()[:1] in _MARK_OPENS
    return opens and bool(_QUESTION.match(line) or _ANSWER.match(line))


def with_questions(text: str, blocks: list[Block], title: str = "") -> list[Block]:
    """The blocks with the questions among them found; a title that means FAQ covers them all."""
    pieces = [piece for block in blocks for piece in _at_marks(text, block)]
    return _marked_pairs(text, _headed_pairs(text, pieces, is_faq_heading(title)))


def _headed_pairs(text: str, blocks: list[Block], everywhere: bool) -> list[Block]:
    """Below an FAQ heading, makes questions of headings, and text of the headings below those."""
    found: list[Block] = []
    groups = _groups(blocks)
    scope = 0 if everywhere else None
    question = 0
    for i, block in enumerate(blocks):
        if block.kind != "heading":
            bold = scope is not None and not question and _bold_question(text, blocks, i)
            found.append(bold or block)
        elif question and block.level > question:
            found.append(replace(block, kind="paragraph", level=0, label=""))
        else:
            question = 0
            if scope is not None and block.level <= scope:
                scope = None
            mark = _QUESTION.match(block.label)
            if is_faq_heading(block.label):
                scope = block.level if scope is None else scope
            elif (scope is not None or mark) and _is_question(blocks, i, i in groups):
                question = block.level
                label = block.label[mark.end() :] if mark else block.label
                block = replace(block, kind="question", label=label)
            found.append(block)
    return found


def _is_question(blocks: list[Block], i: int, is_group: bool) -> bool:
    """Whether a heading below an FAQ heading asks: it has an answer and is no group of others."""
    heading = blocks[i]
    if i + 1 == len(blocks):
        return False
    below = blocks[i + 1]
    if below.kind == "heading" and below.level <= heading.level:
        return False
    if heading.label.endswith("?"):
        return True
    return below.kind != "heading" and not is_group


def _groups(blocks: list[Block]) -> set[int]:
    """The headings that have one below them, of a deeper level, that asks."""
    found: set[int] = set()
    above: list[int] = []
    for i, block in enumerate(blocks):
        if block.kind != "heading":
            continue
        while above and blocks[above[-1]].level >= block.level:
            above.pop()
        if block.label.endswith("?"):
            found.update(above)
        above.append(i)
    return found


def _bold_question(text: str, blocks: list[Block], i: int) -> Block | None:
    """The block as a question, if it is a bold line that asks and an answer follows it."""
    block = blocks[i]
    if block.kind != "paragraph" or i + 1 == len(blocks) or blocks[i + 1].kind == "heading":
        return None
    bold = _BOLD_QUESTION.fullmatch(text, block.start, block.end)
    return replace(block, kind="question", label=_plain(bold["label"])) if bold else None


def _marked_pairs(text: str, blocks: list[Block]) -> list[Block]:
    """Makes questions of the paragraphs that open with `Q:`; ends questions where answers begin."""
    found: list[Block] = []
    for i, block in enumerate(blocks):
        below = blocks[i + 1] if i + 1 < len(blocks) else None
        block = _question(text, block, below) or block
        start = found[-1].end if found else 0
        if start > block.start:
            block = _from(text, block, start)
        if block.start < block.end:
            found.append(block)
    return found


def _question(text: str, block: Block, below: Block | None) -> Block | None:
    """The block as a question that ends where its answer begins, if it opens a pair."""
    if below is None or below.kind in ("heading", "question"):
        return None
    mark = _QUESTION.match(text, block.start, block.end) if block.kind == "paragraph" else None
    if block.kind != "question" and mark is None:
        return None
    if below.kind == "paragraph":
        answer = _ANSWER.match(text, below.start, below.end)
        if answer and (mark or answer["stop"] == ":"):
            return _as_question(text, block, mark, answer.end())
        if _QUESTION.match(text, below.start, below.end):
            return None
    if mark and mark["stop"] == ".":
        return None
    return _as_question(text, block, mark, block.end)


def _as_question(text: str, block: Block, mark: re.Match[str] | None, end: int) -> Block:
    label = block.label
    if mark:
        label = _plain(text[mark.end() : block.end].removesuffix(mark["bold"]))
    return replace(block, kind="question", label=label, end=end)


def _at_marks(text: str, block: Block) -> list[Block]:
    """A paragraph divided before its lines that open with a mark; another block as it is."""
    if block.kind != "paragraph":
        return [block]
    lines = line_spans(text, block.start, block.end)
    starts = [
        after[0]
        for line, after in pairwise(lines)
        if is_marked(text[slice(*after)][:40]) or _BOLD_QUESTION.fullmatch(text, *line)
    ]
    if not starts:
        return [block]
    bounds = [block.start, *starts, block.end]
    return [_from(text, replace(block, end=b), a) for a, b in pairwise(bounds)]


def _from(text: str, block: Block, start: int) -> Block:
    """What remains of a paragraph from `start` on, without the blank around it."""
    start, end = trimmed(text, start, block.end)
    return replace(block, start=start, end=end)


def _plain(question: str) -> str:
    return " ".join(question.split())
