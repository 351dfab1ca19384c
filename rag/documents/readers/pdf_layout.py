"""The words of a page become lines and tables in the order in which a person reads them.

1. Words on one baseline make a row; a gap that is wider than between words parts it into lines.
2. Ruling lines that cross make a table, and so do rows whose gaps stand below each other.
3. A strip that hardly any line crosses, with text on both sides, parts columns: what stands above a
   line that crosses it is read before what stands below, and there the left column first.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from rag.documents.readers.pdf_lines import PdfLine, rows_of
from rag.documents.readers.pdf_page import Page
from rag.documents.readers.pdf_tables import aligned, ruled
from rag.documents.readers.pdf_typed_rules import typed_rules

# Gaps and distances in parts of the size of the letters.
_COLUMN_GAP = 0.6
_SAME_ROW = 0.4
_MOST_LINES = 4_000
_DEEPEST = 12
# A strip that so few of the lines cross may part columns that hold so much of them each.
_CROSSED = 0.3
_SHARE = 0.12
_STRAY = 0.06
_NARROWEST_COLUMN = 0.12


def lines_of(page: Page) -> list[PdfLine]:
    """The lines and tables of a page in reading order."""
    words, typed = typed_rules(page.words)
    tables = []
    for table, inside in ruled([*page.rules, *typed], words):
        tables.append(table)
        words = [word for word in words if id(word) not in inside]
    rows = rows_of(words)
    lines = [line for row in rows for line in row]
    if len(lines) > _MOST_LINES:
        return [*tables, *lines]
    return _ordered([*tables, *lines], 0)


def _ordered(lines: list[PdfLine], depth: int) -> list[PdfLine]:
    """The lines of a region in reading order; those that make a table become one."""
    tables, rest = aligned(_row_groups([line for line in lines if not line.rows]))
    lines = [*(line for line in lines if line.rows), *tables, *rest]
    strip = _strip(lines) if depth < _DEEPEST else None
    if strip is None:
        return [line for row in _row_groups(lines) for line in row]
    left, right = strip
    found: list[PdfLine] = []
    band: list[PdfLine] = []
    crossing = sorted((line for line in lines if line.x0 < left and line.x1 > right), key=_middle)
    waiting = sorted((line for line in lines if line.x1 <= right or line.x0 >= left), key=_middle)
    at = 0
    for line in [*crossing, None]:
        while at < len(waiting) and (line is None or _middle(waiting[at]) < _middle(line)):
            band.append(waiting[at])
            at += 1
        for side in _sides(band, (left + right) / 2):
            found += _ordered(side, depth + 1)
        band = []
        if line is not None:
            found.append(line)
    return found


def _sides(band: list[PdfLine], middle: float) -> tuple[list[PdfLine], list[PdfLine]]:
    sides: tuple[list[PdfLine], list[PdfLine]] = ([], [])
    for line in band:
        sides[line.x0 + line.x1 > 2 * middle].append(line)
    return sides


def _middle(line: PdfLine) -> float:
    return (line.top + line.bottom) / 2


def _row_groups(lines: list[PdfLine]) -> list[list[PdfLine]]:
    """The lines by their rows from the top, each from the left."""
    rows: list[list[PdfLine]] = []
    for line in sorted(lines, key=lambda line: line.bottom):
        if rows and line.bottom - rows[-1][0].bottom <= _SAME_ROW * max(line.size, 1):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.x0) for row in rows]


def _strip(lines: list[PdfLine]) -> tuple[float, float] | None:
    """The widest upright strip that parts columns; None if there is none."""
    if len(lines) < 4:
        return None
    low, high = min(line.x0 for line in lines), max(line.x1 for line in lines)
    wide = high - low
    total = max(sum(map(_height, lines)), 1.0)
    least = _COLUMN_GAP * median(line.size for line in lines)
    best: tuple[float, float, float] | None = None
    for left, right, crossed in _gaps(lines):
        if right - left < least or left - low < _NARROWEST_COLUMN * wide:
            continue
        if high - right < _NARROWEST_COLUMN * wide or crossed > _CROSSED * total:
            continue
        on_left = sum(_height(line) for line in lines if line.x1 <= right)
        on_right = sum(_height(line) for line in lines if line.x0 >= left)
        if min(on_left, on_right) < _SHARE * total:
            continue
        worth = (right - left) * (1 - crossed / total)
        if best is None or worth > best[0]:
            best = (worth, left, right)
    return best[1:] if best else None


def _height(line: PdfLine) -> float:
    return line.bottom - line.top


def _gaps(lines: list[PdfLine]) -> Iterator[tuple[float, float, float]]:
    """The upright strips that few lines cross, each with how high those are that do."""
    edges: list[tuple[float, float]] = []
    for line in lines:
        edges += [(line.x0, _height(line)), (line.x1, -_height(line))]
    edges.sort()
    levels: list[float] = []
    for _, change in edges:
        levels.append((levels[-1] if levels else 0.0) + change)
    allowed = _STRAY * sum(map(_height, lines))
    for i in range(1, len(edges) - 1):
        if levels[i - 1] > levels[i] < levels[i + 1]:
            first = after = i
            while first > 0 and levels[first - 1] <= levels[i] + allowed:
                first -= 1
            while after < len(edges) - 1 and levels[after] <= levels[i] + allowed:
                after += 1
            yield edges[first][0], edges[after][0], max(levels[first:after])
