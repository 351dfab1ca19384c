"""What is drawn on a page of a PDF beside text: ruling lines, filled areas and pictures."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field

import pypdfium2.raw as pdfium

from rag.types import Box

_Matrix = tuple[float, float, float, float, float, float]

NEARLY_WHITE = 250
_MOST_OBJECTS = 20_000
_MOST_SEGMENTS = 2_000
_DEEPEST = 16
_THIN = 3.0
_SHORTEST_RULE = 4.0
_ALIGNED = 1.0


@dataclass(slots=True)
class Drawn:
    """What is drawn beside text, in the file's own coordinates: rules, and filled areas."""

    rules: list[Box] = field(default_factory=list)
    areas: list[Box] = field(default_factory=list)
    pictures: float = 0.0
    count: int = 0

    def covers(self, x: float, y: float) -> bool:
        """Whether a filled area lies over a point."""
        return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in self.areas)


def drawn_on(page: pdfium.FPDF_PAGE) -> Drawn:
    """What is drawn on a page, in forms too."""
    drawn = Drawn()
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


def _note_path(drawn: Drawn, item: pdfium.FPDF_PAGEOBJECT, matrix: _Matrix) -> None:
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
    return alpha.value == 0 or min(red.value, green.value, blue.value) >= NEARLY_WHITE


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
