"""Pages of PDFs as images."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from rag.documents.page_image import TALLEST, draw, page_image, png
from rag.types.errors import CorpusError
from support.pdf_files import pdf, text


def opened(image: bytes | None) -> Image.Image:
    assert image is not None
    return Image.open(io.BytesIO(image)).convert("RGB")


def square(canvas: Canvas) -> None:
    """A black square of 100 points in the lower left corner."""
    canvas.rect(0, 0, 100, 100, stroke=0, fill=1)


def test_a_png_holds_its_pixels_whatever_the_stride() -> None:
    rows = b"\xff\0\0\0\xff\0--\0\0\xff\xff\xff\xff--"
    image = opened(png(rows, 2, 2, stride=8))
    assert [image.getpixel(at) for at in ((0, 0), (1, 0), (0, 1), (1, 1))] == [
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (255, 255, 255),
    ]


def test_a_page_is_drawn_as_wide_as_asked_and_upright() -> None:
    image = opened(draw(pdf(square), 1, 595))
    assert image.width == 595
    assert image.getpixel((50, image.height - 50)) == (0, 0, 0)
    assert image.getpixel((50, 50)) == (255, 255, 255)


def test_a_page_that_the_pdf_does_not_have_is_none() -> None:
    assert [draw(pdf(square), number, 50) for number in (0, 2)] == [None, None]


def test_a_very_tall_page_is_drawn_smaller() -> None:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(10, 10_000))
    canvas.showPage()
    canvas.save()
    assert opened(draw(file.getvalue(), 1, 100)).height <= TALLEST * 100


def test_the_child_draws_what_is_drawn_here() -> None:
    raw = pdf(text("One"), text("Two"))
    assert page_image(raw, 2, 200) == draw(raw, 2, 200)
    assert page_image(raw, 3, 200) is None


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"page 1 cannot be drawn \(exit code 1\)"):
        page_image(b"%PDF-1.4 nonsense", 1, 200)


def test_a_page_that_takes_too_long_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"page 1 took over 0\.001 s to draw"):
        page_image(pdf(square), 1, 200, seconds=0.001)
