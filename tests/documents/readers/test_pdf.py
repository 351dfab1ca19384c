"""A PDF is read in the order of a person, each word with its page."""

from __future__ import annotations

import io
import zlib
from contextlib import suppress

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from rag.documents.readers.pdf import read_pdf
from rag.types.errors import CorpusError
from support.pdf_files import LEFT, grid, pdf, text, write
from support.readings import pairs, place_of, rows, shown

PROSE = (
    "The heron stands in shallow water for a long time and waits there",
    "until a fish comes near. Then it strikes faster than the eye can see.",
)


def words(n: int) -> list[str]:
    """Lines of prose that differ from each other."""
    return [f"line {i} of the column goes on and on here" for i in range(n)]


def test_lines_become_paragraphs() -> None:
    def draw(canvas: Canvas) -> None:
        below = write(canvas, PROSE)
        write(canvas, ["A second paragraph."], top=below - 12)

    assert shown(read_pdf(pdf(draw))) == [
        ("paragraph", " ".join(PROSE)),
        ("paragraph", "A second paragraph."),
    ]


def test_each_word_has_its_page() -> None:
    reading = read_pdf(pdf(text("First."), text("Second."), lambda canvas: None, text("Fourth.")))
    for word, number in (("First.", 1), ("Second.", 2), ("Fourth.", 4)):
        assert place_of(reading, word) == ("page", number, "")
    assert reading.left_out == ()


def test_a_paragraph_and_a_list_go_on_over_pages() -> None:
    reading = read_pdf(
        pdf(
            text("The sentence goes", "on over the"),
            text("end of its page.", "• one"),
            text("• two"),
        )
    )
    assert shown(reading) == [
        ("paragraph", "The sentence goes on over the end of its page."),
        ("list", "• one\n• two"),
    ]
    pages = [place_of(reading, word) for word in ("sentence", "end of", "one", "two")]
    assert pages == [("page", 1, ""), ("page", 2, ""), ("page", 2, ""), ("page", 3, "")]


@pytest.mark.parametrize("by_rows", [False, True])
def test_columns_are_read_one_after_the_other(by_rows: bool) -> None:
    left, right = words(12), [line.replace("line", "row") for line in words(12)]

    def draw(canvas: Canvas) -> None:
        write(canvas, ["A Title Over Both Of The Columns Of This Page"], size=20)
        if by_rows:
            for i, (a, b) in enumerate(zip(left, right, strict=True)):
                write(canvas, [a], top=700 - 14 * i)
                write(canvas, [b], x=330, top=700 - 14 * i)
        else:
            write(canvas, right, x=330, top=700)
            write(canvas, left, top=700)

    reading = read_pdf(pdf(draw))
    assert [kind for kind, _ in shown(reading)] == ["heading", "paragraph"]
    assert shown(reading)[1] == ("paragraph", " ".join([*left, *right]))


def test_a_word_parted_at_the_end_of_a_line_is_put_together() -> None:
    reading = read_pdf(
        pdf(
            text(
                "A well-known example of a trans-",
                "formation that is a well-",
                "known COVID-",
                "19 case",
            )
        )
    )
    assert (
        reading.text
        == "A well-known example of a transformation that is a well-known COVID-19 case"
    )


def test_ligatures_are_letters_and_soft_hyphens_go() -> None:
    assert read_pdf(pdf(text("na\u00adive"))).text.replace("-", "") == "naive"


def test_a_number_that_stands_apart_begins_an_item() -> None:
    def draw(canvas: Canvas) -> None:
        for i, item in enumerate(("Look for the nest", "Count the eggs")):
            write(canvas, [f"{i + 1}."], top=780 - 30 * i)
            write(canvas, [item], x=LEFT + 40, top=780 - 30 * i)

    assert shown(read_pdf(pdf(draw))) == [("list", "1. Look for the nest\n2. Count the eggs")]


def test_a_sign_without_a_meaning_before_a_line_is_a_bullet() -> None:
    def draw(canvas: Canvas) -> None:
        for i, bird in enumerate(("Ducks", "Geese")):
            canvas._code.append(f"BT /F1 11 Tf 72 {780 - 14 * i} Td (\\036 {bird}) Tj ET")

    assert shown(read_pdf(pdf(draw)))[0] == ("list", "• Ducks\n• Geese")


@pytest.mark.parametrize("ruled", [True, False])
def test_a_table_is_read_cell_by_cell(ruled: bool) -> None:
    table = [
        ["City", "Country", "People"],
        ["Oslo", "Norway", "709,000"],
        ["Bern", "Swiss", "134,000"],
    ]

    def draw(canvas: Canvas) -> None:
        write(canvas, PROSE)
        grid(canvas, table, ruled=ruled)

    reading = read_pdf(pdf(draw))
    assert rows(reading) == table
    block = next(block for block in reading.blocks if block.kind == "table")
    assert reading.text[block.start : block.tables[0].header_end] == "City | Country | People"


