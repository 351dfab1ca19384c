"""The lines of a PDF's pages become headings, paragraphs, items of lists and tables.

Everything here is judged by where lines stand, how large they are and what they say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from rag.documents.readers.pdf_headings import INDENT, ITEM, STOPS, is_close_below
from rag.documents.readers.pdf_lines import BULLETS, PageLines, PdfLine, is_beside

_PARTED = re.compile(r"([^\W\d_]{2,})[-\u2010]$")
_FIRST_WORD = re.compile(r"\w+")
_COMPOUND = re.compile(r"[^\W\d_]+-[^\W\d_]+(?!\w)")
_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_LONGEST_WORD = 60
# Distances in parts of the height of a line.
_LEADING = 0.8
_SHORT = 0.75
_NOTE = 0.93
_MOST_NOTES = 8


@dataclass(slots=True)
class Part:
    """Lines that belong together; `pages` are the offsets in `text` at which a page begins.

    `lines` are all of them, each with the page and the offset in `text` at which it begins.
    """

    kind: Literal["heading", "paragraph", "item", "table"]
    text: str
    page: int
    first: PdfLine
    last: PdfLine
    level: int = 0
    pages: list[tuple[int, int]] = field(default_factory=list)
    lines: list[tuple[int, int, PdfLine]] = field(default_factory=list)


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


def _open_part(parts: list[Part], line: PdfLine, page: int) -> Part | None:
    """The part that a line goes on with; it is then the last.

    Between a column and the next may stand notes and stamps, in smaller type. A heading goes on
    only with the one just before it.
    """
    most = 1 if line.level else _MOST_NOTES
    for i in range(len(parts) - 1, max(-1, len(parts) - 1 - most), -1):
        part = parts[i]
        if _continues(part, line, page) and (i == len(parts) - 1 or not _is_ended(part)):
            parts.append(parts.pop(i))
            return part
        if part.last.size > _NOTE * line.size or part.kind == "table":
            return None
    return None


def _kind(line: PdfLine) -> Literal["heading", "paragraph", "item", "table"]:
    if line.rows:
        return "table"
    if line.level:
        return "heading"
    return "item" if ITEM.match(line.text) else "paragraph"


def _continues(part: Part, line: PdfLine, page: int) -> bool:
    """Whether a line goes on with the part before it."""
    last = part.last
    if line.rows or part.kind == "table" or line.level != part.level:
        return False
    if is_beside(last, line) and page == _page_of(part):
        return True
    if abs(line.size - last.size) > 0.15 * max(line.size, last.size):
        return False
    is_below = page == _page_of(part) and line.top > last.top
    gap = line.top - last.bottom
    height = max(last.bottom - last.top, 1.0)
    if part.kind == "heading":
        return page == _page_of(part) and is_close_below(last, line)
    if line.text[0] in BULLETS:
        return False
    if ITEM.match(line.text) and (part.kind == "item" or _is_ended(part) or gap > 0.4 * height):
        return False
    if line.is_bold and not last.is_bold and part.text.endswith(STOPS):
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
        if indent > INDENT * line.size or last.x1 - last.x0 < _SHORT * width:
            return False
    return True


def _page_of(part: Part) -> int:
    return part.pages[-1][1] if part.pages else part.page


def _is_ended(part: Part) -> bool:
    return part.text.endswith(STOPS)


def _append(part: Part, line: PdfLine, page: int, compounds: set[str]) -> None:
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
        is_one = word[0][0].islower() or (parted[1].isupper() and word[0].isupper())
        return text[:-1] if is_one and whole not in compounds else text
    if _WIDE.match(text[-1]) and _WIDE.match(line[0]):
        return text
    return f"{text} "
