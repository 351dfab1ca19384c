"""Eval sets made of feedback."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.sets.feedback import IN_FAQ, feedback_set, write_feedback_set
from eval.sets.written_questions import read_written
from rag.index.snapshot import Snapshot
from rag.types.errors import UsageError
from support.feedback import helpful, missing
from support.letter_encoder import snapshot_of

TEXT = (
    "# Rides\n\nAdults pay three euros.\n\n## Dogs\n\nDogs ride free.\n\n"
    "## FAQ\n\nQ: May cats ride?\nA: Cats ride in baskets.\n"
)


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return snapshot_of(tmp_path / "corpus", rides=TEXT)


def test_the_questions_are_read_as_written_ones(snapshot: Snapshot, tmp_path: Path) -> None:
    given = [helpful(snapshot, "Do dogs pay?", "Dogs ride free."), missing("Who drives?")]
    made = feedback_set(snapshot, given)
    write_feedback_set(tmp_path / "said", made, snapshot.manifest.corpus_sha256)
    documents, sections = snapshot.documents, snapshot.sections.values()
    read = read_written(tmp_path / "said" / "questions.jsonl", documents, sections)
    found = {each.query.text: (each.answerable, list(each.grades)) for each in read}
    [dogs] = [each.id for each in sections if each.heading_path[-1:] == ("Dogs",)]
    assert found == {"Do dogs pay?": (True, [dogs]), "Who drives?": (False, [])}


def test_a_place_in_the_faq_is_left_out(snapshot: Snapshot) -> None:
    given = [
        helpful(snapshot, "May a cat come?", "Cats ride in baskets."),
        helpful(snapshot, "Do dogs pay?", "Dogs ride free."),
    ]
    made = feedback_set(snapshot, given)
    assert [row["question"] for row in made.rows] == ["Do dogs pay?"]
    assert made.unused == {IN_FAQ: 1}


def test_questions_written_by_hand_are_not_overwritten(snapshot: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").write_text("{}\n")
    made = feedback_set(snapshot, [helpful(snapshot, "Do dogs pay?", "Dogs ride free.")])
    with pytest.raises(UsageError, match="holds questions of another kind"):
        write_feedback_set(tmp_path, made, "0" * 64)
    assert (tmp_path / "questions.jsonl").read_text() == "{}\n"
