"""The boxes of a quote hold its letters and no others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from reportlab.pdfgen.canvas import Canvas

from eval.studies.boxes import Boxed, boxed, letters
from rag.documents.boxes import boxes_of, packed, unpacked
from rag.documents.parse import parse
from rag.types import Document, PageBoxes, PageWords
from rag.types.errors import CorruptIndex
from support.pdf_files import Draw, grid, pdf, text, write
from support.places import ROOT

REAL = ROOT.parent / "shared" / "data" / "documents"
PROSE = (
    "A heron stands in shallow water. It waits for fish, and its neigh-",
    "bour does the same. Then both strike at once and fly away.",
)
WORDS = [(4, 100, 200, 150, 212), (9, 155, 200, 180, 212), (12, 100, 220, 140, 232)]


def document(words: Sequence[tuple[int, int, int, int, int]], text: str) -> Document:
    page = PageWords(words[0][0], 3, 100.0, 200.0, packed(words))
    return Document("a.pdf", "A", "a.pdf", "application/pdf", text, "", "", words=(page,))


def found_in(raw: bytes, most: int = 100) -> list[Boxed]:
    return list(boxed(raw, parse("a.pdf", raw).documents[0], most))


def two_columns(canvas: Canvas) -> None:
    for x, name in ((60, "left"), (320, "right")):
        lines = [f"Sentence {n} of the {name} column stands." for n in range(30)]
        write(canvas, lines, x=x)


def turned(canvas: Canvas) -> None:
    canvas.setPageRotation(90)
    canvas.setCropBox((40, 300, 800, 580))
    write(canvas, PROSE, top=560)


def upwards(canvas: Canvas) -> None:
    canvas.translate(400, 0)
    canvas.rotate(90)
    write(canvas, ["Herons standing upright await fishes."], x=100, top=200)


def table(canvas: Canvas) -> None:
    grid(canvas, [["Bird", "Eggs", "Nests"], ["heron", "4", "4"], ["stork", "4", "2"]])


def numbered(canvas: Canvas) -> None:
    write(canvas, ["4.2"], top=700, bold=True)
    write(canvas, ["Herons that nest in trees"], x=140, top=700, bold=True)
    write(canvas, PROSE, top=670)


def test_packed_words_are_the_same_words() -> None:
    assert unpacked(packed(WORDS)) == tuple(WORDS)


@pytest.mark.parametrize("words", ["!", "AAAA", packed(WORDS)[:-8]])
def test_words_that_cannot_be_unpacked_are_a_damaged_index(words: str) -> None:
    page = PageWords(0, 1, 1.0, 1.0, words)
    damaged = Document("a.pdf", "A", "a.pdf", "application/pdf", "text", "", "", words=(page,))
    with pytest.raises(CorruptIndex, match=r"a\.pdf: .*rag build"):
        boxes_of(damaged, 0, 4)


def test_a_quote_has_a_box_for_each_line() -> None:
    whole = document(WORDS, "... Then we go.")
    assert boxes_of(whole, 4, 15) == (
        PageBoxes(3, 100.0, 200.0, ((10.0, 20.0, 18.0, 21.2), (10.0, 22.0, 14.0, 23.2))),
    )
    assert boxes_of(whole, 9, 11)[0].lines == ((15.5, 20.0, 18.0, 21.2),)
    assert boxes_of(whole, 0, 3) == ()


def test_a_quote_within_a_word_has_its_share_of_the_box() -> None:
    whole = document([(0, 100, 0, 200, 12)], "一二三。五六七八九十")
    assert boxes_of(whole, 4, 10)[0].lines == ((14.0, 0.0, 20.0, 1.2),)


@pytest.mark.parametrize("draw", [text(*PROSE), two_columns, turned, upwards, table, numbered])
def test_the_boxes_of_a_sentence_hold_its_letters_alone(draw: Draw) -> None:
    found = found_in(pdf(draw))
    assert [letters(inside) for _, inside, _ in found] == [letters(quote) for quote, _, _ in found]
    assert all(boxes for _, _, boxes in found)


def test_boxes_lie_on_the_page_as_it_is_displayed() -> None:
    page = found_in(pdf(turned))[0][2][0]
    assert (page.width, page.height) == (280, 760)
    x0, y0, x1, y1 = page.lines[0]
    # The upper edge is on the right now; the text begins 32 points below the corner.
    assert 250 < x0 < x1 < 280
    assert (y0, y1 - y0 > 150) == (32, True)


def test_a_line_that_runs_upwards_has_one_box() -> None:
    assert [len(boxes[0].lines) for _, _, boxes in found_in(pdf(upwards))] == [1]


def test_a_sentence_over_two_pages_has_boxes_on_both() -> None:
    found = found_in(pdf(text("The sentence goes on"), text("over the end of the page.")))
    assert [[page.page for page in boxes] for _, _, boxes in found] == [[1, 2]]


@pytest.mark.skipif(not REAL.exists(), reason="the collection of real documents is not here")
@pytest.mark.parametrize(
    "name",
    [
        "unstructured/multi-column-2p.pdf",
        "unstructured/korean-text-with-tables.pdf",
        "docling/right_to_left_01.pdf",
        "pdfplumber/nics-background-checks-2015-11-rotated.pdf",
        "pdfplumber/issue-848.pdf",
    ],
)
def test_sampled_sentences_of_real_files_have_exact_boxes(name: str) -> None:
    sample = found_in((REAL / name).read_bytes(), most=20)
    exact = sum(letters(inside) == letters(quote) for quote, inside, _ in sample)
    # Indices of a formula that stand above each other are read one after the other.
    assert exact >= 0.9 * len(sample)
