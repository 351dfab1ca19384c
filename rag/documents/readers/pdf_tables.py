"""Tables of a page: where ruling lines cross, or where the gaps of rows stand below each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from rag.documents.readers.pdf_lines import BULLETS, PdfLine, rows_of
from rag.documents.readers.pdf_page import RulingLine, Word

# Gaps in parts of the size of the letters, distances of rules in points.
_COLUMN_GAP = 0.6
_TOUCH = 3.0
_MOST_RULES = 3_000
_MOST_COLUMNS = 60
_MOST_ROWS = 500
_LONGEST_CELL = 500
_LARGEST_CELL = 0.3
# In columns of prose the lines are nearly full, and have more words than a cell.
_FULL = 0.72
_PROSE_WORDS = 3.5
_UNEVEN = 0.1
# So many rows have several cells; fewer in wide tables, whose cells have several lines.
_LEAST_FULL = 2 / 3
_LEAST_TABLE_COLUMNS = 4
_LEAST_PARTED = 3
_LEAST_TABLE_ROWS = 3
_LEAST_EVEN = 5

# The mark of an item, a question or an answer; a word of letters alone is none else.
_MARK = re.compile(r"[QAF]|(?![^\W\d_]+$).{1,5}")
_NUMBER = re.compile(r"[$€£(+-]*\d[\d.,:/ ]*[%)]*")

XRange = tuple[float, float]


def aligned(rows: list[list[PdfLine]]) -> tuple[list[PdfLine], list[PdfLine]]:
    """Tables of rows whose gaps stand below each other, and the lines that are in none."""
    tables: list[PdfLine] = []
    rest: list[PdfLine] = []
    i = 0
    while i < len(rows):
        after, columns = _run(rows, i)
        if after - i < _LEAST_TABLE_ROWS:
            table = None
        elif _is_uneven(rows[i:after], columns):
            rest += [line for row in rows[i:after] for line in row]
            i = after
            continue
        else:
            table = _table_of(rows[i:after], columns)
        if table is None:
            rest += rows[i]
            i += 1
        else:
            tables.append(table)
            i = after
    return tables, rest


def _run(rows: list[list[PdfLine]], first: int) -> tuple[int, list[XRange]]:
    """Where the rows end whose gaps stand below those of the first, and their columns."""
    columns = [(line.x0, line.x1) for line in rows[first]]
    if len(columns) < 2:
        return first, []
    i = first + 1
    while i < len(rows):
        row, above = rows[i], rows[i - 1]
        pitch = min(line.top for line in row) - max(line.bottom for line in above)
        if pitch > 2.0 * row[0].size:
            break
        merged = _merged([*columns, *((line.x0, line.x1) for line in row)], row[0].size)
        if len(merged) < 2 or len(merged) < len(columns) - 1 or len(merged) > _MOST_COLUMNS:
            break
        if len(row) < 2 and len(merged) < len(columns):
            # The last line of a cell may reach up to the next column of a table, not of two lists.
            if len(columns) < _LEAST_TABLE_COLUMNS:
                break
        else:
            columns = merged
        i += 1
    while i > first and len(rows[i - 1]) < 2 and not _is_in_cell(rows[i - 1][0], columns):
        i -= 1
    return i, columns


def _is_in_cell(line: PdfLine, columns: list[XRange]) -> bool:
    """Whether a line by itself below a row can be the next line of one of its cells."""
    return len(columns) >= _LEAST_TABLE_COLUMNS and line.x0 > columns[0][1]


def _merged(spans: list[XRange], size: float) -> list[XRange]:
    spans = sorted(spans)
    merged = [spans[0]]
    for x0, x1 in spans[1:]:
        if x0 - merged[-1][1] < _COLUMN_GAP * size:
            merged[-1] = (merged[-1][0], max(merged[-1][1], x1))
        else:
            merged.append((x0, x1))
    return merged


def _table_of(rows: list[list[PdfLine]], columns: list[XRange]) -> PdfLine | None:
    """The rows as a table; None if they are columns of prose, or mostly have one cell."""
    least = _LEAST_FULL if len(columns) < _LEAST_TABLE_COLUMNS else _LEAST_FULL / 2
    if sum(len(row) > 1 for row in rows) < least * len(rows) or _is_prose(rows, columns):
        return None
    if _is_list(rows, columns):
        return None
    columns = _parted_columns(rows, columns)
    cells: list[list[str]] = []
    for row in rows:
        texts = [""] * len(columns)
        for line in row:
            at = _column(columns, (line.x0 + line.x1) / 2)
            texts[at] = f"{texts[at]} {line.text}".strip()
        if cells and _goes_on(texts):
            cells[-1] = [f"{a} {b}".strip() for a, b in zip(cells[-1], texts, strict=True)]
        else:
            cells.append(texts)
    lines = [line for row in rows for line in row]
    return _table(lines, cells, [word for line in lines for word in line.words])


def _goes_on(row: list[str]) -> bool:
    """Whether a row has further lines of the cells above: few, not the first, and no number."""
    few = sum(map(bool, row)) < len(row) / 2
    return few and not row[0] and not any(map(_NUMBER.fullmatch, row))


def _is_uneven(rows: list[list[PdfLine]], columns: list[XRange]) -> bool:
    """Whether much of what stands side by side is not on one line, as in columns of text.

    That may be so beside one of the columns alone, which has lines where the others have none.
    """
    several = [row for row in rows if len(row) > 1]
    if 3 * sum(map(_slopes, several)) >= len(several):
        return True
    for x0, x1 in columns:
        inside = [any(x0 <= (line.x0 + line.x1) / 2 <= x1 for line in row) for row in rows]
        beside = [row for row, has in zip(rows, inside, strict=True) if has and len(row) > 1]
        if (
            4 * inside.count(False) >= len(rows)
            and 3 * sum(map(_slopes, beside)) >= len(beside) > 2
        ):
            return True
    return False


def _slopes(row: list[PdfLine]) -> bool:
    bottoms = [line.bottom for line in row]
    return max(bottoms) - min(bottoms) > _UNEVEN * row[0].size


def _parted_columns(rows: list[list[PdfLine]], columns: list[XRange]) -> list[XRange]:
    """The columns, each divided in which most rows have several lines with a common gap.

    A heading above two columns makes one of them else.
    """
    parted: list[XRange] = []
    for x0, x1 in columns:
        own = [[line for line in row if x0 <= (line.x0 + line.x1) / 2 <= x1] for row in rows]
        several = [row for row in own if len(row) > 1]
        spans = [(line.x0, line.x1) for row in several for line in row]
        is_parted = len(several) >= _LEAST_PARTED and 2 * len(several) > sum(map(bool, own))
        parted += _merged(spans, several[0][0].size) if is_parted else [(x0, x1)]
    return parted


def _is_prose(rows: list[list[PdfLine]], columns: list[XRange]) -> bool:
    prose = 0
    for x0, x1 in columns:
        own = [line for row in rows for line in row if x0 <= (line.x0 + line.x1) / 2 <= x1]
        full = median((line.x1 - line.x0) / max(x1 - x0, 1) for line in own) if own else 0
        words = median(len(line.words) for line in own) if own else 0
        prose += full > _FULL and words > _PROSE_WORDS
    return prose * 2 >= len(columns) and prose > 0 and len(columns) < 5


def _is_list(rows: list[list[PdfLine]], columns: list[XRange]) -> bool:
    """Whether these are lists side by side, or the marks of items and the items."""
    if sum(line.text[:1] in BULLETS for row in rows for line in row) > 1:
        return True
    if len(columns) != 2:
        return False
    marks = [row[0].text for row in rows if row[0].x1 <= columns[0][1] + 1]
    return bool(marks) and all(map(_MARK.fullmatch, marks))


def _column(columns: list[XRange], x: float) -> int:
    return min(range(len(columns)), key=lambda i: max(columns[i][0] - x, x - columns[i][1]))


def _table(lines: Sequence[PdfLine | Word], cells: list[list[str]], words: list[Word]) -> PdfLine:
    return PdfLine(
        text="",
        x0=min(line.x0 for line in lines),
        top=min(line.top for line in lines),
        x1=max(line.x1 for line in lines),
        bottom=max(line.bottom for line in lines),
        size=median(line.size for line in lines),
        words=words,
        rows=cells,
    )


# Tables with rules


def ruled(rules: list[RulingLine], words: list[Word]) -> Iterator[tuple[PdfLine, set[int]]]:
    """The tables that rules make, each with the words inside of it, by identity."""
    if len(rules) > _MOST_RULES:
        return
    for group in _touching(rules):
        across = _clusters([rule.top for rule in group if rule.bottom - rule.top < _TOUCH])
        upright = _clusters([rule.x0 for rule in group if rule.x1 - rule.x0 < _TOUCH])
        if len(across) < 3 or len(upright) < 3 or len(across) > _MOST_ROWS:
            continue
        inside = [
            word
            for word in words
            if upright[0] - _TOUCH <= (word.x0 + word.x1) / 2 <= upright[-1] + _TOUCH
            and across[0] - _TOUCH <= (word.top + word.bottom) / 2 <= across[-1] + _TOUCH
        ]
        cells = _cells(group, across, upright, inside)
        if _is_table(cells):
            yield _table(inside, cells, inside), set(map(id, inside))


def _touching(rules: list[RulingLine]) -> list[list[RulingLine]]:
    """The rules in groups of those that meet."""
    groups: list[tuple[RulingLine, list[RulingLine]]] = []
    for rule in sorted(rules, key=lambda rule: (rule.top, rule.x0)):
        own, box = [rule], rule
        apart = []
        for other, members in groups:
            if _meet(other, box, members, own):
                own += members
                box = RulingLine(
                    min(box.x0, other.x0),
                    min(box.top, other.top),
                    max(box.x1, other.x1),
                    max(box.bottom, other.bottom),
                )
            else:
                apart.append((other, members))
        groups = [*apart, (box, own)]
    return [members for _, members in groups if len(members) >= 6]


def _meet(a: RulingLine, b: RulingLine, some: list[RulingLine], others: list[RulingLine]) -> bool:
    if not _near(a, b):
        return False
    return any(_near(one, other) for one in some for other in others[:4])


def _near(a: RulingLine, b: RulingLine) -> bool:
    return (
        a.x0 - _TOUCH <= b.x1
        and b.x0 - _TOUCH <= a.x1
        and a.top - _TOUCH <= b.bottom
        and b.top - _TOUCH <= a.bottom
    )


def _clusters(values: list[float]) -> list[float]:
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > _TOUCH:
            found.append(value)
    return found


def _cells(
    rules: list[RulingLine], across: list[float], upright: list[float], words: list[Word]
) -> list[list[str]]:
    """The text of each cell; where no rule parts two cells of a row, they are one."""
    walls = [rule for rule in rules if rule.x1 - rule.x0 < _TOUCH]
    upright, more = _parted_uprights(across, upright, words)
    walls += more
    grid: list[list[list[Word]]] = [[[] for _ in upright[1:]] for _ in across[1:]]
    firsts = [_firsts(walls, upright, (top + bottom) / 2) for top, bottom in pairwise(across)]
    for word in words:
        row = _interval(across, (word.top + word.bottom) / 2)
        column = _interval(upright, (word.x0 + word.x1) / 2)
        grid[row][firsts[row][column]].append(word)
    return [cells for row in grid for cells in _split_row([rows_of(cell) for cell in row])]


def _parted_uprights(
    across: list[float], upright: list[float], words: list[Word]
) -> tuple[list[float], list[RulingLine]]:
    """The uprights, with walls where the words of most rows leave a gap inside of a column."""
    walls: list[RulingLine] = []
    for left, right in pairwise(upright):
        own = [word for word in words if left <= (word.x0 + word.x1) / 2 <= right]
        lines = rows_of(own)
        for x in _gaps(lines):
            parted = [row for row in lines if len(row) > 1]
            for top, bottom in pairwise(across):
                if any(top <= row[0].bottom <= bottom + _TOUCH for row in parted):
                    walls.append(RulingLine(x, top, x, bottom))
    return sorted({*upright, *(wall.x0 for wall in walls)}), walls


def _gaps(rows: list[list[PdfLine]]) -> Iterator[float]:
    """The middles of the gaps between the columns that the rows of a column make."""
    if rows:
        whole = (min(row[0].x0 for row in rows), max(row[-1].x1 for row in rows))
        for left, right in pairwise(_parted_columns(rows, [whole])):
            yield (left[1] + right[0]) / 2


def _split_row(cells: list[list[list[PdfLine]]]) -> list[list[str]]:
    """A row's cells; rows of numbers that no rule parts become rows of their own."""
    texts = [[" ".join(line.text for line in row) for row in cell] for cell in cells]
    whole = [" ".join(lines) for lines in texts]
    count = max(map(len, texts), default=0)
    full = [lines for lines in texts if len(lines) == count]
    numbers = sum(any(map(str.isdecimal, line)) for lines in full for line in lines)
    is_even = len(full) == sum(map(bool, texts)) and len(full) >= _LEAST_EVEN
    if count < 2 or len(full) < 3 or (2 * numbers < count * len(full) and not is_even):
        return [whole]
    bottoms = next([row[0].bottom for row in cell] for cell in cells if len(cell) == count)
    rows = [[""] * len(cells) for _ in range(count)]
    for i, cell in enumerate(cells):
        for row, text in zip(cell, texts[i], strict=True):
            at = min(range(count), key=lambda n: abs(bottoms[n] - row[0].bottom))
            rows[at][i] = f"{rows[at][i]} {text}".strip()
    return rows


def _firsts(walls: list[RulingLine], upright: list[float], middle: float) -> list[int]:
    """For each column of a row the first one that no wall parts it from."""
    here = [wall.x0 for wall in walls if wall.top <= middle <= wall.bottom]
    firsts = [0]
    for i, x in enumerate(upright[1:-1], start=1):
        is_parted = any(abs(wall - x) <= _TOUCH for wall in here)
        firsts.append(i if is_parted else firsts[-1])
    return firsts


def _interval(bounds: list[float], at: float) -> int:
    return sum(bound <= at for bound in bounds[1:-1])


def _is_table(cells: list[list[str]]) -> bool:
    """Whether at least two rows and columns have text, and none of the cells holds a page."""
    rows = sum(any(row) for row in cells)
    columns = sum(any(row[i] for row in cells) for i in range(len(cells[0])))
    sizes = [len(cell) for row in cells for cell in row]
    return rows > 1 and columns > 1 and max(sizes) < max(_LONGEST_CELL, _LARGEST_CELL * sum(sizes))
