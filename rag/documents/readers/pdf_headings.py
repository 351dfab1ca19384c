"""Which lines of a PDF's pages are headings, and of which level.

The file's tags tell, else its outline, else how large and bold lines are, where they stand and
what they say.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from rag.documents.readers.pdf_lines import BULLETS, PageLines, PdfLine, is_beside

# An entry of the outline: its page, its level from 1, what it says.
Entry = tuple[int, int, str]
# Size, and whether bold and italic.
_Style = tuple[float, bool, bool]

ITEM = re.compile(
    rf"[{re.escape(''.join(sorted(BULLETS)))}]|-\s|\(?(?:\d{{1,3}}|[a-z]|[ivx]{{1,4}})[.)](?:\s|$)"
    # Not the initials of a name.
    r"|\(?[A-Z][.)](?:\s(?!\w\.)|$)"
)
NUMBERED = re.compile(r"(\d+(?:\.\d+)*)\.?\s+\S")
STOPS = (".", "!", "?", ":", ";", "。", "！", "？", "”", '"', ")", "’")
# Distances in parts of the height of a line.
INDENT = 0.8
_LEADING = 0.8
_APART = 0.5
# The number of a heading, if it stands by itself.
_LONE_NUMBER = re.compile(r"§?\s?(?:\d{1,3}|[A-Z]|[IVXLC]{1,6})(?:\.\d{1,3})*[.):]?")
_NOT_WORD = re.compile(r"[\W_]+")
_LONGEST_HEADING = 200
_MOST_HEADING_LINES = 4
_LARGER = 1.12
_MUCH_LARGER = 1.3
_SMALLEST = 0.9
_SMALLEST_CAPITALS = 0.75
_MOST_LEVELS = 6
_LONGEST_ITALIC = 80
# So many numbers tell the place of a word.
_BOX = 5
# Dots between a heading and its page in a table of contents.
_LEADER = "...."
_NUMBER = re.compile(r"\d")


def mark_headings(pages: Sequence[PageLines], outline: Sequence[Entry]) -> None:
    """Sets the `level` of the lines that are headings, and puts their numbers before them."""
    is_told = _set_levels(pages, outline)
    for page in pages:
        page.lines = _with_numbers(page.lines)
    if not is_told:
        _rank(pages)


def _set_levels(pages: Sequence[PageLines], outline: Sequence[Entry]) -> bool:
    """Marks the headings; whether the file tells their levels, by tags or its outline."""
    everything = [line for page in pages for line in page.lines]
    lines = [line for line in everything if not line.rows]
    if _share(line.tag > 0 for line in lines):
        for line in lines:
            line.level = line.tag
        return True
    matched = _match_outline(pages, outline)
    body = _body(everything)
    marked = [line for page in pages for line in _marked(page.lines, body)]
    if outline and 2 * matched >= len(outline):
        _add_larger(marked, [line for line in lines if line.level])
        return True
    for line in marked:
        line.level = 1
    return False


def _rank(pages: Sequence[PageLines]) -> None:
    """Sets levels by style; of one style, by how many parts the headings' numbers have."""
    shallowest: dict[_Style, int] = {}
    depths: list[tuple[PdfLine, int]] = []
    for line, above in _headings(pages):
        depth = _depth(line)
        if depth:
            shallowest[_style(line)] = min(depth, shallowest.get(_style(line), depth))
        elif above is not None and _style(above) == _style(line):
            # The next line of a long heading.
            depth = depths[-1][1]
        depths.append((line, depth))
    ranks = [(_style(line), -(depth or shallowest.get(_style(line), 0))) for line, depth in depths]
    order = sorted(set(ranks), reverse=True)
    for (line, _), rank in zip(depths, ranks, strict=True):
        line.level = min(order.index(rank) + 1, _MOST_LEVELS)


