"""Whether the boxes of sentences hold their letters: `python -m eval.studies.boxes FOLDER`.

Samples sentences of every PDF below a folder and asks PDFium for the letters in their boxes. Prints
the sentences of each file that differ, and how many do.
"""

from __future__ import annotations

import ctypes
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import pypdfium2.raw as pdfium
import typer

from rag.documents.boxes import boxes_of
from rag.documents.parse import parse
from rag.documents.readers.draft import squeezed
from rag.text import sentences
from rag.types import PageBoxes, ParsedDocument
from rag.types.errors import CorpusError

# A sentence of a PDF, what PDFium finds in its boxes, and the boxes.
Boxed = tuple[str, str, tuple[PageBoxes, ...]]
SAMPLE = 12
LARGEST = 3_000_000
# Blanks, hyphens, the bounds of cells, and letters that a font gives no meaning to or makes signs.
_ASIDE = re.compile(r"[\s\-\u2010\x02|▪•\ue000-\uf8ff\ufffd]")
# PDFium gives whole units of a device; this many to a point.
_FINE = 100


def main(folder: Path, each: Annotated[bool, typer.Option("--each")] = False) -> None:
    """Compare sentences of all PDFs below a folder with what PDFium finds in their boxes."""
    files = pages = size = sampled = exact = 0
    for path in sorted(folder.rglob("*.pdf")):
        raw = path.read_bytes()
        if len(raw) > LARGEST:
            continue
        try:
            parsed = parse(path.name, raw).documents[0]
        except CorpusError:
            continue
        words = parsed.document.words
        sample = list(boxed(raw, parsed, SAMPLE))
        differ = [quote for quote, inside, _ in sample if letters(quote) != letters(inside)]
        for quote in differ if each else []:
            typer.echo(f"{path.name}: {quote[:100]!r}")
        files, pages = files + 1, pages + len({page.number for page in words})
        size += sum(len(page.words) for page in words)
        sampled, exact = sampled + len(sample), exact + len(sample) - len(differ)
    typer.echo(f"{files} files, {pages} pages, {size / max(1, pages):.0f} bytes a page")
    typer.echo(f"{exact} of {sampled} sentences have exact boxes")


def boxed(raw: bytes, parsed: ParsedDocument, most: int) -> Iterator[Boxed]:
    """Sentences of a PDF in order, all or so many of them drawn by lot."""
    text = parsed.document.text
    spans = [span for block in parsed.blocks for span in sentences(text, block.start, block.end)]
    drawn = sorted(random.Random(5).sample(spans, most)) if len(spans) > most else spans
    for start, end in drawn:
        boxes = boxes_of(parsed.document, start, end)
        yield text[start:end], text_inside(raw, boxes), boxes


def letters(text: str) -> str:
    """The letters that count, sorted: a file may hold lines in another order than they are read."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(sorted(_ASIDE.sub("", squeezed(whole))))


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


if __name__ == "__main__":
    typer.run(main)
