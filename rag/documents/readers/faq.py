"""Questions and answers in a document: which blocks are a question, and where its answer begins.

A pair is a block of kind `question` and what follows it, up to the next question or heading. Where
the answer is marked (`A:`), the question's block takes in the mark, so that the next block begins
with the answer itself.

Marked questions (`Q:`) and tables of questions and answers are pairs wherever they stand. Headings,
folds, bold lines and items are, if a heading or the title announces an FAQ, or if most headings or
folds of the document ask. One form is used at a time: below a question that is a heading, bold
lines and items that ask belong to its answer, until the next heading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rag.documents.readers.faq_answers import at_marks, rest_of, with_answers
from rag.documents.readers.faq_forms import (
    BlockQuestion,
    asked_in,
    bare_question,
    last_number,
    without_closers,
    without_quote_marks,
)
from rag.documents.readers.faq_headings import announces_faq, is_faq_heading, is_nothing_but_faq
from rag.documents.readers.faq_marks import question_mark
from rag.documents.readers.labels import asks
from rag.types import Block

# The level of a scope that a line opens which is no heading.
_ANNOUNCED = 7


def with_questions(text: str, blocks: list[Block], title: str, ranked: bool = True) -> list[Block]:
    """The blocks with the questions among them found; a title that means FAQ covers them all.

    If headings are not `ranked`, levels tell nothing: then the title covers those that ask.
    """
    pieces = [piece for block in blocks for piece in at_marks(text, block)]
    return with_answers(text, _Pairs(text, pieces, _whole_scope(title, ranked, pieces)).found())


@dataclass(frozen=True, slots=True)
class _Scope:
    """The part of a document that is FAQ, below a heading of a level (0: all of it).

    If it is `sure`, headings without a question mark count as questions too.
    """

    level: int
    sure: bool

    def ends_at(self, heading: Block) -> bool:
        """Whether a heading is no part of it."""
        if self.level == _ANNOUNCED:
            return not asks(heading.label)
        return heading.level <= self.level


class _Pairs:
    """Finds the pairs in the blocks of a document, in one pass."""

    def __init__(self, text: str, blocks: list[Block], scope: _Scope | None) -> None:
        self._text = text
        self._blocks = blocks
        self._groups = _groups(blocks)
        self._asked = [asked_in(text, block) for block in blocks]
        self._forms = Counter(asked.form for each in self._asked for asked in each)
        self._headings = sum(block.kind == "heading" and asks(block.label) for block in blocks)
        self._all = scope
        self._scope = scope
        # The level of the heading that asks; below others, the form of their questions and the
        # number of the last.
        self._question = 0
        self._form = ""
        self._number = -1

    def found(self) -> list[Block]:
        """The blocks, questions among them."""
        return [piece for i in range(len(self._blocks)) for piece in self._pieces(i)]

    def _pieces(self, i: int) -> list[Block]:
        block = self._blocks[i]
        if block.kind == "heading":
            return [self._heading(i)]
        if self._announces(i):
            self._scope, self._question, self._form = _Scope(_ANNOUNCED, sure=True), 0, ""
            return [block]
        asked = self._asked_in(i)
        if not asked and self._form == "fold":
            return _unclosed(self._text, block)
        if not self._counts(i):
            return [block]
        self._form = self._form or asked[0].form
        self._number = last_number(self._text, block) if block.kind == "list" else -1
        return list(_divided(self._text, block, asked))

    def _heading(self, i: int) -> Block:
        block = self._blocks[i]
        if self._question and block.level > self._question:
            return replace(block, kind="paragraph", level=0, label="")
        self._question, self._form = 0, ""
        if self._scope and self._scope.ends_at(block):
            self._scope = self._all
        mark = question_mark(block.label, 0, len(block.label))
        if is_faq_heading(block.label):
            if self._scope is None or not self._scope.sure:
                self._scope = _Scope(block.level, is_nothing_but_faq(block.label))
        elif (self._scope or (mark and mark.strong)) and self._is_question(i):
            self._question = block.level
            return replace(block, kind="question", label=bare_question(block.label))
        return block

    def _announces(self, i: int) -> bool:
        """Whether a line that is no heading says FAQ and no more, with questions right below."""
        block = self._blocks[i]
        is_line = block.kind == "paragraph" or (block.kind == "list" and len(block.parts) == 1)
        if not is_line or not any(self._asked[i + 1 : i + 3]):
            return False
        return announces_faq(self._text[block.start : block.end])

    def _is_question(self, i: int) -> bool:
        """Whether a heading in an FAQ asks: it has an answer and is no group of others."""
        heading = self._blocks[i]
        if i + 1 == len(self._blocks):
            return False
        below = self._blocks[i + 1]
        if below.kind == "heading" and below.level <= heading.level:
            return False
        if asks(heading.label):
            return True
        sure = self._scope is None or self._scope.sure
        grouped = i in self._groups or self._counts(i + 1)
        return sure and below.kind != "heading" and not grouped

    def _counts(self, i: int) -> bool:
        """Whether the questions in a block open pairs, where it stands."""
        asked = self._asked_in(i)
        if not asked:
            return False
        form = asked[0].form
        if form in ("mark", "table"):
            return True
        if form == "counted":
            number = last_number(self._text, self._blocks[i])
            counts_on = self._form == "number" and number == self._number + 1
            return counts_on and self._is_answered(i)
        if self._question or self._form not in ("", form):
            return False
        if form == "fold" and self._forms["fold"] > max(1, self._forms["summary"]):
            return self._is_answered(i)
        if form == "line" and (self._forms["line"] < 2 or len(self._forms) > 1 or self._headings):
            return False
        return self._scope is not None and self._is_answered(i)

    def _is_answered(self, i: int) -> bool:
        """Whether each question of a block has an answer, the last one maybe in the next block."""
        asked = self._asked_in(i)
        ends = [*(each.start for each in asked[1:]), self._blocks[i].end]
        answers = [
            self._text[each.end : end].strip() for each, end in zip(asked, ends, strict=True)
        ]
        return all(answers[:-1]) and (bool(answers[-1]) or self._is_answer(i + 1, asked[-1]))

    def _is_answer(self, i: int, asked: BlockQuestion) -> bool:
        """Whether a block may answer a question that stands above it."""
        if i == len(self._blocks) or self._blocks[i].kind == "heading":
            return False
        opening = self._asked[i][:1]
        return not any(
            each.form == asked.form and each.start == self._blocks[i].start for each in opening
        )

    def _asked_in(self, i: int) -> list[BlockQuestion]:
        """The questions in a block; in a sure FAQ, summaries without a question mark among them."""
        if self._scope is not None and self._scope.sure:
            return [replace(a, form="fold") if a.form == "summary" else a for a in self._asked[i]]
        return [asked for asked in self._asked[i] if asked.form != "summary"]


def _whole_scope(title: str, ranked: bool, blocks: list[Block]) -> _Scope | None:
    """The scope of a document that is FAQ as a whole: by its title, or by most of its headings."""
    if is_faq_heading(title):
        return _Scope(0, ranked and is_nothing_but_faq(title))
    headings = [block for block in blocks if block.kind == "heading"]
    if len(headings) > 1 and [h.level for h in headings].count(headings[0].level) == 1:
        headings = headings[1:]
    asking = sum(asks(heading.label) for heading in headings)
    return _Scope(0, sure=False) if asking > 1 and 2 * asking > len(headings) else None


def _groups(blocks: list[Block]) -> set[int]:
    """The headings that have one below them, of a deeper level, that asks."""
    found: set[int] = set()
    above: list[int] = []
    for i, block in enumerate(blocks):
        if block.kind != "heading":
            continue
        while above and blocks[above[-1]].level >= block.level:
            above.pop()
        if asks(block.label):
            found.update(above)
        above.append(i)
    return found


def _divided(text: str, block: Block, asked: list[BlockQuestion]) -> Iterator[Block]:
    """A block as its questions and what answers them."""
    if block.start < asked[0].start:
        above = replace(block, kind="paragraph", end=asked[0].start, parts=())
        if not _is_closer(text, above):
            yield rest_of(text, above, block.start)
    for each, end in zip(asked, [*(a.start for a in asked[1:]), block.end], strict=True):
        yield Block("question", each.start, each.end, label=each.label)
        if each.form in ("fold", "table", "cell", "term"):
            end = without_closers(text, each.end, end)
        elif block.kind == "quote":
            end = without_quote_marks(text, each.end, end)
        answer = rest_of(text, Block("paragraph", each.end, end), each.end)
        if answer.start < answer.end:
            yield answer


def _unclosed(text: str, block: Block) -> list[Block]:
    """A block without the markup that closes a fold at its end; none if it is nothing else."""
    end = without_closers(text, block.start, block.end)
    parts = tuple((a, min(b, end)) for a, b in block.parts if a < end)
    return [replace(block, end=end, parts=parts)] if end > block.start else []


def _is_closer(text: str, block: Block) -> bool:
    """Whether a block is nothing but markup that closes a fold."""
    return without_closers(text, block.start, block.end) <= block.start
