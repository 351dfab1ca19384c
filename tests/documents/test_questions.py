"""FAQ pairs, and headings that are questions."""

import pytest

from rag.documents.questions import FaqPair, faq_pairs, question_above
from rag.types import Document, Section


def above(title: str, *headings: str, kind: str = "body", id: str = "d") -> str:
    document = Document(id, title, "d.md", "text/plain", "", "", "")
    return question_above(document, Section("s", "d", headings, 0, 2, kind, 1))


@pytest.mark.parametrize(
    "question",
    ["Why?", "Where is my key? [closed]", 'Is it "true?"', "为什么？"],
)
def test_a_heading_that_ends_as_a_question_is_one(question: str) -> None:
    assert above("Pets", "Cats", question) == question
    assert above(question) == question


@pytest.mark.parametrize("heading", ["Cats", "Why? Because", "Why? A review", "Cats [why?]", ""])
def test_other_headings_are_none(heading: str) -> None:
    assert above("Why?", heading) == ""


def test_a_title_that_is_merely_the_id_is_no_question() -> None:
    assert above("d?", id="d?") == ""


@pytest.mark.parametrize("part", ["?[", "[", "]", "?", "] ["])
def test_no_heading_takes_long_to_judge(part: str) -> None:
    assert above("a" + part * 300_000 + "a") == ""


def test_of_an_endless_question_the_beginning_counts() -> None:
    assert above("why " * 300_000 + "?") == ("why " * 300_000)[:4000]


def test_an_faq_pairs_question_needs_no_mark() -> None:
    assert above("Pets", "FAQ", "can cats bark", kind="faq") == "can cats bark"


def test_faq_pairs_are_the_faq_sections_in_order_with_their_answers() -> None:
    text = "Q: Why?\nA: Because.\n\nRain.\n\nQ: When?\nA: Soon.\n"
    document = Document("d", "d", "d.md", "text/plain", text, "", "")
    sections = [
        Section("d#faq/when", "d", ("FAQ", "When?"), 28, len(text), "faq", 40),
        Section("d#rain", "d", ("Rain",), 21, 28, "body", 21),
        Section("d#faq/why", "d", ("FAQ", "Why?"), 0, 21, "faq", 11),
    ]
    assert faq_pairs({"d": document}, sections) == [
        FaqPair("When?", "Soon.", "d#faq/when"),
        FaqPair("Why?", "Because.", "d#faq/why"),
    ]
