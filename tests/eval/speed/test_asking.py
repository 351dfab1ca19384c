"""What a question costs is measured against dense and BM25 alone."""

from pathlib import Path

import pytest

from eval.provenance import read_outcome
from eval.running.systems import find
from eval.speed import asking
from eval.speed.asking import measure, seconds, ways
from rag.index.snapshot import Snapshot
from support.letter_encoder import LetterEncoder, snapshot_of
from support.tiny_beir import write_collection

ENCODER = LetterEncoder()
QUESTIONS = ["red apples", "why do figs rot", "zebra", "the"]


@pytest.fixture
def fruit(tmp_path: Path) -> Snapshot:
    texts = ["Apples are red.", "Figs rot.", "Old figs are red.", "Bees hum.", "Cats meow."]
    return snapshot_of(tmp_path, **{f"d{at}": text for at, text in enumerate(texts)})


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_baseline_is_search_with_the_other_signals_left_out(
    fruit: Snapshot, question: str
) -> None:
    found = ways(fruit, ENCODER)["dense+bm25"](question)
    assert found == list(find(fruit, ENCODER, question, k=5).hits["dense+bm25"])
    assert [hit.scores.late for hit in found] == [None] * 5


def test_each_way_is_timed_with_the_same_question() -> None:
    asked: list[tuple[str, str]] = []
    timed = {name: lambda question, name=name: asked.append((name, question)) for name in "ab"}
    assert all(each >= 0 for each in seconds(timed, "why"))
    assert asked == [("a", "why"), ("b", "why")]


def test_ratios_are_to_dense_and_bm25(fruit: Snapshot) -> None:
    found = measure(fruit, ENCODER, QUESTIONS)
    assert (found["passages"], found["questions"]) == (5, 4)
    assert list(found["ratio"]) == list(ways(fruit, ENCODER)) == ["dense+bm25", "search", "ask"]
    assert found["ratio"]["dense+bm25"] == 1.0
    assert all(found["milliseconds"][name] > 0 for name in found["ratio"])


def test_the_command_writes_the_ratios_of_both_corpora(tmp_path: Path) -> None:
    folder, out = write_collection(tmp_path / "tiny"), tmp_path / "out.json"
    asking.main(folder, out)
    made = read_outcome(out)
    assert made["command"] == f"python -m eval.speed.asking {folder}"
    assert list(made["corpora"]) == ["sample corpus", "tiny"]
    assert made["corpora"]["tiny"]["passages"] == made["corpora"]["tiny"]["questions"] == 4
    assert made["corpora"]["sample corpus"]["questions"] == asking.MOST
