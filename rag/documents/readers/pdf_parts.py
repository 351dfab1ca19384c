"""The lines of a PDF's pages become headings, paragraphs, items of lists and tables.

Everything here is judged by where lines stand, how large and bold they are and what they say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rag.documents.readers.pdf_layout import BULLETS, Line

# An entry of the outline: its page, its level from 1, what it says.
Entry = tuple[int, int, str]
_Style = tuple[float, bool]

_ITEM = re.compile(
    rf"[{re.escape(''.join(sorted(BULLETS)))}]|-\s|\(?(?:\d{{1,3}}|[a-zA-Z]|[ivx]{{1,4}})[.)]\s"
)
_NUMBERED = re.compile(r"\d+(?:\.\d+)*\.?\s+\S")
_NOT_WORD = re.compile(r"[\W_]+")
_PARTED = re.compile(r"([^\W\d_]{2,})[-\u2010]$")
_FIRST_WORD = re.compile(r"\w+")
_COMPOUND = re.compile(r"[^\W\d_]+-[^\W\d_]+(?!\w)")
_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_STOPS = (".", "!", "?", ":", ";", "。", "！", "？", "”", '"', ")", "’")
_LONGEST_HEADING = 200
_LONGEST_WORD = 60
_MOST_HEADING_LINES = 4
_LARGER = 1.12
_MUCH_LARGER = 1.3
_MOST_LEVELS = 6
# Distances in parts of the height of a line.
_LEADING = 0.8
_INDENT = 0.8
_SHORT = 0.75
_NOTE = 0.93
_MOST_NOTES = 8


@dataclass(slots=True)
class PageLines:
    """A page's lines in reading order; `size` is its width and height as it is displayed."""

    number: int
    lines: list[Line]
    size: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class Part:
    """Lines that belong together; `pages` are the offsets in `text` at which a page begins.

    `lines` are all of them, each with the page and the offset in `text` at which it begins.
    """

    kind: Literal["heading", "paragraph", "item", "table"]
    text: str
    page: int
    first: Line
    last: Line
    level: int = 0
    pages: list[tuple[int, int]] = field(default_factory=list)
    lines: list[tuple[int, int, Line]] = field(default_factory=list)


# Headings


def mark_headings(pages: Sequence[PageLines], outline: Sequence[Entry]) -> None:
    """Sets the `level` of the lines that are headings."""
    lines = [line for page in pages for line in page.lines if not line.rows]
    if _share(line.tag > 0 for line in lines):
        for line in lines:
            line.level = line.tag
        return
    matched = _match_outline(pages, outline)
    if outline and 2 * matched >= len(outline):
        return
    body = _body(lines)
    styles: Counter[_Style] = Counter()
    marked = []
    for page in pages:
        for i, line in enumerate(page.lines):
            if not line.level and _looks_like_heading(page.lines, i, body):
                marked.append(line)
                styles[_style(line)] += 1
    # Large type of which there is much is no heading.
    ranks = {style: rank for rank, style in enumerate(sorted(styles, reverse=True), start=1)}
    for line in marked:
        line.level = min(ranks[_style(line)], _MOST_LEVELS)


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


def _named(lines: Sequence[Line], i: int, titles: Mapping[str, list[int]]) -> int:
    """The line after those from `i` on that say a title together; 0 if they say none."""
    if lines[i].level:
        return 0
    for after in range(i + 1, min(i + _MOST_HEADING_LINES, len(lines)) + 1):
        if titles.get(_said(lines[i:after])):
            return after
    return 0


def _said(lines: Sequence[Line]) -> str:
    return _letters("".join(line.text for line in lines))


def _letters(title: str) -> str:
    """What a title says, whatever its number, its marks and blanks."""
    bare = _NOT_WORD.sub("", title.casefold())
    return bare.lstrip("0123456789") or bare


def _body(lines: list[Line]) -> _Style:
    """The style of most of the text."""
    sizes: Counter[_Style] = Counter()
    for line in lines:
        sizes[_style(line)] += len(line.text)
    return max(sizes, key=lambda style: sizes[style], default=(1.0, False))


def _style(line: Line) -> _Style:
    return round(2 * line.size) / 2, line.is_bold


def _looks_like_heading(lines: list[Line], i: int, body: _Style) -> bool:
    line = lines[i]
    text = line.text
    size, is_bold = body
    if line.rows or len(text) > _LONGEST_HEADING or sum(map(str.isalpha, text)) < 2:
        return False
    if text.endswith((".", ",", ";")) and not _NUMBERED.match(text):
        return False
    if line.size >= _MUCH_LARGER * size:
        return text[0] not in BULLETS
    if text[0] in BULLETS or text[0].islower():
        return False
    if line.size >= _LARGER * size and (line.is_bold or not _ITEM.match(text)):
        return True
    if not line.is_bold or is_bold or line.size < size * 0.9:
        return False
    below = lines[i + 1] if i + 1 < len(lines) else line
    if text.endswith(":") and _style(below) != _style(line):
        return False
    return not _goes_on(lines, i) and _is_apart(lines, i)


