"""Tables that no block of the parser stands for: HTML, grids of `+---+`, columns parted by tabs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from rag.documents.readers.hidden import Offsets
from rag.text import line_spans
from rag.types import Block, Table

_HTML_TABLE = re.compile(r"<(?P<end>/)?table\b", re.IGNORECASE)
_HTML_ROW = re.compile(r"<tr\b", re.IGNORECASE)
_HTML_HEADER = re.compile(r"<th\b", re.IGNORECASE)
_HTML_CELL = re.compile(r"<td\b", re.IGNORECASE)
_HTML_HEAD = re.compile(r"<thead\b", re.IGNORECASE)
_HTML_PARTS = re.compile(r"<(?:tr|li|p|dt|dd|div|h[1-6]|summary)\b", re.IGNORECASE)
_GRID_RULE = re.compile(r"\+(?:-+\+)+")
_GRID_HEADER_RULE = re.compile(r"\+(?:=+\+)+")
_LEAST_TAB_ROWS = 4


def with_tables(blocks: Sequence[Block], tables: Iterable[Table]) -> list[Block]:
    """The blocks, each with those of the tables that reach into it; both are in order."""
    waiting = list(tables)
    found = []
    first = 0
    for block in blocks:
        while first < len(waiting) and waiting[first].end <= block.start:
            first += 1
        after = first
        while after < len(waiting) and waiting[after].start < block.end:
            after += 1
        inside = tuple(waiting[first:after])
        found.append(replace(block, tables=(*block.tables, *inside)) if inside else block)
    return found


def html_tables(text: str) -> Iterator[Table]:
    """The outermost tables written in HTML whose first row is a header, in order."""
    depth = start = 0
    for tag in _HTML_TABLE.finditer(text):
        if not tag["end"]:
            start = start if depth else tag.start()
            depth += 1
        elif depth:
            depth -= 1
            yield from () if depth else _html_table(text, start, tag.start())


def _html_table(text: str, start: int, end: int) -> Iterator[Table]:
    first, *rows = [row.start() for row in _HTML_ROW.finditer(text, start, end)] or [end]
    if not rows:
        return
    row = text[first : rows[0]]
    is_header = _HTML_HEADER.search(row) and not _HTML_CELL.search(row)
    if is_header or _HTML_HEAD.search(text, start, first):
        yield Table(first, rows[0], tuple(rows), end)


def html_parts(text: str, start: int, end: int) -> tuple[Offsets, ...]:
    """The rows, items and paragraphs of a block of HTML, at which it may be divided."""
    starts = [tag.start() for tag in _HTML_PARTS.finditer(text, start, end)]
    return tuple(zip(starts, [*starts[1:], end], strict=True)) if starts else ()


def line_tables(text: str) -> Iterator[Table]:
    """The tables drawn as grids, and those whose columns are parted by tabs, in order."""
    if "\t" not in text and "+=" not in text:
        return
    lines = [(a, b, text[a:b].strip(" ")) for a, b in line_spans(text)]
    for is_grid, run in groupby(lines, key=lambda line: _shape(line[2])):
        rows = list(run)
        if is_grid == -1:
            yield from _grid(rows)
        elif is_grid and len(rows) >= _LEAST_TAB_ROWS and _is_header(rows):
            yield Table(rows[0][0], rows[0][1], tuple(row[0] for row in rows[1:]), rows[-1][1])


def _shape(line: str) -> int:
    """-1 for a line of a grid, else how many tabs it has."""
    return -1 if line[:1] in ("+", "|") and line[-1:] == line[:1] else line.count("\t")


def _grid(rows: list[tuple[int, int, str]]) -> Iterator[Table]:
    """A grid whose first rows are parted from the others by a line of `=`."""
    rule = next((i for i, row in enumerate(rows) if _GRID_HEADER_RULE.fullmatch(row[2])), 0)
    if rule > 1 and _GRID_RULE.fullmatch(rows[0][2]):
        below = pairwise(rows[rule:])
        starts = tuple(b[0] for a, b in below if a[2][0] == "+" and b[2][0] == "|")
        yield Table(rows[1][0], rows[rule - 1][1], starts, rows[-1][1])


def _is_header(rows: list[tuple[int, int, str]]) -> bool:
    """Whether the first row has no digits, and most of the others do."""
    numbered = [any(map(str.isdigit, row[2])) for row in rows]
    return not numbered[0] and 2 * sum(numbered) >= len(rows)
