"""Writes small PDFs: lines of text at places, rules, and what hides."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

Draw = Callable[[Canvas], None]
TOP = 780
LEFT = 72


def pdf(*pages: Draw, title: str = "") -> bytes:
    """A PDF whose pages are drawn so."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=A4, invariant=1)
    if title:
        canvas.setTitle(title)
    for draw in pages:
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def write(
    canvas: Canvas,
    lines: Sequence[str],
    x: float = LEFT,
    top: float = TOP,
    size: float = 11,
    bold: bool = False,
) -> float:
    """Writes lines below each other; returns where the next would stand."""
    canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
    for line in lines:
        canvas.drawString(x, top, line)
        top -= 1.25 * size
    return top


def text(*lines: str) -> Draw:
    """A page with these lines."""

    def draw(canvas: Canvas) -> None:
        write(canvas, lines)

    return draw


def grid(
    canvas: Canvas, rows: Sequence[Sequence[str]], top: float = 600, ruled: bool = True
) -> None:
    """A table; without rules its columns stand below each other alone."""
    wide, high = 120, 20
    canvas.setFont("Helvetica", 11)
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            canvas.drawString(LEFT + 4 + j * wide, top - i * high - 14, cell)
    if ruled:
        xs = [LEFT + j * wide for j in range(len(rows[0]) + 1)]
        canvas.grid(xs, [top - i * high for i in range(len(rows) + 1)])
