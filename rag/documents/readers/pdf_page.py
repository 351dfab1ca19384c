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

Box = tuple[float, float, float, float]

# What is smaller cannot be read.
_SMALLEST = 1.5
_BOLD = 600
_BOLD_NAMES = (b"bold", b"black", b"heavy", b"demi", b"cmbx", b"sfbx")
_MOST_OBJECTS = 20_000
_MOST_SEGMENTS = 2_000
_DEEPEST = 16
_THIN = 3.0
_SHORTEST_RULE = 8.0
_ALIGNED = 1.0
_HYPHEN = 2
_NOT_UNICODE = (0, 0xFFFE, 0xFFFF)
_INVISIBLE, _FILLED_MODES = 3, (0, 2, 4, 6)
_NEARLY_WHITE = 250
_BLANK = frozenset((9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x3000, *range(0x2000, 0x200B)))
_QUARTER = math.pi / 2
# Where what is written in a field, or onto the page, stands; the size that it is taken to have.
_WRITTEN = {pdfium.FPDF_ANNOT_WIDGET: b"V", pdfium.FPDF_ANNOT_FREETEXT: b"Contents"}
_UNSEEN_NOTE = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_FIELD_SIZE = 10.0
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


@dataclass(frozen=True, slots=True)
class Rule:
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
    `unmapped` those that the font gives no meaning to. A page `has_marks` if anything is drawn.
    """

    number: int
    width: float
    height: float
    turn: int = 0
    words: list[Word] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    stamps: list[list[Word]] = field(default_factory=list)
    hidden: int = 0
    unmapped: int = 0
    has_marks: bool = False


@dataclass(slots=True)
class _Drawn:
    """What is drawn beside text, in the file's own coordinates: rules, and filled areas."""

    rules: list[Box] = field(default_factory=list)
    areas: list[Box] = field(default_factory=list)
    pictures: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Style:
    """How a run of text looks. `is_seen` leaves open whether it is white on white."""

    size: float
    is_bold: bool
    is_seen: bool
    is_white: bool
    turn: int
    tag: int


def read_page(document: pdfium.FPDF_DOCUMENT, number: int) -> Page:
    """The page with that number, from 1; one without anything if PDFium cannot load it."""
    page = pdfium.FPDF_LoadPage(document, number - 1)
    if not page:
        return Page(number, 1, 1)
    try:
        return _read(page, number)
    finally:
        pdfium.FPDF_ClosePage(page)


def _read(page: pdfium.FPDF_PAGE, number: int) -> Page:
    bounds = _bounds(page)
    drawn = _drawn(page)
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
        found.rules.append(Rule(x0 - left, high - top, x1 - left, high - bottom))
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
    page: pdfium.FPDF_PAGE, found: Page, drawn: _Drawn, bounds: Box
) -> Iterator[tuple[Word, int]]:
    """The words that a person sees, each with the quarters that its line is turned by."""
    text = pdfium.FPDFText_LoadPage(page)
    if not text:
        return
    try:
        is_scan = drawn.pictures > (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / 2
        tags = _tags(page)
        styles: dict[int, _Style] = {}
        rect = pdfium.FS_RECTF()
        for order, (first, last, letters) in enumerate(_runs(text, found)):
            # Words of one text object look alike, and asking PDFium is what takes the time.
            item = pdfium.FPDFText_GetTextObject(text, first)
            key = ctypes.addressof(item.contents) if item else -1 - first
            style = styles.get(key)
            if style is None:
                style = styles[key] = _style(text, first, item, tags, is_scan)
            # In a word of both directions the outermost character may be any.
            ends = (first, last) if letters.isascii() else range(first, last + 1)
            x0, y0, x1, y1 = _united([_char_box(text, at, rect) for at in ends])
            x, y = (x0 + x1) / 2, (y0 + y1) / 2
            if (
                not style.is_seen
                or not (bounds[0] <= x <= bounds[2] and bounds[1] <= y <= bounds[3])
                or (style.is_white and not _is_over(drawn.areas, x, y))
            ):
                found.hidden += len(letters)
                continue
            word = Word(letters, x0, y1, x1, y0, style.size, style.is_bold, order, style.tag)
            yield word, style.turn
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
        if code in _NOT_UNICODE or 0xE000 <= code < 0xF900:
            sign = _SIGNS.get(code, "\ufffd")
            found.unmapped += sign == "\ufffd"
            letters.append(sign)
        elif code == _HYPHEN:
            # PDFium's mark for a hyphen at the end of a line.
            yield first, i, _joined([*letters, "-"])
            letters = []
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
    return _Style(
        size=size,
        is_bold=_is_bold(text, at),
        is_seen=size >= _SMALLEST
        and (mode != _INVISIBLE or is_scan)
        and not (is_filled and alpha.value == 0),
        is_white=is_filled and min(red.value, green.value, blue.value) >= _NEARLY_WHITE,
        turn=round(pdfium.FPDFText_GetCharAngle(text, at) / _QUARTER) % 4,
        tag=tags.get(pdfium.FPDFPageObj_GetMarkedContentID(item), 0) if item and tags else 0,
    )


def _is_bold(text: pdfium.FPDF_TEXTPAGE, at: int) -> bool:
    if pdfium.FPDFText_GetFontWeight(text, at) >= _BOLD:
        return True
    name = ctypes.create_string_buffer(128)
    pdfium.FPDFText_GetFontInfo(text, at, name, 128, None)
    lowered = name.value.lower()
    return any(part in lowered for part in _BOLD_NAMES)


def _char_box(text: pdfium.FPDF_TEXTPAGE, at: int, rect: pdfium.FS_RECTF) -> Box:
    pdfium.FPDFText_GetLooseCharBox(text, at, rect)
    return rect.left, rect.bottom, rect.right, rect.top


def _united(boxes: Sequence[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _is_over(areas: list[Box], x: float, y: float) -> bool:
    return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in areas)


def _drawn(page: pdfium.FPDF_PAGE) -> _Drawn:
    """What is drawn on a page, in forms too."""
    drawn = _Drawn()
    count = pdfium.FPDFPage_CountObjects(page)
    waiting = [
        (pdfium.FPDFPage_GetObject(page, i), (1.0, 0.0, 0.0, 1.0, 0.0, 0.0), 0)
        for i in range(min(count, _MOST_OBJECTS))
    ]
    while waiting:
        item, matrix, depth = waiting.pop()
        kind = pdfium.FPDFPageObj_GetType(item)
        drawn.count += 1
        if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            own = _product(_matrix(item), matrix)
            count = min(pdfium.FPDFFormObj_CountObjects(item), _MOST_OBJECTS - drawn.count)
            waiting += [
                (pdfium.FPDFFormObj_GetObject(item, i), own, depth + 1) for i in range(count)
            ]
        elif kind == pdfium.FPDF_PAGEOBJ_PATH:
            _note_path(drawn, item, matrix)
        elif kind in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_SHADING):
            x0, y0, x1, y1 = _object_box(item, matrix)
            drawn.areas.append((x0, y0, x1, y1))
            drawn.pictures += (x1 - x0) * (y1 - y0)
    return drawn


_Matrix = tuple[float, float, float, float, float, float]


def _matrix(item: pdfium.FPDF_PAGEOBJECT) -> _Matrix:
    found = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, found)
    return found.a, found.b, found.c, found.d, found.e, found.f