def table_at(canvas: Canvas, rows: list[list[str]], xs: tuple[int, ...], top: int = 760) -> None:
    """Rows 14 points apart, each cell at the place of its column; "" is none."""
    for i, row in enumerate(rows):
        for x, cell in zip(xs, row, strict=True):
            if cell:
                write(canvas, [cell], x=x, top=top - 14 * i, size=9)


def test_the_cells_of_a_table_may_have_several_lines() -> None:
    def draw(canvas: Canvas) -> None:
        lines = [
            ["No.", "Bird", "Seen at", "Count"],
            ["A1", "Heron", "the lake below the", "3"],
            ["", "", "old mill, by boat and on foot from", ""],
            ["", "", "the road", ""],
            ["A2", "Goose", "the meadow", "14"],
            ["A3", "Swan", "the river near the", "2"],
            ["", "", "bridge", ""],
        ]
        table_at(canvas, lines, (72, 120, 200, 340))

    assert rows(read_pdf(pdf(draw)))[1:] == [
        ["A1", "Heron", "the lake below the old mill, by boat and on foot from the road", "3"],
        ["A2", "Goose", "the meadow", "14"],
        ["A3", "Swan", "the river near the bridge", "2"],
    ]


def test_two_columns_below_a_common_head_stay_two() -> None:
    def draw(canvas: Canvas) -> None:
        write(canvas, ["Bird"], x=72, size=9, top=774)
        write(canvas, ["Days at the lake and river"], x=200, size=9, top=774)
        table_at(canvas, [[b, f"{i}/4", f"{i}/9"] for i, b in enumerate("ABCD", 1)], (72, 200, 270))

    assert rows(read_pdf(pdf(draw)))[1:] == [
        [b, f"{i}/4", f"{i}/9"] for i, b in enumerate("ABCD", 1)
    ]


def test_text_beside_a_table_is_no_part_of_it() -> None:
    def draw(canvas: Canvas) -> None:
        write(canvas, words(20))
        table_at(canvas, [[f"Bird {i}", str(i)] for i in range(1, 10)], (400, 500), top=772)

    found = [kind for kind, _ in shown(read_pdf(pdf(draw)))]
    assert found == ["paragraph", "table"]


def test_a_table_drawn_with_characters_is_a_table() -> None:
    rule = "|----------+-------|"
    lines = [
        rule,
        "|Bird      | Count |",
        rule,
        "|Grey heron|   12  |",
        rule,
        "|Swan      |    3  |",
        rule,
    ]

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Courier", 10)
        for i, line in enumerate(lines):
            canvas.drawString(LEFT, 700 - 10 * i, line)

    assert rows(read_pdf(pdf(draw))) == [["Bird", "Count"], ["Grey heron", "12"], ["Swan", "3"]]


def test_columns_that_no_rule_parts_in_a_ruled_table_stay_apart() -> None:
    def draw(canvas: Canvas) -> None:
        for i in range(4):
            for j in range(6):
                write(canvas, [f"cell {i}{j}"], x=LEFT + 4 + 70 * j, top=686 - 20 * i, size=9)
        xs = [LEFT, LEFT + 140, LEFT + 280, LEFT + 420]
        canvas.grid(xs, [700 - 20 * i for i in range(5)])

    assert rows(read_pdf(pdf(draw))) == [[f"cell {i}{j}" for j in range(6)] for i in range(4)]


@pytest.mark.parametrize("number_top", [755, 30])
def test_running_heads_and_page_numbers_are_left_out(number_top: float) -> None:
    def draw(number: int) -> object:
        def on(canvas: Canvas) -> None:
            write(canvas, ["Annual Report 2025"], top=810, size=9)
            write(canvas, [f"Page {number} of 3"], top=number_top, size=9)
            write(canvas, [f"The text of page {number} stands here."], top=720)

        return on

    reading = read_pdf(pdf(*map(draw, (1, 2, 3))))  # type: ignore[arg-type]
    assert reading.text == "\n\n".join(f"The text of page {n} stands here." for n in (1, 2, 3))
    assert reading.notes == ("running_heads: 6 lines that repeat on pages are left out",)


def hide(how: str) -> bytes:
    def draw(canvas: Canvas) -> None:
        write(canvas, ["Seen."])
        if how == "white":
            canvas.setFillColorRGB(1, 1, 1)
        line = canvas.beginText(2000 if how == "off the page" else LEFT, 500)
        line.setFont("Helvetica", 0.5 if how == "tiny" else 11)
        line.setTextRenderMode(3 if how == "invisible" else 0)
        line.textLine("Ignore")
        canvas.drawText(line)

    return pdf(draw)


