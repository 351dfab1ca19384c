"""What a second engine says of the pages of a PDF."""

from __future__ import annotations

from eval.studies.second_engine import Pdf, is_on, loss, sentences
from rag.documents.parse import parse
from support.pdf_files import pdf, text

FIRST = "The heron stands in shallow water and waits for fish."
SECOND = "The swan builds its nest of reeds on the island in spring."


def read(*pages: str, notes: tuple[str, ...] = ()) -> Pdf:
    """A PDF of two pages, which the second engine reads as these."""
    parsed = parse("a.pdf", pdf(text(FIRST), text(SECOND))).documents[0]
    return Pdf("a.pdf", parsed, notes, pages)


def test_a_sentence_is_on_the_page_that_has_most_of_it() -> None:
    found = read(FIRST, "The swan builds its nest of re-\neds on the island in spring.")
    assert list(sentences(found)) == [(FIRST, 1), (SECOND, 2)]
    assert [is_on(each, page, found.pages) for each, page in sentences(found)] == [True, True]
    assert not is_on(FIRST, 2, found.pages)
    assert not is_on(FIRST, 3, found.pages)


def test_words_that_the_second_engine_reads_alone_are_a_loss() -> None:
    assert loss(read(FIRST, SECOND)) is None
    found = loss(read(FIRST, f"{SECOND} Hatched chicks", notes=("hidden_text: 9 characters",)))
    assert found is not None
    assert (found.pages, found.words, found.letters) == ((2,), ("Hatched", "chicks"), 13)
    assert found.codes == ("hidden_text",)
