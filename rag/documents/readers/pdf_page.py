"""What PDFium finds on a page of a PDF: words, ruling lines, tags, and text that nobody sees.

Coordinates are in points: `x` grows to the right and `top` downwards, from the page's corner. A
page whose text runs upwards, downwards or upside down is turned, so that it runs to the right.
"""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pypdfium2.raw as pdfium

from rag.documents.readers.pdf_drawn import NEARLY_WHITE, Drawn, drawn_on
from rag.types import Box

# What is smaller cannot be read.
_SMALLEST = 1.5
_BOLD = 600
_BOLD_NAMES = (b"bold", b"black", b"heavy", b"demi", b"cmbx", b"sfbx")
_ITALIC_NAMES = (b"italic", b"oblique", b"cmti", b"cmsl", b"sfti")
_ITALIC_FLAG = 64
_MOST_OBJECTS = 20_000
_DEEPEST = 32
_HYPHEN = 2
_NOT_UNICODE = (0, 0xFFFE, 0xFFFF)
_INVISIBLE, _FILLED_MODES = 3, (0, 2, 4, 6)
_BLANK = frozenset((9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x3000, *range(0x2000, 0x200B)))
_QUARTER = math.pi / 2
# Where what is written in a field, or onto the page, stands; the size that it is taken to have.
_WRITTEN = {pdfium.FPDF_ANNOT_WIDGET: b"V", pdfium.FPDF_ANNOT_FREETEXT: b"Contents"}
_UNSEEN_NOTE = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_FIELD_SIZE = 10.0
# What stands for a letter that its font gives no meaning.
UNMAPPED = "\ufffd"
# Private letters by which fonts of signs encode bullets.
_SIGNS = {0xF0B7: "•", 0xF0A7: "▪", 0xF0D8: "➢", 0xF0FC: "✓", 0xF02D: "-", 0xF076: "❖", 0xF06F: "◦"}