@pytest.mark.parametrize("how", ["white", "tiny", "invisible", "off the page"])
def test_hidden_text_is_left_out_and_counted(how: str) -> None:
    reading = read_pdf(hide(how))
    assert reading.text == "Seen."
    assert reading.notes == ("hidden_text: 6 characters that nobody sees are left out",)


def test_white_text_on_colour_is_seen() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFillColorRGB(0, 0, 0.5)
        canvas.rect(LEFT, 490, 200, 30, stroke=0, fill=1)
        canvas.setFillColorRGB(1, 1, 1)
        write(canvas, ["On blue."], top=500)

    assert read_pdf(pdf(draw)).text == "On blue."


def test_a_page_without_text_is_named() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.rect(100, 100, 300, 300, fill=1)

    reading = read_pdf(pdf(text("Text."), draw, draw))
    assert reading.left_out == (
        "no_text_layer: pages 2, 3 are without text;"
        " add it with an OCR tool, for instance OCRmyPDF",
    )
    scan = read_pdf(pdf(draw))
    assert (scan.text, scan.blocks) == ("", ())
    assert scan.left_out[0].startswith("no_text_layer: page 1 is without text")


def test_what_is_written_into_a_form_is_read_where_it_stands() -> None:
    def draw(canvas: Canvas) -> None:
        write(canvas, ["Name:"], top=700)
        canvas.acroForm.textfield(name="n", value="Ada Lovelace", x=120, y=697, height=14)
        write(canvas, ["Thank you."], top=650)

    assert read_pdf(pdf(draw)).text == "Name: Ada Lovelace\n\nThank you."


def test_text_that_runs_upwards_is_read() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.translate(300, 100)
        canvas.rotate(90)
        write(canvas, PROSE, x=0, top=0)

    assert read_pdf(pdf(draw)).text == " ".join(PROSE)


def test_questions_below_an_faq_heading_are_pairs() -> None:
    def draw(canvas: Canvas) -> None:
        below = write(canvas, ["Frequently Asked Questions"], size=20, bold=True)
        for question in ("Do herons sing?", "Do herons swim?"):
            below = write(canvas, [question], size=14, bold=True, top=below - 12)
            below = write(canvas, ["They croak, and they wade in shallow water."], top=below - 4)

    assert [question for question, _ in pairs(read_pdf(pdf(draw)))] == [
        "Do herons sing?",
        "Do herons swim?",
    ]


def test_marks_in_a_column_of_their_own_open_questions_and_answers() -> None:
    def draw(canvas: Canvas) -> None:
        below = write(canvas, ["Frequently Asked Questions"], size=20, bold=True)
        for number, bird in enumerate(("herons", "storks", "cranes"), start=1):
            write(canvas, [f"Q{number}"], top=below, bold=True)
            below = write(canvas, [f"Do {bird} sing?"], x=120, top=below, bold=True)
            write(canvas, ["A"], top=below)
            below = write(canvas, ["They croak, and they wade", "in water."], x=120, top=below)

    assert pairs(read_pdf(pdf(draw)))[0][0] == "Do herons sing?"
    assert len(pairs(read_pdf(pdf(draw)))) == 3


def test_the_title_is_that_of_the_file_if_no_heading_is() -> None:
    assert read_pdf(pdf(text("Text."), title="Herons")).title == "Herons"
    assert read_pdf(pdf(text("Text."), title="Microsoft Word - a.doc")).title == ""


def test_a_password_is_asked_for_only_if_there_is_one() -> None:
    def locked(password: str) -> bytes:
        file = io.BytesIO()
        canvas = Canvas(file, encrypt=StandardEncryption(password, "owner"))
        canvas.drawString(100, 700, "Secret.")
        canvas.save()
        return file.getvalue()

    assert read_pdf(locked("")).text == "Secret."
    with pytest.raises(CorpusError, match="encrypted"):
        read_pdf(locked("user"))


def test_what_is_no_pdf_is_refused_and_what_is_damaged_read_as_far_as_it_goes() -> None:
    raw = pdf(text("Text."))
    for broken in (b"", b"%PDF-1.7", raw[: len(raw) // 3]):
        with pytest.raises(CorpusError, match=r"corrupt|no text"):
            read_pdf(broken)
    assert read_pdf(raw + b"\0" * 1000).text == "Text."


@pytest.mark.timeout(60)
def test_mutants_are_read_or_refused() -> None:
    raw = pdf(text(*PROSE), lambda canvas: grid(canvas, [["a", "b"], ["c", "d"]]))
    for seed in range(150):
        mutant = bytearray(raw)
        for i in range(1 + seed % 5):
            at = zlib.crc32(bytes([seed, i])) % len(mutant)
            mutant[at] ^= 1 << (seed % 8)
        with suppress(CorpusError):
            shown(read_pdf(bytes(mutant)))
