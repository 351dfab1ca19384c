"""What the confidence is made of, worked out by hand; what may not change it."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.alignment import BEFORE, LEAST, align
from rag.answering.answer import ask
from rag.answering.confidence import (
    DOUBTED,
    STEEPER,
    USUAL,
    USUAL_LEAD,
    Evidence,
    confidence,
    evidence,
    log_odds,
    uncalibrated,
    verdict_on,
)
from rag.answering.profile import profile_of
from rag.answering.search import encode_query, find_candidates
from rag.index.manifest import Calibration
from rag.index.snapshot import Snapshot
from rag.types import Caution, Filters, Mode
from support.letter_encoder import LetterEncoder, snapshot_of
from support.models import OTHER

ENCODER = LetterEncoder()
PROFILE = profile_of(OTHER)


def found(snapshot: Snapshot, question: str) -> Evidence:
    query = encode_query(question, ENCODER)
    candidates, passages = find_candidates(snapshot, query), snapshot.passages[:1]
    [first] = evidence(candidates, passages, align(snapshot, candidates.interaction, passages))
    return first


def coverage(snapshot: Snapshot, question: str) -> float:
    return found(snapshot, question).alignment.coverage


def sure(snapshot: Snapshot, question: str, **options: object) -> float:
    return ask(snapshot, ENCODER, question, **options).confidence


def test_coverage_is_of_the_best_sentence_and_of_what_stands_above(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, f="# Zoo\n\n## Fruit\n\nApples rot. Bees hum. Yaks dig.\n")
    assert coverage(snapshot, "apples rot") == pytest.approx(1)
    # `apples` stands in the sentence before.
    assert coverage(snapshot, "apples hum") == pytest.approx(1 - BEFORE / 2)
    assert coverage(snapshot, "apples dig") == pytest.approx(1 / 2)
    # Of `fruit`, which stands above, and `bees`, `hum` in a sentence: all of it with what is above,
    # and without that all but what counts of `fruit`.
    assert coverage(snapshot, "fruit hum bees") == pytest.approx((1 + 2 / (2 + LEAST)) / 2)
    assert coverage(snapshot, "") == 0


def test_the_log_odds_are_linear_in_the_coverage(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, f="Apples rot. Bees hum.")
    candidates = find_candidates(snapshot, encode_query("apples rot daily", ENCODER))
    expected = PROFILE.bias + PROFILE.slope * 2 / 3 + PROFILE.lead * USUAL_LEAD
    assert log_odds(candidates) == pytest.approx(expected)
    near = 1 / (1 + math.exp(-(snapshot.manifest.calibration.bias + expected)))
    assert confidence(candidates) == pytest.approx(near)


def test_the_odds_of_far_passages_fall_faster(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, f="Apples rot. Bees hum.")
    candidates = find_candidates(snapshot, encode_query("apples yaks zebras", ENCODER))
    linear = PROFILE.bias + PROFILE.slope / 3 + PROFILE.lead * USUAL_LEAD
    assert linear < DOUBTED
    assert log_odds(candidates) == pytest.approx(linear + STEEPER * (linear - DOUBTED))


def test_documents_of_other_fields_do_not_make_an_unanswerable_question_likelier(
    tmp_path: Path,
) -> None:
    question = "do apples rot daily in oslo"
    alone = snapshot_of(tmp_path / "alone", a="# Zoo\n\nVoles gnaw.\n")
    others = {f"o{at}": f"# Quux\n\nApples weigh {at + 7} grams.\n" for at in range(12)}
    crowded = snapshot_of(tmp_path / "all", a="# Zoo\n\nVoles gnaw.\n", **others)
    assert sure(crowded, question) == pytest.approx(sure(alone, question), abs=0.02)


def test_the_lead_is_over_the_rest_of_the_document(tmp_path: Path) -> None:
    rest = "".join(f"## V{at}\n\nVoles gnaw.\n\n" for at in range(4))
    snapshot = snapshot_of(tmp_path, f=f"# Zoo\n\n## Fruit\n\nApples rot.\n\n{rest}", g="Apples.")
    assert found(snapshot, "apples rot").lead == pytest.approx(
        (4 * 1 + USUAL * USUAL_LEAD) / (4 + USUAL)
    )


def test_missing_numbers_and_names_discount_the_confidence(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, f="Apples by Bob Cole cost 3.")
    whole = sure(snapshot, "apples cost 3")
    assert sure(snapshot, "apples cost 30") == pytest.approx(whole * PROFILE.number)
    whole = sure(snapshot, "apples by Bob Cole")
    assert sure(snapshot, "apples by Bert Cole") == pytest.approx(whole * PROFILE.name)
    assert 0 < PROFILE.number < PROFILE.name < 0.5


def test_a_passage_with_the_number_counts_before_a_nearer_one_without(tmp_path: Path) -> None:
    near = "Plums cost money in plan 7."
    snapshot = snapshot_of(tmp_path, a=near, b="Plums cost less in plan 8.")
    alone = snapshot_of(tmp_path / "alone", b="Plums cost less in plan 8.")
    question = "plums cost money in plan 8"
    assert sure(snapshot, question) == pytest.approx(sure(alone, question))


@pytest.mark.parametrize("question", ["apples rot", "apples hum daily", "part 3", "zebra yak"])
def test_copies_other_documents_and_filters_do_not_change_it(tmp_path: Path, question: str) -> None:
    text = "# Zoo\n\n## Fruit\n\nApples rot. Part 3 is red.\n"
    expected = sure(snapshot_of(tmp_path / "one", a=text), question)
    copies = {f"c{at}": text for at in range(40)}
    others = {f"o{at}": f"# Quux\n\n## Vole\n\nVoles gnaw leeks {at + 7}." for at in range(12)}
    crowded = snapshot_of(tmp_path / "all", a=text, **copies, **others)
    assert sure(crowded, question) == pytest.approx(expected, abs=0.02)
    assert sure(crowded, question, filters=Filters(("a.md",))) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("mode", ["dense", "bm25"])
def test_it_is_the_same_in_every_mode_that_finds_the_passage(tmp_path: Path, mode: Mode) -> None:
    snapshot = snapshot_of(tmp_path, a="Apples rot.", b="Bees hum.")
    assert sure(snapshot, "apples rot", mode=mode) == sure(snapshot, "apples rot")


def test_a_verdict_is_answered_where_the_answer_alone_keeps_the_risk() -> None:
    fitted = Calibration(0.0, 1.0, 0.4, 0.3, 0.75, 0)
    verdicts = [verdict_on(each, fitted) for each in (0.39, 0.4, 0.69, 0.7)]
    assert verdicts == ["not_found", "maybe", "maybe", "answered"]


def test_more_answerable_questions_mean_more_confidence_and_the_same_abstentions() -> None:
    even, most = (uncalibrated(OTHER, Caution(0.2, share)) for share in (0.5, 0.75))
    assert (even.bias, most.bias) == (0, pytest.approx(math.log(3), abs=1e-4))
    odds = [math.log(each.threshold / (1 - each.threshold)) for each in (even, most)]
    assert odds[1] - odds[0] == pytest.approx(math.log(3), abs=1e-3)
    assert replace(even, bias=most.bias, threshold=most.threshold, answerable=0.75) == most


def test_a_passage_without_sentences_is_covered_as_a_whole(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, f="# Zoo\n\n## Fruit\n\nApples rot.\n")
    none = replace(snapshot.marks, starts=snapshot.marks.starts * 0)
    assert coverage(replace(snapshot, marks=none), "zoo fruit apples rot") == pytest.approx(1)
