"""Highlights scored on questions whose answers are known."""

from pathlib import Path

import pytest

from eval.studies.score_highlights import VARIANTS, as_served, firsts, holds, tried
from support.builds import build_snapshot
from support.letter_encoder import LetterEncoder
from support.tiny_beir import write_collection

ENCODER = LetterEncoder()


def test_only_answerable_questions_whose_paragraph_comes_first_count(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "squad2", unanswerable=True)
    snapshot = build_snapshot([folder / "corpus.jsonl"], ENCODER)
    found = firsts(snapshot, ENCODER, folder, "train")
    assert [(each.query.text, each.answers) for each in found] == [
        ("apples red", ["Apples"]),
        ("cherries dark", ["Cherries"]),
        ("gold heavy", ["Gold"]),
        ("jewels", ["Jewels"]),
    ]
    assert firsts(snapshot, ENCODER, folder, "score") == []


def test_what_is_marked_is_held_against_the_answers(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "squad2")
    snapshot = build_snapshot([folder / "corpus.jsonl"], ENCODER)
    made = as_served(snapshot, firsts(snapshot, ENCODER, folder, "train"))
    assert made["questions"] == 4
    assert made["holds"]["mean"] == 1.0
    assert made["sentences"] == 1.0
    # Apples are red. / Cherries are dark. / Gold is heavy. / Jewels never rust.
    assert made["median_characters"] == (15 + 18) / 2


def test_every_variant_is_tried_alone_and_with_a_close_second(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "squad2")
    snapshot = build_snapshot([folder / "corpus.jsonl"], ENCODER)
    made = tried(snapshot, ENCODER, firsts(snapshot, ENCODER, folder, "train"))
    assert set(made) == set(VARIANTS)
    for figures in made.values():
        assert figures == {"questions": 4, "best": 1.0, "with_close": 1.0, "sentences": 1.0}


@pytest.mark.parametrize(("marked", "held"), [(["a cat", "sat"], True), (["a", "cat"], False)])
def test_an_answer_must_stand_whole_in_one_sentence(marked: list[str], held: bool) -> None:
    assert holds(marked, ["a cat", "dog"]) is held