def _goes_on(lines: list[Line], i: int) -> bool:
    """Whether text stands beside a line, so that it is a part of that row."""
    around = [lines[j] for j in (i - 1, i + 1) if 0 <= j < len(lines)]
    return any(_is_beside(line, lines[i]) and not line.is_bold for line in around)


def _is_beside(a: Line, b: Line) -> bool:
    return abs(a.bottom - b.bottom) < 0.4 * max(a.size, b.size) and not a.rows and not b.rows


def _is_apart(lines: list[Line], i: int) -> bool:
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


# Paragraphs


def parts_of(pages: Sequence[PageLines]) -> list[Part]:
    """The parts of the document in order."""
    compounds = {
        word.casefold()
        for page in pages
        for line in page.lines
        for word in _COMPOUND.findall(line.text)
    }
    parts: list[Part] = []
    for page in pages:
        for line in page.lines:
            part = _open_part(parts, line, page.number)
            if part is not None:
                _append(part, line, page.number, compounds)
            else:
                part = Part(_kind(line), line.text, page.number, line, line, line.level)
                part.lines.append((page.number, 0, line))
                parts.append(part)
    return parts


def _open_part(parts: list[Part], line: Line, page: int) -> Part | None:
    """The part that a line goes on with; it is then the last.

    Between a column and the next may stand notes and stamps, in smaller type.
    """
    for i in range(len(parts) - 1, max(-1, len(parts) - _MOST_NOTES), -1):
        part = parts[i]
        if _continues(part, line, page) and (i == len(parts) - 1 or not _is_ended(part)):
            parts.append(parts.pop(i))
            return part
        if part.last.size > _NOTE * line.size or part.kind == "table":
            return None
    return None


def _kind(line: Line) -> Literal["heading", "paragraph", "item", "table"]:
    if line.rows:
        return "table"
    if line.level:
        return "heading"
    return "item" if _ITEM.match(line.text) else "paragraph"


def _continues(part: Part, line: Line, page: int) -> bool:
    """Whether a line goes on with the part before it."""
    last = part.last
    if line.rows or part.kind == "table" or line.level != part.level:
        return False
    if _is_beside(last, line) and page == _page_of(part):
        return True
    if abs(line.size - last.size) > 0.15 * max(line.size, last.size):
        return False
    is_below = page == _page_of(part) and line.top > last.top
    gap = line.top - last.bottom
    height = max(last.bottom - last.top, 1.0)
    if part.kind == "heading":
        return is_below and gap < _LEADING * height and not _NUMBERED.match(line.text)
    if line.text[0] in BULLETS:
        return False
    if _ITEM.match(line.text) and (part.kind == "item" or _is_ended(part) or gap > 0.4 * height):
        return False
    if line.is_bold and not last.is_bold and part.text.endswith(_STOPS):
        return False
    if not is_below or line.x0 > last.x1 or line.x1 < part.first.x0:
        return not _is_ended(part) and not line.text[0].isupper() and page <= _page_of(part) + 1
    if gap > _LEADING * height:
        return False
    indent = line.x0 - last.x0
    if part.kind == "item":
        return line.x0 > part.first.x0 + 1 or not _is_ended(part)
    if _is_ended(part):
        width = max(last.x1, line.x1) - min(last.x0, line.x0)
        if indent > _INDENT * line.size or last.x1 - last.x0 < _SHORT * width:
            return False
    return True


def _page_of(part: Part) -> int:
    return part.pages[-1][1] if part.pages else part.page


def _is_ended(part: Part) -> bool:
    return part.text.endswith(_STOPS)


def _append(part: Part, line: Line, page: int, compounds: set[str]) -> None:
    part.text = _opened(part.text, line.text, compounds)
    if page != _page_of(part):
        part.pages.append((len(part.text), page))
    part.lines.append((page, len(part.text), line))
    part.text += line.text
    part.last = line


def _opened(text: str, line: str, compounds: set[str]) -> str:
    """The text as a line goes on with it: with a blank at its end, or without a parting hyphen."""
    parted = _PARTED.search(text, max(0, len(text) - _LONGEST_WORD))
    word = _FIRST_WORD.match(line)
    if word and text.endswith("-") and not parted and text[-2:-1].isalnum():
        return text
    if parted and word:
        whole = f"{parted[1]}-{word[0]}".casefold()
        return text[:-1] if word[0][0].islower() and whole not in compounds else text
    if _WIDE.match(text[-1]) and _WIDE.match(line[0]):
        return text
    return f"{text} "
