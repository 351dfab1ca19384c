from pathlib import Path

import numpy as np

from rag.index.question_vectors import NO_QUESTION, Headings, headings_of
from support.builds import build_snapshot
from support.letter_encoder import LetterEncoder, corpus, snapshot_of

ENCODER = LetterEncoder()
FAQ = "# Pets\n\n## Do cats bark?\n\nNo.\n\n## FAQ\n\nQ: Can cats mew\nA: Yes.\n"


def encode(texts: list[str]) -> np.ndarray:
    return ENCODER.encode_passages(texts, [""] * len(texts)).pooled


def test_each_heading_has_one_row_in_the_order_of_the_passages() -> None:
    vectors = dict(zip(["ant", "bee", "cat"], encode(["ant", "bee", "cat"]), strict=True))
    found = headings_of(["bee", "", "ant", "bee"], vectors, ENCODER.dim)
    assert found.rows.tolist() == [0, NO_QUESTION, 1, 0]
    assert np.array_equal(found.vectors, encode(["bee", "ant"]))


def test_without_any_heading_the_other_score_counts() -> None:
    found = headings_of([""], {}, ENCODER.dim)
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


def test_a_heading_that_asks_and_has_nothing_below_it_is_no_question_above(tmp_path: Path) -> None:
    others = "".join(f"## {name}\n\nText.\n\n" for name in ("Dogs", "Birds", "Fish"))
    text = f"# Pets\n\n{others}## Do cats bark?\n\n## Can cats mew?\n\nYes."
    snapshot = snapshot_of(tmp_path, pets=text)
    assert [passage.text for passage in snapshot.passages[3:]] == ["## Do cats bark?", "Yes."]
    assert snapshot.headings.rows.tolist()[3:] == [NO_QUESTION, 0]