def _product(first: _Matrix, then: _Matrix) -> _Matrix:
    a, b, c, d, e, f = first
    (x0, y0), (x1, y1), (x2, y2) = (
        _moved(then, a, b, shift=False),
        _moved(then, c, d, shift=False),
        _moved(then, e, f),
    )
    return x0, y0, x1, y1, x2, y2


def _moved(matrix: _Matrix, x: float, y: float, shift: bool = True) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e * shift, b * x + d * y + f * shift


def _object_box(item: pdfium.FPDF_PAGEOBJECT, matrix: _Matrix) -> Box:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top)
    x0, y0 = _moved(matrix, left.value, bottom.value)
    x1, y1 = _moved(matrix, right.value, top.value)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _note_path(drawn: _Drawn, item: pdfium.FPDF_PAGEOBJECT, matrix: _Matrix) -> None:
    fill, stroke = ctypes.c_int(), pdfium.FPDF_BOOL()
    pdfium.FPDFPath_GetDrawMode(item, fill, stroke)
    box = _object_box(item, matrix)
    x0, y0, x1, y1 = box
    wide, high = x1 - x0, y1 - y0
    if min(wide, high) <= _THIN:
        if max(wide, high) >= _SHORTEST_RULE and (fill.value or stroke.value):
            across = wide > high
            x, y = (x0 + x1) / 2, (y0 + y1) / 2
            drawn.rules.append((x0, y, x1, y) if across else (x, y0, x, y1))
        return
    if fill.value and not _is_white(item):
        drawn.areas.append(box)
    if stroke.value:
        drawn.rules += _lines(item, _product(_matrix(item), matrix))


def _is_white(item: pdfium.FPDF_PAGEOBJECT) -> bool:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not pdfium.FPDFPageObj_GetFillColor(item, red, green, blue, alpha):
        return False
    return alpha.value == 0 or min(red.value, green.value, blue.value) >= _NEARLY_WHITE


def _lines(item: pdfium.FPDF_PAGEOBJECT, matrix: _Matrix) -> Iterator[Box]:
    """The straight lines of a path that run across or upright."""
    x, y = ctypes.c_float(), ctypes.c_float()
    at = start = (0.0, 0.0)
    for i in range(min(pdfium.FPDFPath_CountSegments(item), _MOST_SEGMENTS)):
        segment = pdfium.FPDFPath_GetPathSegment(item, i)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        point = _moved(matrix, x.value, y.value)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_LINETO:
            yield from _straight(at, point)
        elif kind == pdfium.FPDF_SEGMENT_MOVETO:
            start = point
        at = point
        if pdfium.FPDFPathSegment_GetClose(segment):
            yield from _straight(at, start)
            at = start


def _straight(a: tuple[float, float], b: tuple[float, float]) -> Iterator[Box]:
    (x0, x1), (y0, y1) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    if y1 - y0 <= _ALIGNED and x1 - x0 >= _SHORTEST_RULE:
        yield x0, (y0 + y1) / 2, x1, (y0 + y1) / 2
    elif x1 - x0 <= _ALIGNED and y1 - y0 >= _SHORTEST_RULE:
        yield (x0 + x1) / 2, y0, (x0 + x1) / 2, y1


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
            if not element or depth > 2 * _DEEPEST:
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