@dataclass(slots=True)
class Word:
    """A word and its box. `order` counts as the file does; `tag` is a heading's level, or 0."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    size: float
    is_bold: bool
    order: int
    tag: int = 0
    is_italic: bool = False


@dataclass(frozen=True, slots=True)
class RulingLine:
    """A ruling line: across if `top` and `bottom` are the same, else upright."""

    x0: float
    top: float
    x1: float
    bottom: float


@dataclass(slots=True)
class Page:
    """A page with its words and rules.

    By `turn` quarters clockwise it is turned to be displayed. `stamps` are words that run another
    way, those that run the same way together. `hidden` counts characters that nobody sees,
    `unmapped` those that the font gives no meaning to. A page `has_marks` if anything is drawn,
    and `is_broken` if PDFium cannot load it or its text.
    """

    number: int
    width: float
    height: float
    turn: int = 0
    words: list[Word] = field(default_factory=list)
    rules: list[RulingLine] = field(default_factory=list)
    stamps: list[list[Word]] = field(default_factory=list)
    hidden: int = 0
    unmapped: int = 0
    has_marks: bool = False
    is_broken: bool = False


@dataclass(frozen=True, slots=True)
class _Style:
    """How a run of text looks. `is_seen` leaves open whether it is white on white."""

    size: float
    is_bold: bool
    is_italic: bool
    is_seen: bool
    is_white: bool
    turn: int
    tag: int


def read_page(document: pdfium.FPDF_DOCUMENT, number: int) -> Page:
    """The page with that number, from 1."""
    page = pdfium.FPDF_LoadPage(document, number - 1)
    if not page:
        return Page(number, 1, 1, is_broken=True)
    try:
        return _read(page, number)
    finally:
        pdfium.FPDF_ClosePage(page)


def _read(page: pdfium.FPDF_PAGE, number: int) -> Page:
    bounds = _bounds(page)
    drawn = drawn_on(page)
    found = Page(number, 1, 1, has_marks=drawn.count > 0)
    words = list(_words(page, found, drawn, bounds))
    words += [(word, 0) for word in _filled_in(page, len(words))]
    turns = Counter(turn for _, turn in words)
    turn = max(turns, key=lambda each: turns[each], default=0)
    left, low, right, high = _turned(bounds, turn)
    found.width, found.height = right - left, high - low
    found.turn = (pdfium.FPDFPage_GetRotation(page) + turn) % 4
    stamps: dict[int, list[Word]] = {own: [] for own in sorted(turns) if own != turn}
    for word, own in words:
        x0, bottom, x1, top = _turned((word.x0, word.bottom, word.x1, word.top), turn)
        word.x0, word.x1, word.top, word.bottom = x0 - left, x1 - left, high - top, high - bottom
        if own != turn:
            # It is as high as it is long.
            word.size = max(word.size, word.bottom - word.top)
        stamps.get(own, found.words).append(word)
    found.stamps += stamps.values()
    for box in drawn.rules:
        x0, bottom, x1, top = _turned(box, turn)
        found.rules.append(RulingLine(x0 - left, high - top, x1 - left, high - bottom))
    return found


def _bounds(page: pdfium.FPDF_PAGE) -> Box:
    rect = pdfium.FS_RECTF()
    if pdfium.FPDF_GetPageBoundingBox(page, rect) and rect.right > rect.left:
        return rect.left, rect.bottom, rect.right, rect.top
    return 0.0, 0.0, 612.0, 792.0


def _turned(box: Box, turn: int) -> Box:
    """The box as it lies when text that is turned clockwise by so many quarters is turned back."""
    x0, y0, x1, y1 = box
    if turn == 1:
        return -y1, x0, -y0, x1
    if turn == 2:
        return -x1, -y1, -x0, -y0
    if turn == 3:
        return y0, -x1, y1, -x0
    return box


def _words(
    page: pdfium.FPDF_PAGE, found: Page, drawn: Drawn, bounds: Box
) -> Iterator[tuple[Word, int]]:
    """The words that a person sees, each with the quarters that its line is turned by."""
    text = pdfium.FPDFText_LoadPage(page)
    if not text:
        found.is_broken = True
        return
    try:
        is_scan = drawn.pictures > (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / 2
        tags = _tags(page)
        styles: dict[int, _Style] = {}
        rect = pdfium.FS_RECTF()
        for order, (first, last, letters) in enumerate(_runs(text, found)):
            # Words of one text object look alike, and asking PDFium is what takes the time.
            # The first letter of a paragraph may be a large initial: the middle one tells.
            middle = (first + last) // 2
            item = pdfium.FPDFText_GetTextObject(text, middle)
            key = ctypes.addressof(item.contents) if item else -1 - middle
            style = styles.get(key)
            if style is None:
                style = styles[key] = _style(text, middle, item, tags, is_scan)
            # In a word of both directions the outermost character may be any.
            ends = (first, last) if letters.isascii() else range(first, last + 1)
            x0, y0, x1, y1 = _united([_char_box(text, at, rect) for at in ends])
            x, y = (x0 + x1) / 2, (y0 + y1) / 2
            if (
                not style.is_seen
                or not (bounds[0] <= x <= bounds[2] and bounds[1] <= y <= bounds[3])
                or (style.is_white and not drawn.covers(x, y))
            ):
                found.hidden += len(letters)
                continue
            look = (style.size, style.is_bold, order, style.tag, style.is_italic)
            yield Word(letters, x0, y1, x1, y0, *look), style.turn
    finally:
        pdfium.FPDFText_ClosePage(text)


def _filled_in(page: pdfium.FPDF_PAGE, order: int) -> Iterator[Word]:
    """What somebody wrote into the fields of a form, or onto the page, each as one word."""
    for i in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MOST_OBJECTS)):
        note = pdfium.FPDFPage_GetAnnot(page, i)
        try:
            key = _WRITTEN.get(pdfium.FPDFAnnot_GetSubtype(note))
            if key and not pdfium.FPDFAnnot_GetFlags(note) & _UNSEEN_NOTE:
                rect = pdfium.FS_RECTF()
                pdfium.FPDFAnnot_GetRect(note, rect)
                text = " ".join(_string(note, key).split())
                size = min(max(rect.top - rect.bottom, _SMALLEST), _FIELD_SIZE)
                box = (rect.left, rect.top, rect.right, rect.bottom)
                if text:
                    yield Word(text, *box, size, False, order + 2 * i + 1)
        finally:
            pdfium.FPDFPage_CloseAnnot(note)


def _string(note: pdfium.FPDF_ANNOTATION, key: bytes) -> str:
    size = pdfium.FPDFAnnot_GetStringValue(note, key, None, 0)
    buffer = (ctypes.c_ushort * max(size // 2, 1))()
    pdfium.FPDFAnnot_GetStringValue(note, key, buffer, size)
    return bytes(buffer)[: max(size - 2, 0)].decode("utf-16-le", "replace")


def _runs(text: pdfium.FPDF_TEXTPAGE, found: Page) -> Iterator[tuple[int, int, str]]:
    """The first and last character of each word, and its letters."""
    first = 0
    letters: list[str] = []
    get = pdfium.FPDFText_GetUnicode
    for i in range(pdfium.FPDFText_CountChars(text)):
        code = get(text, i)
        if letters and 32 < code < 127:
            letters.append(chr(code))
            continue
        if code in _BLANK:
            if letters:
                yield first, i - 1, _joined(letters)
                letters = []
            continue
        if not letters:
            first = i
        if code == _HYPHEN:
            # PDFium's mark for a hyphen at the end of a line.
            yield first, i, _joined([*letters, "-"])
            letters = []
        elif code < 32 or 0x7F <= code < 0xA0 or code in _NOT_UNICODE or 0xE000 <= code < 0xF900:
            sign = _SIGNS.get(code, UNMAPPED)
            found.unmapped += sign == UNMAPPED
            letters.append(sign)
        else:
            letters.append(chr(code))
    if letters:
        yield first, i, _joined(letters)


def _joined(letters: list[str]) -> str:
    """The letters as a word; halves of surrogate pairs are put together."""
    word = "".join(letters)
    if word.isascii():
        return word
    return word.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _style(
    text: pdfium.FPDF_TEXTPAGE,
    at: int,
    item: pdfium.FPDF_PAGEOBJECT,
    tags: dict[int, int],
    is_scan: bool,
) -> _Style:
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(text, at, matrix)
    size = pdfium.FPDFText_GetFontSize(text, at) * math.hypot(matrix.c, matrix.d)
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    has_color = pdfium.FPDFText_GetFillColor(text, at, red, green, blue, alpha)
    mode = pdfium.FPDFTextObj_GetTextRenderMode(item) if item else 0
    is_filled = bool(has_color) and mode in _FILLED_MODES
    font, flags = _font(text, at)
    is_bold = pdfium.FPDFText_GetFontWeight(text, at) >= _BOLD
    return _Style(
        size=size,
        is_bold=is_bold or any(part in font for part in _BOLD_NAMES),
        is_italic=bool(flags & _ITALIC_FLAG) or any(part in font for part in _ITALIC_NAMES),
        is_seen=size >= _SMALLEST
        and (mode != _INVISIBLE or is_scan)
        and not (is_filled and alpha.value == 0),
        is_white=is_filled and min(red.value, green.value, blue.value) >= NEARLY_WHITE,
        turn=round(pdfium.FPDFText_GetCharAngle(text, at) / _QUARTER) % 4,
        tag=tags.get(pdfium.FPDFPageObj_GetMarkedContentID(item), 0) if item and tags else 0,
    )


def _font(text: pdfium.FPDF_TEXTPAGE, at: int) -> tuple[bytes, int]:
    """The name of a character's font in lower case, and its flags."""
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(text, at, name, 128, flags)
    return name.value.lower(), flags.value


