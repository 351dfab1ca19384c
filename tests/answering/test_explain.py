from pathlib import Path

import pytest

from rag.answering.answer import ask
from rag.answering.explain import matched
from rag.index.snapshot import Snapshot
from rag.text.words import words
from support.letter_encoder import LetterEncoder, snapshot_of

ENCODER = LetterEncoder()


@pytest.fixture
def fruit(tmp_path: Path) -> Snapshot:
    text = "# Fruit\n\n## Red\n\nApples are red.\n\n## Blue\n\nPlums are blue.\n"
    return snapshot_of(tmp_path, fruit=text)


def test_the_shares_of_a_hit_add_up_to_its_score(fruit: Snapshot) -> None:
    for cited in ask(fruit, ENCODER, "blue plums", explained=True).passages:
        why = cited.explanation
        assert why and why.dense and why.bm25 and why.late and why.heading
        signals = (why.dense, why.bm25, why.late, why.heading)
        assert sum(each.share for each in signals) == pytest.approx(cited.hit.score)
        assert why.dense.share == 0


def test_ranks_are_among_the_candidates_of_each_signal(fruit: Snapshot) -> None:
    first, second = ask(fruit, ENCODER, "blue plums", explained=True).passages
    assert first.explanation and second.explanation
    assert (first.explanation.bm25.rank, second.explanation.bm25.rank) == (1, 2)
    assert (first.explanation.dense.rank, second.explanation.dense.rank) == (1, 2)


def test_the_matched_words_are_the_questions_own(fruit: Snapshot) -> None:
    first, second = ask(fruit, ENCODER, "Which plum is BLUE?", explained=True).passages
    assert first.explanation and second.explanation
    assert first.explanation.matched == ("plum", "blue")
    assert second.explanation.matched == ()
    assert (first.explanation.missing, second.explanation.missing) == ((), ("plum", "BLUE"))


@pytest.mark.parametrize("mode", ["dense", "bm25"])
def test_a_mode_explains_its_signal_alone(fruit: Snapshot, mode: str) -> None:
    best = ask(fruit, ENCODER, "plums", mode=mode, explained=True).passages[0]
    assert best.explanation
    explained = {
        name for name in ("dense", "bm25", "late", "heading") if getattr(best.explanation, name)
    }
    assert explained == {mode}
    assert getattr(best.explanation, mode).share == pytest.approx(best.hit.score)


def test_nothing_is_explained_unless_asked_for(fruit: Snapshot) -> None:
    assert {cited.explanation for cited in ask(fruit, ENCODER, "plums").passages} == {None}


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("Are plums Venetian?", ("Venetian",)),
        ("Is plum XK-30 blue, and how often?", ("plum XK-30", "how often")),
        ("How many plums are blue", ("How many",)),
        ("Which wombat ate these plums", ("wombat",)),
        ("Do plums or quince or yams mature there", ("quince", "yams", "mature")),
        ("are plums blue", ()),
    ],
)
def test_what_is_missing_is_said_in_the_questions_words(
    fruit: Snapshot, question: str, missing: tuple[str, ...]
) -> None:
    best = ask(fruit, ENCODER, question, explained=True).passages[0]
    assert best.explanation and best.explanation.missing == missing


@pytest.mark.parametrize(
    ("question", "text", "found"),
    [
        ("Cells, cells and procedures", "the cell's procedure", ("cells", "procedures")),
        ("the of", "the of", ()),
        ("64 GB of memory", "a 64GB card", ("64", "gb")),
        ("64GB", "64 GB", ("64gb",)),
        ("东京", "东京都", ("东京",)),
        ("영업시간", "영업시간은 아홉 시부터", ("영업시간",)),
    ],
)
def test_words_match_by_their_stems(question: str, text: str, found: tuple[str, ...]) -> None:
    """Each once, in the order of the question."""
    assert matched(words(question), text, "en") == found
