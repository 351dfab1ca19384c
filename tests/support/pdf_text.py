"""What PDFium finds inside boxes on a page as it is displayed."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence

import pypdfium2.raw as pdfium

from rag.types import PageBoxes

# PDFium gives whole units of a device; this many to a point.
_FINE = 100


def text_inside(raw: bytes, pages: Sequence[PageBoxes]) -> str:
    """The letters whose middle lies in one of the boxes, page by page in the file's order."""
    pdfium.FPDF_InitLibrary()
    document = pdfium.FPDF_LoadMemDocument64(raw, len(raw), None)
    try:
        return "".join(letter for found in pages for letter in _letters(document, found))
    finally:
        pdfium.FPDF_CloseDocument(document)


def _letters(document: pdfium.FPDF_DOCUMENT, found: PageBoxes) -> Iterator[str]:
    page = pdfium.FPDF_LoadPage(document, found.page - 1)
    text = pdfium.FPDFText_LoadPage(page)
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    assert abs(width - found.width) < 0.2 and abs(height - found.height) < 0.2
    for i in range(pdfium.FPDFText_CountChars(text)):
        x, y = _middle(page, text, i, width, height)
        if any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in found.lines):
            yield chr(pdfium.FPDFText_GetUnicode(text, i))
    pdfium.FPDFText_ClosePage(text)
    pdfium.FPDF_ClosePage(page)


def _middle(
    page: pdfium.FPDF_PAGE, text: pdfium.FPDF_TEXTPAGE, at: int, width: float, height: float
) -> tuple[float, float]:
    """The middle of a character, in points from the top left corner of the displayed page."""
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    pdfium.FPDFText_GetCharBox(text, at, left, right, bottom, top)
    x, y = ctypes.c_int(), ctypes.c_int()
    wide, high = round(width * _FINE), round(height * _FINE)
    middle = (left.value + right.value) / 2, (bottom.value + top.value) / 2
    pdfium.FPDF_PageToDevice(page, 0, 0, wide, high, 0, *middle, x, y)
    return x.value / _FINE, y.value / _FINE
