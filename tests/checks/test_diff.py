from pathlib import Path

import pytest

from rag.checks.diff import diff, faq_questions
from rag.index.snapshot import Snapshot
from support.letter_encoder import LetterEncoder, snapshot_of

ENCODER = LetterEncoder()
BEFORE = """# Fruit

Intro.

## Red

Apples.

## Blue

Plums.

## FAQ

Q: Which fruit is red?
A: Apples.
"""
AFTER = BEFORE.replace("Apples", "Cherries").replace("## FAQ", "## Green\n\nPears.\n\n## FAQ")
NUTS = "# Nuts\n\nHazelnuts.\n"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Snapshot, Snapshot]:
    """A document changed in its middle, one is removed, one added, one stays."""
    before = snapshot_of(tmp_path / "before", fruit=BEFORE, gone="Gone.\n", nuts=NUTS)
    after = snapshot_of(tmp_path / "after", fruit=AFTER, new="New.\n", nuts=NUTS)
    return before, after


def test_documents_and_passages_added_removed_and_changed_are_listed(
    pair: tuple[Snapshot, Snapshot],
) -> None:
    found = diff(*pair, None, [])
    assert found.documents == (("~", "fruit.md"), ("-", "gone.md"), ("+", "new.md"))
    assert list(found.lines()) == [
        "documents: 1 added, 1 removed, 1 changed",
        "~ fruit.md",
        "- gone.md",
        "+ new.md",
        "passages: 2 added, 1 removed, 2 changed",
        "~ fruit.md:7 Cherries.",
        "~ fruit.md:19 Q: Which fruit is red? A: Cherries.",
        "+ fruit.md:15 Pears.",
        "- gone.md:1 Gone.",
        "+ new.md:1 New.",
        "answers: 0 of 0 changed",
    ]


def test_a_snapshot_does_not_differ_from_itself(pair: tuple[Snapshot, Snapshot]) -> None:
    found = diff(pair[0], pair[0], ENCODER, ["Which fruit is red?"])
    assert (found.documents, found.passages, found.asked, found.answers) == ((), (), 1, ())


def test_questions_whose_first_passage_changed_are_listed(
    pair: tuple[Snapshot, Snapshot],
) -> None:
    questions = faq_questions(*pair)
    assert questions == ["Which fruit is red?"]
    found = diff(*pair, ENCODER, [*questions, "hazelnuts"])
    assert found.asked == 2
    assert [question for question, _ in found.answers] == questions
    assert list(found.lines())[-2:] == [
        "answers: 1 of 2 changed",
        "~ Which fruit is red? fruit.md:15 -> fruit.md:19",
    ]


def test_an_answer_that_is_no_more_is_a_change(tmp_path: Path) -> None:
    before = snapshot_of(tmp_path / "one", a="zebras zoom zealously\n")
    after = snapshot_of(tmp_path / "two", a="quiet queens quarrel\n")
    found = diff(before, after, ENCODER, ["zebras zoom"])
    assert list(found.lines())[-1] == "~ zebras zoom a.md:1 -> no answer"


def test_the_difference_as_json(pair: tuple[Snapshot, Snapshot]) -> None:
    found = diff(*pair, ENCODER, ["Which fruit is red?"]).to_json()
    assert (found["before"], found["after"]) == (pair[0].id, pair[1].id)
    assert found["documents"] == {
        "added": ["new.md"],
        "removed": ["gone.md"],
        "changed": ["fruit.md"],
    }
    assert [len(found["passages"][kind]) for kind in ("added", "removed", "changed")] == [2, 1, 2]
    assert found["passages"]["removed"][0]["after"] is None
    assert found["passages"]["removed"][0]["before"]["text"] == "Gone."
    assert found["answers"][0]["after"]["line"] == 19


def test_a_long_passage_is_shown_cut(tmp_path: Path) -> None:
    long = snapshot_of(tmp_path / "long", a="word " * 20)
    empty = snapshot_of(tmp_path / "other", b="other")
    shown = list(diff(empty, long, None, []).lines())
    assert shown[4] == f"+ a.md:1 {('word ' * 20)[:60]}…"