def _headings(pages: Sequence[PageLines]) -> Iterator[tuple[PdfLine, PdfLine | None]]:
    """The headings in order, each with the one close above it, if there is one."""
    for page in pages:
        for above, line in pairwise([None, *page.lines]):
            if line is not None and line.level:
                is_close = above is not None and above.level and is_close_below(above, line)
                yield line, above if is_close else None


def _depth(line: PdfLine) -> int:
    """How many parts a heading's number has: 2 in `3.1 Ferries`."""
    number = NUMBERED.match(line.text)
    return number[1].count(".") + 1 if number else 0


def _with_numbers(lines: Sequence[PdfLine]) -> list[PdfLine]:
    """The lines, each heading joined with the number that stands by itself to its left."""
    joined: list[PdfLine] = []
    for line in lines:
        if joined and line.level and _is_number_of(joined[-1], line):
            line = _joined(joined.pop(), line)
        joined.append(line)
    return joined


def _is_number_of(number: PdfLine, line: PdfLine) -> bool:
    is_left = number.x1 <= line.x0 and is_beside(number, line)
    return is_left and _LONE_NUMBER.fullmatch(number.text) is not None


def _joined(number: PdfLine, line: PdfLine) -> PdfLine:
    """A heading with its number before it; the boxes tell the places in the longer text."""
    offset = len(number.text) + 1
    boxes = array("i", line.boxes)
    for i in range(0, len(boxes), _BOX):
        boxes[i] += offset
    return replace(
        line,
        text=f"{number.text} {line.text}",
        x0=number.x0,
        top=min(number.top, line.top),
        bottom=max(number.bottom, line.bottom),
        words=[*number.words, *line.words],
        boxes=number.boxes + boxes,
    )


def _add_larger(marked: Sequence[PdfLine], known: Sequence[PdfLine]) -> None:
    """Makes headings of the lines that are larger than those on top of the outline."""
    top = min(line.level for line in known)
    size = max(line.size for line in known if line.level == top)
    for line in marked:
        line.level = top if line.size > size else 0


def _share(are_headings: Iterable[bool]) -> bool:
    """Whether some lines are headings, and most are not."""
    found = list(are_headings)
    return 0 < sum(found) <= len(found) / 3


def _match_outline(pages: Sequence[PageLines], outline: Sequence[Entry]) -> int:
    """Marks the lines that an entry of the outline names on their page; how many entries are."""
    wanted: dict[int, dict[str, list[int]]] = {}
    for number, level, title in outline:
        wanted.setdefault(number, {}).setdefault(_letters(title), []).append(level)
    matched = 0
    for page in pages:
        titles = wanted.get(page.number, {})
        for i in range(len(page.lines) if titles else 0):
            after = _named(page.lines, i, titles)
            if after:
                level = titles[_said(page.lines[i:after])].pop(0)
                matched += 1
                for line in page.lines[i:after]:
                    line.level = min(level, _MOST_LEVELS)
    return matched


def _named(lines: Sequence[PdfLine], i: int, titles: Mapping[str, list[int]]) -> int:
    """The line after those from `i` on that say a title together; 0 if they say none."""
    if lines[i].level:
        return 0
    for after in range(i + 1, min(i + _MOST_HEADING_LINES, len(lines)) + 1):
        if titles.get(_said(lines[i:after])):
            return after
    return 0


def _said(lines: Sequence[PdfLine]) -> str:
    return _letters("".join(line.text for line in lines))


def _letters(title: str) -> str:
    """What a title says, whatever its number, its marks and blanks."""
    bare = _NOT_WORD.sub("", title.casefold())
    return bare.lstrip("0123456789") or bare


def _body(lines: list[PdfLine]) -> _Style:
    """The style of most of the text, that in tables too."""
    sizes: Counter[_Style] = Counter()
    for line in lines:
        sizes[_style(line)] += len(line.text) + sum(len(cell) for row in line.rows for cell in row)
    return max(sizes, key=lambda style: sizes[style], default=(1.0, False, False))


def _style(line: PdfLine) -> _Style:
    return round(2 * line.size) / 2, line.is_bold, line.is_italic


