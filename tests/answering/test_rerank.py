from pathlib import Path

import pytest

from rag.answering.answer import ask
from rag.answering.rerank import BATCH, rerank
from rag.index.manifest import Manifest
from support.letter_encoder import LatinOnly, LetterEncoder, snapshot_of

ENCODER = LetterEncoder()


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return snapshot_of(tmp_path, fruit="# Fruit\n\nApples are red.\n").manifest


def test_a_text_that_holds_more_of_the_question_scores_more(manifest: Manifest) -> None:
    none, some, whole = rerank(manifest, ENCODER, "old figs", ["Bees hum.", "figs", "old figs"])
    assert 0 <= none < some < whole <= 1


def test_the_score_is_the_confidence_of_a_passage_alone_in_its_document(tmp_path: Path) -> None:
    text = "Old figs rot. Bees hum."
    snapshot = snapshot_of(tmp_path, a=text)
    [score] = rerank(snapshot.manifest, ENCODER, "old figs", [text])
    # The context of a passage, here its title, is no part of a given text.
    assert score == pytest.approx(ask(snapshot, ENCODER, "old figs").confidence, abs=0.1)


def test_a_name_or_number_that_a_text_lacks_lowers_its_score(manifest: Manifest) -> None:
    right, wrong = rerank(manifest, ENCODER, "room 12", ["room 12 is here", "room 13 is here"])
    assert wrong < right


def test_a_long_text_scores_as_its_best_part_whatever_the_batches(manifest: Manifest) -> None:
    filler = "bees hum. " * 200
    [alone] = rerank(manifest, ENCODER, "old figs", ["old figs"])
    texts = [f"{filler}old figs", *["bees"] * BATCH]
    assert rerank(manifest, ENCODER, "old figs", texts)[0] > alone / 2
    assert (
        rerank(manifest, ENCODER, "old figs", texts[1:])
        == [rerank(manifest, ENCODER, "old figs", ["bees"])[0]] * BATCH
    )


def test_blank_texts_and_questions_in_unknown_characters_score_nothing(manifest: Manifest) -> None:
    assert rerank(manifest, ENCODER, "figs", ["", " \n"]) == [0.0, 0.0]
    assert rerank(manifest, LatinOnly(), "Какая дверь?", ["figs"]) == [0.0]
    assert rerank(manifest, ENCODER, "figs", []) == []
