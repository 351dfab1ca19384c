"""Plain text without markup: finds headings, lists, tables, quotations and FAQ pairs by rule.

Lines are told apart first:
- a list item opens with `-`, `*`, `+`, `•` or a number (`1.`, `(1)`); indented lines, and lines
  that open with a lower-case letter, go on with the item above; blank lines may part items;
- a table is a line with `|` over a line of dashes and `|`, and the lines with `|` below it;
- a quotation opens with a quotation mark and closes with one; its attribution (`– A. Name`) is
  part of it, on the same line or the next;
- `Q:` and `A:` open a question and its answer; `faq` has the other forms of FAQ pairs.

Other lines are prose. A run of prose lines is hard-wrapped when no line is longer than 120
characters and at least half of its line ends stand within a sentence, where the next word would not
have fitted into the longest line. In wrapped prose a line so full goes on in the next, and so does
any line before a lower-case letter; the rest are paragraphs of their own.

A prose line is a heading when all of this holds:
- it reads like a title: at most 14 words and 100 characters, opens with a capital, a digit or a
  letter without case, holds a letter, does not close with a stop (one in capitals may) or a small
  word such as `the`, and holds no address; one that closes with `?` has capitals throughout or
  opens with a word that asks;
- it begins something: before it stands nothing, a blank line, a heading, a list, a table, a
  quotation, or a line that ends a sentence;
- something stands below it: after a blank line, anything; else a list, a table, a quotation, a
  line of at least 50 characters, a sentence longer than itself by half (any sentence, if the
  heading has at most four words), or one more heading;
- it is not one of many: more than two such lines without a blank line between them, more than
  three in a row, or several of the form `Name: value` are a list of names, an address or a title
  page.
`2.1 Methods` is a heading of level 2; so may `2. Methods` be one of level 1, if no item stands
next to it and none of the items before and after it counts on. A line underlined with `===` is a
heading of level 1, with `---` or the like of level 2. All other headings are of level 1. Below a
heading that means FAQ, a line of up to 300 characters that closes with `?` is a question.

A byte-order mark inside, where files were joined, counts as a line end. A text of more than 20,000
lines of less than 8 characters each, on average, is one paragraph.

What these rules cannot tell: a two-line address over a letter, and a short sentence without its
stop, look like headings; a heading of two lines, in lower case or with a colon at its end does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from rag.documents.readers.faq import with_questions
from rag.documents.readers.labels import shortened, without_marks
from rag.documents.readers.plain_headings import headings_in
from rag.documents.readers.plain_lines import CLOSING_QUOTES, Layout, is_attributed, layout_of
from rag.documents.readers.tables import line_tables, with_tables
from rag.text import trimmed
from rag.types import Block, Table

# A line costs some ten microseconds to tell apart: shorter ones are not worth it.
_FEW_LINES = 20_000
_SHORTEST_LINE = 8


def plain_blocks(text: str) -> tuple[Block, ...]:
    """The blocks of an unmarked text, by the rules above, in order."""
    text = without_marks(text)
    if _is_dense(text):
        return _whole(text)
    layout = layout_of(text)
    blocks = with_tables(list(_blocks(layout, headings_in(layout))), line_tables(text))
    found = with_questions(text, blocks, blocks[0].label if blocks else "", ranked=False)
    return tuple(
        replace(block, label=shortened(block.label)) if block.label else block for block in found
    )


def paragraph_blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a text that is known to hold neither headings nor FAQ pairs, in order."""
    return _whole(text) if _is_dense(text) else tuple(_blocks(layout_of(text), {}))


def line_ends(text: str) -> int:
    """How many line ends a text has."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _is_dense(text: str) -> bool:
    """Whether a text has so many and so short lines that it is no prose."""
    return line_ends(text) > max(_FEW_LINES, len(text) // _SHORTEST_LINE)


def _whole(text: str) -> tuple[Block, ...]:
    start, end = trimmed(text, 0, len(text))
    return (Block("paragraph", start, end),) if start < end else ()


def _blocks(layout: Layout, headings: dict[int, int]) -> Iterator[Block]:
    i = 0
    while i < len(layout.lines):
        kind = layout.kinds[i]
        if kind == "blank":
            i += 1
            continue
        if i in headings:
            after = i + 2 if kind == "underlined" else i + 1
            yield _heading(layout, i, after, headings[i])
        elif kind == "row":
            after = _table_end(layout, i)
            yield _table(layout, i, after)
        elif kind in ("item", "more"):
            after = _list_end(layout, i, headings)
            yield _list(layout, i, after)
        else:
            after = _prose_end(layout, i)
            yield _prose(layout, i, after)
        i = after


def _span(layout: Layout, first: int, after: int) -> tuple[int, int]:
    return layout.lines[first].start, layout.lines[after - 1].end


def _heading(layout: Layout, first: int, after: int, level: int) -> Block:
    start, end = _span(layout, first, after)
    return Block("heading", start, end, level, " ".join(layout.lines[first].text.split()))


def _table_end(layout: Layout, i: int) -> int:
    while i < len(layout.kinds) and layout.kinds[i] == "row":
        i += 1
    return i


def _table(layout: Layout, first: int, after: int) -> Block:
    start, end = _span(layout, first, after)
    rows = tuple((line.start, line.end) for line in layout.lines[first + 2 : after])
    table = Table(start, layout.lines[first].end, tuple(row for row, _ in rows), end)
    return Block("table", start, end, parts=rows, tables=(table,))


def _list_end(layout: Layout, first: int, headings: dict[int, int]) -> int:
    """The line after the last item; blank lines are part of a list if an item follows."""
    after = first + 1
    for i in range(first + 1, len(layout.kinds)):
        kind = layout.kinds[i]
        if i in headings or kind not in ("item", "more", "blank"):
            break
        if kind != "blank":
            after = i + 1
    return after


def _list(layout: Layout, first: int, after: int) -> Block:
    firsts = [i for i in range(first + 1, after) if layout.kinds[i] == "item"]
    parts = [_item(layout, a, b) for a, b in pairwise([first, *firsts, after])]
    start, end = _span(layout, first, after)
    return Block("list", start, end, parts=tuple(parts))


def _item(layout: Layout, first: int, after: int) -> tuple[int, int]:
    return layout.lines[first].start, max(
        line.end for line in layout.lines[first:after] if line.text
    )


def _prose_end(layout: Layout, i: int) -> int:
    """The line after a paragraph, and after the attribution of a quotation."""
    while layout.runs_on[i]:
        i += 1
    for below in range(i + 1, min(i + 3, len(layout.kinds))):
        if layout.kinds[below] == "note":
            return below + 1
        if layout.kinds[below] != "blank":
            break
    return i + 1


def _prose(layout: Layout, first: int, after: int) -> Block:
    start, end = _span(layout, first, after)
    quoted = layout.kinds[first] == "quote" and _is_closed(layout, after - 1)
    return Block("quote" if quoted else "paragraph", start, end)


def _is_closed(layout: Layout, last: int) -> bool:
    """Whether a quotation ends in its last line, or with the one who is quoted."""
    line = layout.lines[last].text
    return layout.kinds[last] == "note" or line.endswith(CLOSING_QUOTES) or is_attributed(line)
