"""A build fits the confidence to the feedback in its index folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.building.listener import Listener
from rag.building.origin import Origin
from rag.building.rebuild import rebuild
from rag.store.feedback import FEEDBACK, add_feedback
from rag.store.open import open_current
from support.feedback import helpful, missing
from support.letter_encoder import LetterEncoder, corpus

ENCODER = LetterEncoder()
TOPICS = "bcdfgh"
TEXT = "# Z\n\n" + "".join(
    f"## {letter}ome\n\n{letter}abo {letter}ebo {letter}ibo.\n\n" for letter in TOPICS
)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin((corpus(tmp_path / "corpus", garden=TEXT),), "with")


@pytest.fixture
def index(tmp_path: Path, origin: Origin) -> Path:
    """An index with feedback on four questions."""
    index = tmp_path / "index"
    rebuild(index, origin, ENCODER)
    snapshot = open_current(index, ENCODER)
    for letter in "bcd":
        add_feedback(index, helpful(snapshot, f"What {letter}abo?", f"{letter}abo {letter}ebo"))
    add_feedback(index, missing("Why zazo?"))
    return index


def fitted(index: Path) -> int:
    """How many questions the confidence of the live index was fitted to."""
    return open_current(index, ENCODER).manifest.calibration.questions


def test_the_next_build_uses_it(index: Path, origin: Origin) -> None:
    assert fitted(index) == 0
    assert rebuild(index, origin, ENCODER)
    assert fitted(index) == 4


def test_it_makes_no_index_stale(index: Path, origin: Origin) -> None:
    assert rebuild(index, origin, ENCODER, if_stale=True) is None


def test_it_can_be_left_out(index: Path, origin: Origin) -> None:
    rebuild(index, origin, ENCODER, use_feedback=False)
    assert fitted(index) == 0


def test_with_the_same_feedback_an_incremental_build_equals_a_full_one(
    index: Path, origin: Origin
) -> None:
    reusing = rebuild(index, origin, ENCODER)
    full = rebuild(index, origin, ENCODER, full=True)
    assert reusing and full
    assert reusing.manifest == full.manifest


def test_a_damaged_table_is_noted_and_stops_no_build(index: Path, origin: Origin) -> None:
    (index / FEEDBACK).write_bytes(b"no table, but long enough to be read as if it were one " * 20)
    said: list[str] = []
    assert rebuild(index, origin, ENCODER, listener=Listener(note=said.append))
    assert fitted(index) == 0
    assert [each.startswith("feedback is not used: ") for each in said] == [True]
