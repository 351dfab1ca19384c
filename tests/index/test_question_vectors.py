from pathlib import Path

import numpy as np
import pytest

from rag.building.build import build_snapshot
from rag.index.question_vectors import NO_QUESTION, Headings, headings_of, question_above
from rag.types import Document, Section
from support.letter_encoder import LetterEncoder, corpus, snapshot_of

ENCODER = LetterEncoder()
FAQ = "# Pets\n\n## Do cats bark?\n\nNo.\n\n## FAQ\n\nQ: Can cats mew\nA: Yes.\n"


def encode(texts: list[str]) -> np.ndarray:
    return ENCODER.encode_passages(texts, [""] * len(texts)).pooled


def above(title: str, *headings: str, kind: str = "body", id: str = "d") -> str:
    document = Document(id, title, "d.md", "text/plain", "", "", "")
    return question_above(document, Section("s", "d", headings, 0, 0, kind, 0))


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


def test_each_heading_is_encoded_once_and_known_ones_never() -> None:
    asked: list[str] = []

    def encode_and_note(texts: list[str]) -> np.ndarray:
        asked.extend(texts)
        return encode(texts)

    known = {"bee": np.full(ENCODER.dim, 0.5, np.float32)}
    found = headings_of(["ant", "", "bee", "ant", "cat"], known, encode_and_note, ENCODER.dim)
    assert asked == ["ant", "cat"]
    assert found.rows.tolist() == [0, NO_QUESTION, 1, 0, 2]
    assert np.array_equal(found.vectors, [encode(["ant"])[0], known["bee"], encode(["cat"])[0]])


def test_without_any_heading_nothing_is_encoded_and_the_other_score_counts() -> None:
    found = headings_of([""], {}, encode, ENCODER.dim)
    assert found.vectors.shape == (0, ENCODER.dim)
    rows, other = np.array([0]), np.array([0.25], np.float32)
    assert found.cosines(encode(["ant"])[0], rows, other).tolist() == [0.25]


def test_cosines_are_of_the_passages_own_headings_or_what_stands_in_for_them() -> None:
    headings = Headings(encode(["ant", "bee"]), np.array([1, NO_QUESTION, 0]))
    other = np.array([0.1, 0.2], np.float32)
    found = headings.cosines(encode(["ape"])[0], np.array([1, 2]), other)
    assert found.tolist() == [np.float32(0.1), 1.0]


def test_a_snapshot_holds_the_questions_above_its_passages(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, pets=FAQ)
    assert np.array_equal(snapshot.headings.vectors, encode(["Do cats bark?", "Can cats mew"]))
    assert snapshot.headings.rows.tolist() == [0, 1]


def test_answers_indexed_alone_do_not_know_their_question(tmp_path: Path) -> None:
    snapshot = build_snapshot([corpus(tmp_path, pets=FAQ)], ENCODER, faq="answers")
    assert np.array_equal(snapshot.headings.vectors, encode(["Do cats bark?"]))
    assert snapshot.headings.rows.tolist() == [0, NO_QUESTION]