def _marked(lines: list[PdfLine], body: _Style) -> list[PdfLine]:
    """The lines that look like headings, each with the next lines of a long one."""
    found: list[PdfLine] = []
    for i, line in enumerate(lines):
        if not line.level and _looks_like_heading(lines, i, body):
            found += [line, *_rest_of_heading(lines, i)]
    return found


def _rest_of_heading(lines: list[PdfLine], i: int) -> list[PdfLine]:
    """The lines below a heading that look like it and begin in lower case."""
    rest: list[PdfLine] = []
    for above, line in pairwise(lines[i : i + _MOST_HEADING_LINES + 1]):
        is_like = line.text[:1].islower() and _style(line) == _style(above)
        if not is_like or line.level or not is_close_below(above, line):
            break
        rest.append(line)
    is_sentence = rest and rest[-1].text.endswith((".", ",", ";", ":"))
    return [] if is_sentence or len(rest) == _MOST_HEADING_LINES else rest


def _looks_like_heading(lines: list[PdfLine], i: int, body: _Style) -> bool:
    line = lines[i]
    text = line.text
    size, is_bold, is_italic = body
    if line.rows or len(text) > _LONGEST_HEADING or sum(map(str.isalpha, text)) < 2:
        return False
    if _LEADER in text:
        return False
    if text.endswith((".", ",", ";")) and not (NUMBERED.match(text) or text.isupper()):
        return False
    if line.size >= _MUCH_LARGER * size:
        return text[0] not in BULLETS
    if text[0] in BULLETS or text[0].islower():
        return False
    if line.size >= _LARGER * size and (line.is_bold or not ITEM.match(text)):
        return True
    if line.size < size * (_SMALLEST_CAPITALS if text.isupper() else _SMALLEST):
        return False
    below = lines[i + 1] if i + 1 < len(lines) else line
    if line.is_italic and not (line.is_bold or is_italic):
        return _stands_above(lines, i)
    if not line.is_bold or is_bold:
        return False
    if text.endswith(":") and _style(below) != _style(line):
        return False
    return not _goes_on(lines, i) and _is_apart(lines, i)


def _stands_above(lines: list[PdfLine], i: int) -> bool:
    """Whether a line in italics stands by itself, apart from what is above, over upright text."""
    line = lines[i]
    if not 0 < i < len(lines) - 1 or len(line.text) > _LONGEST_ITALIC or _NUMBER.search(line.text):
        return False
    above, below = lines[i - 1], lines[i + 1]
    height = line.bottom - line.top
    return (
        not (above.is_italic or below.is_italic or above.rows or below.rows)
        and 0 <= below.top - line.bottom < _LEADING * height
        and (above.text.endswith(STOPS) or not 0 <= line.top - above.bottom < _APART * height)
        and abs(line.x0 - below.x0) < INDENT * line.size
        and abs(below.size - line.size) < 0.15 * line.size
    )


def _goes_on(lines: list[PdfLine], i: int) -> bool:
    """Whether text stands beside a line, so that it is a part of that row."""
    around = [lines[j] for j in (i - 1, i + 1) if 0 <= j < len(lines)]
    return any(
        is_beside(line, lines[i]) and not line.is_bold and not _is_number_of(line, lines[i])
        for line in around
    )


def _is_apart(lines: list[PdfLine], i: int) -> bool:
    """Whether a bold line is not one of many that follow each other."""
    run = 1
    for step in (-1, 1):
        j = i + step
        while 0 <= j < len(lines) and lines[j].is_bold and _style(lines[j]) == _style(lines[i]):
            run += 1
            j += step
            if run > _MOST_HEADING_LINES:
                return False
    return True


def is_close_below(above: PdfLine, line: PdfLine) -> bool:
    """Whether a line of a heading stands so close below another that they may be one heading."""
    height = max(above.bottom - above.top, 1.0)
    is_next = above.top < line.top < above.bottom + _LEADING * height
    return is_next and not NUMBERED.match(line.text)
