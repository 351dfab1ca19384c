from pathlib import Path

import numpy as np
from paper import PaperEncoder, snapshot_of

from rag.headings import NONE, Headings, heading_of, headings_of, vectors_by_heading
from rag.types import Passage

ENCODER = PaperEncoder()


def passage(context: str) -> Passage:
    return Passage("p", "d", "s", 0, 1, "t", context)


def encode(texts: list[str]) -> np.ndarray:
    return ENCODER.encode_passages(texts, [""] * len(texts)).pooled


def test_the_header_of_a_divided_table_is_no_heading() -> None:
    assert heading_of(passage("Drugs > Doses\nname | mg")) == "Drugs > Doses"


def test_each_heading_is_encoded_once_and_known_ones_never() -> None:
    asked: list[str] = []

    def encode_and_note(texts: list[str]) -> np.ndarray:
        asked.extend(texts)
        return encode(texts)

    known = {"bee": np.full(ENCODER.dim, 0.5, np.float32)}
    passages = [passage(each) for each in ("ant", "", "bee", "ant", "cat")]
    found = headings_of(passages, known, encode_and_note, ENCODER.dim)
    assert asked == ["ant", "cat"]
    assert found.rows.tolist() == [0, NONE, 1, 0, 2]
    assert np.array_equal(found.vectors, [encode(["ant"])[0], known["bee"], encode(["cat"])[0]])
    assert list(vectors_by_heading(found, passages)) == ["ant", "bee", "cat"]


def test_without_any_heading_nothing_is_encoded_and_the_other_score_counts() -> None:
    found = headings_of([passage("")], {}, encode, ENCODER.dim)
    assert found.vectors.shape == (0, ENCODER.dim)
    rows, other = np.array([0]), np.array([0.25], np.float32)
    assert found.cosines(encode(["ant"])[0], rows, other).tolist() == [0.25]


def test_cosines_are_of_the_passages_own_headings_or_what_stands_in_for_them() -> None:
    headings = Headings(encode(["ant", "bee"]), np.array([1, NONE, 0]))
    other = np.array([0.1, 0.2], np.float32)
    found = headings.cosines(encode(["ape"])[0], np.array([1, 2]), other)
    assert found.tolist() == [np.float32(0.1), 1.0]


def test_a_snapshot_holds_the_headings_above_its_passages(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, pets="# Pets\n\nAll.\n\n## Cats\n\nMeow.\n")
    assert [heading_of(each) for each in snapshot.passages] == ["Pets", "Pets > Cats"]
    assert np.array_equal(snapshot.headings.vectors, encode(["Pets", "Pets > Cats"]))
    assert snapshot.headings.rows.tolist() == [0, 1]
