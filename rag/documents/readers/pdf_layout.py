"""The words of a page become lines and tables in the order in which a person reads them.

1. Words on one baseline make a row; a gap that is wider than between words parts it into lines.
2. Ruling lines that cross make a table, and so do rows whose gaps stand below each other.
3. A strip that hardly any line crosses, with text on both sides, parts columns: what stands above a
   line that crosses it is read before what stands below, and there the left column first.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from rag.documents.readers.pdf_page import Page, Rule, Word

BULLETS = frozenset("•◦▪●○■□▸►➢➤❖✓‣⁃·–")
_LEFTWARD = re.compile("[\u0590-\u08ff\ufb1d-\ufefc]")
# Gaps and distances in parts of the size of the letters.
_GAP = 1.1
_GAP_OUT_OF_ORDER = 0.45
_COLUMN_GAP = 0.6
_TOUCHING = 0.05
_ROW_OVERLAP = 0.5
_SAME_ROW = 0.4
_MOST_LINES = 4_000
_DEEPEST = 12
# A strip that so few of the lines cross may part columns that hold so much of them each.
_CROSSED = 0.3
_SHARE = 0.12
_STRAY = 0.06
_NARROWEST_COLUMN = 0.12
_TOUCH = 3.0
_MOST_RULES = 3_000
_MOST_COLUMNS = 60
_MOST_ROWS = 500
_LONGEST_CELL = 500
_LARGEST_CELL = 0.3
# In columns of prose the lines are nearly full, and have more words than a cell.
_FULL = 0.72
_PROSE_WORDS = 3.5


@dataclass(slots=True)
class Line:
    """Words side by side, or a table that stands there (`rows`).

    `boxes` are those of its words on the page as displayed, five numbers a word: where it begins in
    the text, and left, top, right, bottom in tenths of a point. `margin` is -1 in the upper margin
    of a page and 1 in the lower; `level` is that of a heading.
    """

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    size: float = 0.0
    is_bold: bool = False
    tag: int = 0
    words: list[Word] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    boxes: array[int] = field(default_factory=lambda: array("i"))
    margin: int = 0
    level: int = 0


def lines_of(page: Page) -> list[Line]:
    """The lines and tables of a page in reading order."""
    words = page.words
    tables = []
    for table, inside in _ruled(page.rules, words):
        tables.append(table)
        words = [word for word in words if id(word) not in inside]
    rows = _rows(words)
    if sum(map(len, rows)) > _MOST_LINES:
        return [*tables, *(line for row in rows for line in row)]
    aligned, rest = _aligned(rows)
    return _ordered([*tables, *aligned, *rest], 0)


def _rows(words: Sequence[Word]) -> list[list[Line]]:
    """The lines of each row, from the left; rows from the top."""
    rows: list[list[Word]] = []
    spans: list[tuple[float, float]] = []
    for word in sorted(words, key=lambda word: (word.top + word.bottom, word.x0)):
        for i in range(len(rows) - 1, max(-1, len(rows) - 4), -1):
            top, bottom = spans[i]
            shared = min(bottom, word.bottom) - max(top, word.top)
            if shared > _ROW_OVERLAP * min(bottom - top, word.bottom - word.top):
                rows[i].append(word)
                break
        else:
            rows.append([word])
            spans.append((word.top, word.bottom))
    return [_parted(row) for row in rows]


def _parted(row: list[Word]) -> list[Line]:
    row.sort(key=lambda word: word.x0)
    parts = [[row[0]]]
    end = row[0].x1
    for left, right in pairwise(row):
        gap = right.x0 - end
        size = max(left.size, right.size)
        follows = right.order in (left.order + 1, left.order - 1)
        if gap > size * (_GAP if follows else _GAP_OUT_OF_ORDER):
            parts.append([])
        parts[-1].append(right)
        end = max(end, right.x1)
    return [_line(part) for part in parts]


def _line(words: list[Word]) -> Line:
    if _runs_left(words):
        # The file tells how words of both directions follow each other.
        words = sorted(words, key=lambda word: word.order)
    longest = max(words, key=lambda word: len(word.text))
    return Line(
        text=_spaced(words),
        x0=min(word.x0 for word in words),
        top=min(word.top for word in words),
        x1=max(word.x1 for word in words),
        bottom=max(word.bottom for word in words),
        size=longest.size,
        is_bold=all(word.is_bold for word in words),
        tag=words[0].tag if all(word.tag == words[0].tag for word in words) else 0,
        words=words,
    )


def _spaced(words: list[Word]) -> str:
    """The words with blanks between, but not where one goes on without a gap."""
    parts = [words[0].text]
    for left, right in pairwise(words):
        # A raised number, or small capitals, stand at the word without a gap.
        is_same = right.size != left.size and right.order == left.order + 1
        if not is_same or abs(right.x0 - left.x1) > _TOUCHING * right.size:
            parts.append(" ")
        parts.append(right.text)
    return "".join(parts)


def _runs_left(words: list[Word]) -> bool:
    letters = "".join(word.text for word in words)
    return not letters.isascii() and 2 * len(_LEFTWARD.findall(letters)) > len(letters)


# Order


def _ordered(lines: list[Line], depth: int) -> list[Line]:
    strip = _strip(lines) if depth < _DEEPEST else None
    if strip is None:
        return _from_the_top(lines)
    left, right = strip
    found: list[Line] = []
    band: list[Line] = []
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


def _sides(band: list[Line], middle: float) -> tuple[list[Line], list[Line]]:
    sides: tuple[list[Line], list[Line]] = ([], [])
    for line in band:
        sides[line.x0 + line.x1 > 2 * middle].append(line)
    return sides


def _middle(line: Line) -> float:
    return (line.top + line.bottom) / 2


def _from_the_top(lines: list[Line]) -> list[Line]:
    """The lines by their rows, each from the left."""
    found: list[Line] = []
    row: list[Line] = []
    for line in sorted(lines, key=lambda line: line.bottom):
        if row and line.bottom - row[0].bottom > _SAME_ROW * max(line.size, 1):
            found += sorted(row, key=lambda line: line.x0)
            row = []
        row.append(line)
    return [*found, *sorted(row, key=lambda line: line.x0)]


def _strip(lines: list[Line]) -> tuple[float, float] | None:
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


def _height(line: Line) -> float:
    return line.bottom - line.top


def _gaps(lines: list[Line]) -> Iterator[tuple[float, float, float]]:
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


# Tables without rules


def _aligned(rows: list[list[Line]]) -> tuple[list[Line], list[Line]]:
    """Tables of rows whose gaps stand below each other, and the lines that are in none."""
    tables: list[Line] = []
    rest: list[Line] = []
    i = 0
    while i < len(rows):
        after, columns = _run(rows, i)
        table = _table_of(rows[i:after], columns) if after - i >= 3 else None
        if table is None:
            rest += rows[i]
            i += 1
        else:
            tables.append(table)
            i = after
    return tables, rest


def _run(rows: list[list[Line]], first: int) -> tuple[int, list[tuple[float, float]]]:
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
            break
        columns = merged
        i += 1
    while i > first and len(rows[i - 1]) < 2:
        i -= 1
    return i, columns


def _merged(spans: list[tuple[float, float]], size: float) -> list[tuple[float, float]]:
    spans = sorted(spans)
    merged = [spans[0]]
    for x0, x1 in spans[1:]:
        if x0 - merged[-1][1] < _COLUMN_GAP * size:
            merged[-1] = (merged[-1][0], max(merged[-1][1], x1))
        else:
            merged.append((x0, x1))
    return merged


def _table_of(rows: list[list[Line]], columns: list[tuple[float, float]]) -> Line | None:
    """The rows as a table; None if they are columns of prose, or mostly have one cell."""
    if 3 * sum(len(row) > 1 for row in rows) < 2 * len(rows) or _is_prose(rows, columns):
        return None
    if _is_list(rows, columns):
        return None
    cells: list[list[str]] = []
    for row in rows:
        texts = [""] * len(columns)
        for line in row:
            at = _column(columns, (line.x0 + line.x1) / 2)
            texts[at] = f"{texts[at]} {line.text}".strip()
        # A row that has no first cell goes on with the one above, if it stands close below.
        if cells and not texts[0] and sum(map(bool, texts)) < len(columns) / 2:
            cells[-1] = [f"{a} {b}".strip() for a, b in zip(cells[-1], texts, strict=True)]
        else:
            cells.append(texts)
    lines = [line for row in rows for line in row]
    return _table(lines, cells, [word for line in lines for word in line.words])


def _is_prose(rows: list[list[Line]], columns: list[tuple[float, float]]) -> bool:
    prose = 0
    for x0, x1 in columns:
        own = [line for row in rows for line in row if x0 <= (line.x0 + line.x1) / 2 <= x1]
        full = median((line.x1 - line.x0) / max(x1 - x0, 1) for line in own) if own else 0
        words = median(len(line.words) for line in own) if own else 0
        prose += full > _FULL and words > _PROSE_WORDS
    return prose * 2 >= len(columns) and prose > 0 and len(columns) < 5


def _is_list(rows: list[list[Line]], columns: list[tuple[float, float]]) -> bool:
    """Whether these are lists side by side, or the marks of items and the items."""
    if sum(line.text[:1] in BULLETS for row in rows for line in row) > 1:
        return True
    if len(columns) != 2:
        return False
    marks = [row[0].text for row in rows if row[0].x1 <= columns[0][1] + 1]
    return bool(marks) and all(len(mark) <= 5 and not mark.isalpha() for mark in marks)


def _column(columns: list[tuple[float, float]], x: float) -> int:
    return min(range(len(columns)), key=lambda i: max(columns[i][0] - x, x - columns[i][1]))


def _table(lines: Sequence[Line | Word], cells: list[list[str]], words: list[Word]) -> Line:
    return Line(
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


def _ruled(rules: list[Rule], words: list[Word]) -> Iterator[tuple[Line, set[int]]]:
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


def _touching(rules: list[Rule]) -> list[list[Rule]]:
    """The rules in groups of those that meet."""
    groups: list[tuple[Rule, list[Rule]]] = []
    for rule in sorted(rules, key=lambda rule: (rule.top, rule.x0)):
        own, box = [rule], rule
        apart = []
        for other, members in groups:
            if _meet(other, box, members, own):
                own += members
                box = Rule(
                    min(box.x0, other.x0),
                    min(box.top, other.top),
                    max(box.x1, other.x1),
                    max(box.bottom, other.bottom),
                )
            else:
                apart.append((other, members))
        groups = [*apart, (box, own)]
    return [members for _, members in groups if len(members) >= 6]


def _meet(a: Rule, b: Rule, some: list[Rule], others: list[Rule]) -> bool:
    if not _near(a, b):
        return False
    return any(_near(one, other) for one in some for other in others[:4])


def _near(a: Rule, b: Rule) -> bool:
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
    rules: list[Rule], across: list[float], upright: list[float], words: list[Word]
) -> list[list[str]]:
    """The text of each cell; where no rule parts two cells of a row, they are one."""
    walls = [rule for rule in rules if rule.x1 - rule.x0 < _TOUCH]
    grid: list[list[list[Word]]] = [[[] for _ in upright[1:]] for _ in across[1:]]
    firsts = [_firsts(walls, upright, (top + bottom) / 2) for top, bottom in pairwise(across)]
    for word in words:
        row = _interval(across, (word.top + word.bottom) / 2)
        column = _interval(upright, (word.x0 + word.x1) / 2)
        grid[row][firsts[row][column]].append(word)
    return [cells for row in grid for cells in _split_row([_rows(cell) for cell in row])]


def _split_row(cells: list[list[list[Line]]]) -> list[list[str]]:
    """A row's cells; rows of numbers that no rule parts become rows of their own."""
    texts = [[" ".join(line.text for line in row) for row in cell] for cell in cells]
    whole = [" ".join(lines) for lines in texts]
    count = max(map(len, texts), default=0)
    full = [lines for lines in texts if len(lines) == count]
    numbers = sum(any(map(str.isdecimal, line)) for lines in full for line in lines)
    if count < 2 or len(full) < 3 or 2 * numbers < count * len(full):
        return [whole]
    bottoms = next([row[0].bottom for row in cell] for cell in cells if len(cell) == count)
    rows = [[""] * len(cells) for _ in range(count)]
    for i, cell in enumerate(cells):
        for row, text in zip(cell, texts[i], strict=True):
            at = min(range(count), key=lambda n: abs(bottoms[n] - row[0].bottom))
            rows[at][i] = f"{rows[at][i]} {text}".strip()
    return rows


def _firsts(walls: list[Rule], upright: list[float], middle: float) -> list[int]:
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
