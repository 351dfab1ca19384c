"""What feedback says of questions, in the documents as they are now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag.checks.judgments import ALL_WRONG, NO_PLACE, NOT_THERE, Judgments, judgments
from rag.index.snapshot import Snapshot
from support.feedback import helpful, missing, wrong
from support.letter_encoder import snapshot_of

TEXT = "# Rides\n\nAdults pay three euros.\n\n## Dogs\n\nDogs ride free.\n"


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return snapshot_of(tmp_path, rides=TEXT)


def quotes(found: Judgments) -> dict[str, list[str]]:
    return {each.question: [place.quote for place in each.places] for each in found.questions}


def test_helpful_places_answer_and_a_missing_answer_has_none(snapshot: Snapshot) -> None:
    given = [
        helpful(snapshot, "Who pays?", "Adults pay three euros."),
        helpful(snapshot, "who  PAYS?", "Dogs ride free."),
        missing("Who drives?"),
    ]
    found = judgments(snapshot, given)
    assert quotes(found) == {
        "Who pays?": ["Adults pay three euros.", "Dogs ride free."],
        "Who drives?": [],
    }
    assert found.unused == {}


def test_the_last_word_counts(snapshot: Snapshot) -> None:
    first = helpful(snapshot, "Who pays?", "Adults pay three euros.")
    second = helpful(snapshot, "Who pays?", "Dogs ride free.")
    no = wrong(snapshot, "Who pays?", "Adults pay three euros.")
    assert quotes(judgments(snapshot, [first, second, no])) == {"Who pays?": ["Dogs ride free."]}
    assert quotes(judgments(snapshot, [first, missing("Who pays?")])) == {"Who pays?": []}
    again = judgments(snapshot, [missing("Who pays?"), second])
    assert quotes(again) == {"Who pays?": ["Dogs ride free."]}


def test_a_place_is_found_again_in_a_changed_document(snapshot: Snapshot, tmp_path: Path) -> None:
    given = [helpful(snapshot, "Who pays?", "Adults pay three euros.")]
    later = snapshot_of(tmp_path / "later", rides=f"Preface.\n\n{TEXT}")
    [judged] = judgments(later, given).questions
    [place] = judged.places
    assert later.documents["rides.md"].text[place.char_start : place.char_end] == place.quote
    assert place.char_start == given[0].char_start + len("Preface.\n\n")  # type: ignore[operator]


def test_what_cannot_be_used_is_counted_by_its_reason(snapshot: Snapshot) -> None:
    gone = replace(helpful(snapshot, "Who pays?", "Adults pay"), quote="Adults pay ten")
    placeless = replace(missing("Who drives?"), verdict="helpful")
    found = judgments(snapshot, [gone, placeless, wrong(snapshot, "Who rides?", "Dogs ride")])
    assert found.questions == ()
    assert found.unused == {NOT_THERE: 1, NO_PLACE: 1, ALL_WRONG: 1}


def test_the_order_is_that_of_a_hash(snapshot: Snapshot) -> None:
    given = [missing(f"Q{at}?") for at in range(5)]
    forth, back = judgments(snapshot, given), judgments(snapshot, given[::-1])
    assert forth == back
    fewer = [each for each in forth.questions if each.question != "Q2?"]
    assert list(judgments(snapshot, [*given[:2], *given[3:]]).questions) == fewer