def _char_box(text: pdfium.FPDF_TEXTPAGE, at: int, rect: pdfium.FS_RECTF) -> Box:
    pdfium.FPDFText_GetLooseCharBox(text, at, rect)
    return rect.left, rect.bottom, rect.right, rect.top


def _united(boxes: Sequence[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _tags(page: pdfium.FPDF_PAGE) -> dict[int, int]:
    """The levels of headings by the marked content that a tagged file says they are."""
    tree = pdfium.FPDF_StructTree_GetForPage(page)
    if not tree:
        return {}
    levels: dict[int, int] = {}
    try:
        count = pdfium.FPDF_StructTree_CountChildren(tree)
        waiting = [(pdfium.FPDF_StructTree_GetChildAtIndex(tree, i), 0, 0) for i in range(count)]
        while waiting and len(levels) < _MOST_OBJECTS:
            element, level, depth = waiting.pop()
            if not element or depth > _DEEPEST:
                continue
            level = _level(element) or level
            for i in range(pdfium.FPDF_StructElement_CountChildren(element)):
                mark = pdfium.FPDF_StructElement_GetChildMarkedContentID(element, i)
                if mark >= 0 and level:
                    levels[mark] = level
                elif mark < 0:
                    child = pdfium.FPDF_StructElement_GetChildAtIndex(element, i)
                    waiting.append((child, level, depth + 1))
    finally:
        pdfium.FPDF_StructTree_Close(tree)
    return levels


def _level(element: pdfium.FPDF_STRUCTELEMENT) -> int:
    name = ctypes.create_string_buffer(32)
    length = pdfium.FPDF_StructElement_GetType(element, name, 32)
    kind = name.raw[: max(0, min(length, 32) - 2)].decode("utf-16-le", "replace")
    if kind in ("H", "Title"):
        return 1
    return int(kind[1]) if len(kind) == 2 and kind[0] == "H" and kind[1] in "123456" else 0
