"""Headings of a PDF, with their levels and numbers."""

from __future__ import annotations

import pytest
from reportlab.pdfgen.canvas import Canvas

from rag.documents.readers.pdf import read_pdf
from support.pdf_files import LEFT, TOP, pdf, write
from support.readings import headings, shown

PROSE = (
    "The heron stands in shallow water for a long time and waits there",
    "until a fish comes near. Then it strikes faster than the eye can see.",
)
RULES = [
    ("1.", "Membership", "Whoever plants a pear tree is a member."),
    ("1.1", "Fees", "Nine crowns are due in April."),
    ("2.", "Harvest", "Ladders are lent by the shed."),
    ("2.1", "Juice", "A litre of pear juice costs eighty cents."),
]


@pytest.mark.parametrize("bold_numbers", [True, False])
@pytest.mark.parametrize("body", [LEFT, 120])
def test_a_number_in_a_column_of_its_own_belongs_to_its_heading(
    bold_numbers: bool, body: float
) -> None:
    def draw(canvas: Canvas) -> None:
        top = write(canvas, ["The pear club"], size=20) - 20
        for number, title, said in RULES:
            write(canvas, [number], top=top, bold=bold_numbers)
            top = write(canvas, [title], x=120, top=top, bold=True) - 4
            top = write(canvas, [said], x=body, top=top) - 8

    reading = read_pdf(pdf(draw))
    assert headings(reading) == [
        (1, "The pear club"),
        *(
            (1 + len(number.strip(".").split(".")), f"{number} {title}")
            for number, title, _ in RULES
        ),
    ]
    assert [said for kind, said in shown(reading) if kind != "heading"] == [
        said for _, _, said in RULES
    ]


def test_the_next_line_of_a_numbered_heading_belongs_to_it() -> None:
    def draw(canvas: Canvas) -> None:
        top = write(canvas, ["3. Pears"], bold=True) - 10
        top = write(canvas, ["3.1 Pears that ripen late in", "the year"], top=top, bold=True) - 10
        write(canvas, PROSE, top=top)

    assert headings(read_pdf(pdf(draw))) == [
        (1, "3. Pears"),
        (2, "3.1 Pears that ripen late in the year"),
    ]


def test_a_heading_begins_the_text_of_its_own_column() -> None:
    def draw(canvas: Canvas) -> None:
        for x, name in ((LEFT, "Ferry"), (330, "Lighthouse")):
            write(canvas, [name], x=x, size=14, bold=True)
            write(canvas, [f"{name} line {i} of the column" for i in range(12)], x=x, top=TOP - 25)

    kinds = [(kind, said.split()[0]) for kind, said in shown(read_pdf(pdf(draw)))]
    assert kinds == [
        ("heading", "Ferry"),
        ("paragraph", "Ferry"),
        ("heading", "Lighthouse"),
        ("paragraph", "Lighthouse"),
    ]


def test_headings_are_larger_or_bold_and_ranked_by_size() -> None:
    def draw(canvas: Canvas) -> None:
        below = write(canvas, ["Birds of the River"], size=24, bold=True)
        below = write(canvas, ["Herons"], size=16, top=below - 10)
        below = write(canvas, PROSE, top=below - 10)
        below = write(canvas, ["How they fish"], top=below - 12, bold=True)
        write(canvas, [*PROSE, *PROSE], top=below - 6)

    reading = read_pdf(pdf(draw))
    assert headings(reading) == [(1, "Birds of the River"), (2, "Herons"), (3, "How they fish")]
    assert reading.title == "Birds of the River"


def test_the_outline_tells_headings_that_look_like_text() -> None:
    def draw(canvas: Canvas) -> None:
        for level, title in enumerate(("Care", "Feeding the birds")):
            canvas.bookmarkPage(title)
            canvas.addOutlineEntry(title, title, level)
        write(canvas, ["1 Care"], top=780)
        write(canvas, PROSE, top=750)
        write(canvas, ["Feeding the birds"], top=700)
        write(canvas, PROSE, top=670)

    assert headings(read_pdf(pdf(draw))) == [(1, "1 Care"), (2, "Feeding the birds")]


def test_what_is_larger_than_the_outlines_headings_is_one_too() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.bookmarkPage("care")
        canvas.addOutlineEntry("Care", "care", 0)
        write(canvas, ["Birds of the River"], size=24)
        write(canvas, ["Care"], top=720, bold=True)
        write(canvas, PROSE, top=700)
        write(canvas, ["Food"], top=650, bold=True)
        write(canvas, PROSE, top=630)

    assert headings(read_pdf(pdf(draw))) == [(1, "Birds of the River"), (1, "Care")]


def test_italics_over_upright_text_are_a_heading() -> None:
    def draw(canvas: Canvas) -> None:
        below = write(canvas, PROSE)
        canvas.setFont("Helvetica-Oblique", 11)
        canvas.drawString(LEFT, below - 12, "Where herons nest")
        write(canvas, PROSE, top=below - 26)

    assert headings(read_pdf(pdf(draw))) == [(1, "Where herons nest")]


def test_bold_capitals_are_a_heading_in_smaller_type_too() -> None:
    def draw(canvas: Canvas) -> None:
        write(canvas, ["SEC. 2. NESTING SITES."], size=9, bold=True)
        write(canvas, [*PROSE, *PROSE], top=760)

    assert headings(read_pdf(pdf(draw))) == [(1, "SEC. 2. NESTING SITES.")]


def test_a_large_initial_makes_no_heading() -> None:
    def draw(canvas: Canvas) -> None:
        line = canvas.beginText(LEFT, 780)
        line.setFont("Helvetica", 30)
        line.textOut("H")
        line.setFont("Helvetica", 11)
        line.textLine("esitantly we go in to see the old oak by the way")
        canvas.drawText(line)
        write(canvas, PROSE, top=760)

    assert headings(read_pdf(pdf(draw))) == []


def test_lines_of_a_table_of_contents_are_no_headings() -> None:
    def draw(canvas: Canvas) -> None:
        write(canvas, ["Herons ........................ 12"], bold=True)
        write(canvas, PROSE, top=740)

    assert headings(read_pdf(pdf(draw))) == []
