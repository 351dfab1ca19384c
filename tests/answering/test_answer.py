from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.answer import ask
from rag.answering.citations import cite, cite_span
from rag.index.snapshot import Snapshot
from rag.types import Filters
from support.builds import build_snapshot
from support.letter_encoder import LatinOnly, LetterEncoder, snapshot_of
from support.pdf_files import pdf, text
from support.snapshots import changed

ENCODER = LetterEncoder()


@pytest.fixture
def fruit(tmp_path: Path) -> Snapshot:
    return snapshot_of(
        tmp_path,
        fruit="# Fruit\n\n## Red\n\nApples are red. Cherries keep badly.\n\n"
        "## FAQ\n\n### Why do figs rot?\n\nOld figs rot.\n",
    )


def quote(snapshot: Snapshot, span: object) -> str:
    return snapshot.documents["fruit.md"].text[span.char_start : span.char_end]


def test_the_citation_gives_the_exact_place(fruit: Snapshot) -> None:
    answer = ask(fruit, ENCODER, "apples red", top_k=1)
    citation = answer.passages[0].citation
    assert citation.quote == "Apples are red. Cherries keep badly."
    assert quote(fruit, citation) == citation.quote
    assert (citation.document_id, citation.heading_path) == ("fruit.md", ("Red",))
    assert (citation.line_start, citation.line_end, citation.page) == (5, 5, None)
    assert citation.sha256 == fruit.documents["fruit.md"].sha256
    assert citation.title == "Fruit"


def test_the_sentence_that_answers_is_highlighted(fruit: Snapshot) -> None:
    best = ask(fruit, ENCODER, "cherries keep", top_k=1).passages[0]
    assert [quote(fruit, span) for span in best.highlights] == ["Cherries keep badly."]


def test_of_an_faq_pair_only_the_answer_is_highlighted(fruit: Snapshot) -> None:
    best = ask(fruit, ENCODER, "Why do figs rot?", top_k=1).passages[0]
    assert best.citation.quote.startswith("### Why do figs rot?")
    assert [quote(fruit, span) for span in best.highlights] == ["Old figs rot."]


def test_ranks_count_from_one_and_top_k_is_the_most(fruit: Snapshot) -> None:
    assert [p.rank for p in ask(fruit, ENCODER, "figs").passages] == [1, 2]
    assert len(ask(fruit, ENCODER, "figs", top_k=1).passages) == 1


@pytest.mark.parametrize("mode", ["hybrid", "dense", "bm25"])
def test_an_answer_with_more_passages_begins_as_one_with_fewer(tmp_path: Path, mode: str) -> None:
    snapshot = snapshot_of(tmp_path, **{f"d{at}": f"Figs rot {at}." for at in range(60)})
    answer = ask(snapshot, ENCODER, "figs", top_k=50, mode=mode)
    assert len({cited.hit.passage.id for cited in answer.passages}) == 50
    fewer = ask(snapshot, ENCODER, "figs", top_k=5, mode=mode)
    assert fewer.passages == answer.passages[:5]
    assert (fewer.confidence, fewer.abstained) == (answer.confidence, answer.abstained)


def test_nothing_found_is_an_abstention_without_passages(fruit: Snapshot) -> None:
    answer = ask(fruit, ENCODER, "figs", filters=Filters(("none.md",)))
    assert (answer.passages, answer.confidence, answer.abstained) == ((), 0.0, True)


def test_a_question_unlike_the_documents_is_less_sure(fruit: Snapshot) -> None:
    near = ask(fruit, ENCODER, "are apples red").confidence
    far = ask(fruit, ENCODER, "zebra yak").confidence
    assert 0 <= far < near <= 1


def test_a_question_without_words_has_no_highlights(fruit: Snapshot) -> None:
    assert all(p.highlights == () for p in ask(fruit, ENCODER, "  ").passages)


@pytest.mark.parametrize("mode", ["dense", "bm25", "hybrid"])
def test_every_mode_answers_with_a_probability(fruit: Snapshot, mode: str) -> None:
    assert 0 < ask(fruit, ENCODER, "apples red", mode=mode).confidence < 1


def test_a_second_sentence_as_near_as_the_first_is_highlighted_too(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, fruit="# Fruit\n\nOld figs rot. Bees hum. Oily figs reek.\n")
    best = ask(snapshot, ENCODER, "figs", top_k=1).passages[0]
    assert [quote(snapshot, span) for span in best.highlights] == [
        "Old figs rot.",
        "Oily figs reek.",
    ]


def test_every_passage_can_be_cited(fruit: Snapshot) -> None:
    for passage in fruit.passages:
        assert cite(fruit, passage).quote == passage.text
        section = fruit.sections[passage.section_id]
        assert cite(fruit, passage).heading_path == section.heading_path


def test_a_place_outside_every_section_is_cited_without_headings(fruit: Snapshot) -> None:
    first = next(iter(fruit.sections.values()))
    cut = changed(fruit, sections=[replace(first, end=first.start + 3)], passages=())
    outside, inside = (cite_span(cut, "fruit.md", first.start + at, first.end) for at in (3, 2))
    assert (outside.heading_path, inside.heading_path) == ((), first.heading_path)
    assert outside.quote == fruit.documents["fruit.md"].text[first.start + 3 : first.end]


def test_an_abstention_marks_nothing_and_says_what_is_missing(fruit: Snapshot) -> None:
    answer = ask(fruit, ENCODER, "Do newts and Zack Zorn yodel?")
    assert (answer.verdict, answer.abstained) == ("not_found", True)
    assert answer.passages and all(cited.highlights == () for cited in answer.passages)
    assert answer.missing == ("newts", "Zack Zorn", "yodel")
    assert answer.message == (
        "The documents do not seem to answer this question. Not found: newts, Zack Zorn, yodel. "
        "The nearest passages follow."
    )


def test_an_answer_is_marked_and_lacks_nothing(fruit: Snapshot) -> None:
    answer = ask(fruit, ENCODER, "are apples red")
    assert (answer.verdict, answer.message, answer.missing) == ("answered", None, ())
    assert answer.passages[0].highlights


@pytest.mark.parametrize("mode", ["hybrid", "dense"])
def test_a_question_in_unknown_characters_is_declined(tmp_path: Path, mode: str) -> None:
    snapshot = snapshot_of(tmp_path, z="# Дом\n\n## Вход\n\nДверь синяя.\n")
    answer = ask(snapshot, LatinOnly(), "Какая дверь?", mode=mode)
    assert (answer.abstained, answer.unreadable, answer.confidence) == (True, True, 0.0)
    assert answer.message == (
        "The model does not know the characters of this question, so it cannot answer it. "
        "The nearest passages follow."
    )
    assert answer.passages


def test_a_question_with_few_unknown_characters_is_answered(fruit: Snapshot) -> None:
    answer = ask(fruit, LatinOnly(), "Are apples red, дом?")
    assert not answer.abstained and not answer.unreadable


def test_words_are_found_literally_without_the_model(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, z="Дверь синяя.", y="Окно белое.")
    found = ask(snapshot, LatinOnly(), "синяя дверь сада", top_k=1, mode="bm25")
    assert found.passages[0].citation.quote == "Дверь синяя."
    assert (found.confidence, found.abstained) == (pytest.approx(2 / 3), False)
    # The model knows the question's word here, but not the passage's.
    mixed = snapshot_of(tmp_path / "m", x="plum синяя дверь")
    assert ask(mixed, LatinOnly(), "plum", mode="bm25").confidence == 1.0
    nothing = ask(snapshot, LatinOnly(), "Крыша", mode="bm25")
    assert (nothing.confidence, nothing.abstained, nothing.passages) == (0.0, True, ())


def test_an_answer_from_a_pdf_says_where_passage_and_highlight_stand(tmp_path: Path) -> None:
    (tmp_path / "fruit.pdf").write_bytes(pdf(text("Apples are red. Figs are", "brown inside.")))
    best = ask(build_snapshot([tmp_path], ENCODER), ENCODER, "figs brown", top_k=1).passages[0]
    page, (lines,) = best.citation.boxes[0], (span.boxes[0].lines for span in best.highlights)
    assert (page.page, round(page.width), round(page.height)) == (1, 595, 842)
    assert len(page.lines) == len(lines) == 2
    assert page.lines[0][0] == 72 < lines[0][0]
    assert page.lines[1] == lines[1]


def test_other_documents_have_no_boxes(fruit: Snapshot) -> None:
    best = ask(fruit, ENCODER, "apples red", top_k=1).passages[0]
    assert (best.citation.boxes, best.highlights[0].boxes) == ((), ())
