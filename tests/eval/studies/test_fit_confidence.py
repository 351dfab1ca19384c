"""The fit of the confidence, on cases that can be worked out."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from eval.studies.cases import FEATURES, Cases, cases, features
from eval.studies.fit_confidence import Fit, bins, calibration_error, confidences, fit, threshold
from eval.studies.fusions import fused
from eval.studies.pools import Signals, judged, read_pool, signals, with_late
from rag.answering.confidence import BACKGROUND
from rag.answering.confidence import features as served_features
from rag.answering.fusion import order
from rag.answering.search import best_of, encode_query, find_candidates
from rag.building.build import build_snapshot
from rag.types import silent
from support.letter_encoder import LetterEncoder
from support.tiny_beir import write_collection

ENCODER = LetterEncoder()
ONES = np.ones(4)


def test_the_features_are_those_that_are_served(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "tiny")
    pool = read_pool(folder, ENCODER, tmp_path / "cache", silent)
    snapshot = build_snapshot([folder / "corpus.jsonl"], ENCODER)
    for each in with_late(pool, signals(pool, judged(pool))):
        query = encode_query(pool.queries[each.query], ENCODER)
        found = find_candidates(snapshot, query)
        served = served_features(snapshot, query, found, best_of(snapshot, found, 5))
        best = order(fused(each).tolist(), [pool.passages[row].id for row in each.rows])
        assert features(each, best, served.unmet == 1)[:4] == pytest.approx(
            astuple(served), abs=1e-3
        )
        assert served.words > 0


def test_a_quantity_is_missed_in_a_case_as_it_is_served(tmp_path: Path) -> None:
    rows = [
        ("Fruit", "p0", "Apples are red. Bears eat them.", "how many apples", "Apples"),
        ("Fruit", "p1", "Cherries last 2 days. Dogs hate them.", "how long cherries last", "2"),
        ("Metal", "p2", "Gold is heavy. Kings hoard it.", "gold heavy", "Gold"),
    ]
    folder = write_collection(tmp_path / "tiny", rows=rows)
    pool = read_pool(folder, ENCODER, tmp_path / "cache", silent)
    found = with_late(pool, signals(pool, judged(pool)))
    made = cases(pool, found, dict.fromkeys(pool.queries, True), ENCODER)
    unmet = made.features[:, FEATURES.index("unmet")].tolist()
    snapshot = build_snapshot([folder / "corpus.jsonl"], ENCODER)
    served = []
    for text in pool.queries.values():
        query = encode_query(text, ENCODER)
        candidates = find_candidates(snapshot, query)
        hits = best_of(snapshot, candidates, 5)
        served.append(served_features(snapshot, query, candidates, hits).unmet)
    assert unmet == served == [1, 0, 0]


def test_features_of_few_candidates() -> None:
    columns = (
        np.array(values, np.float32) for values in ([0.5, 0.75], [1, 3], [0.25, 1.0], [0, 0])
    )
    found = Signals("q", np.arange(2), *columns)
    assert features(found, [1, 0], unmet=True) == pytest.approx(
        (1.0, 1.0 - BACKGROUND, np.log(4), 1.0, 0.75, 0.75, 3.0, BACKGROUND)
    )


def test_a_question_is_asked_again_without_what_answers_it(tmp_path: Path) -> None:
    pool = read_pool(write_collection(tmp_path / "t"), ENCODER, tmp_path / "cache", silent)
    made = cases(pool, with_late(pool, signals(pool, ["q0", "q2"])), {}, ENCODER)
    assert made.answerable.tolist() == [True, False, True, False]
    assert made.right.tolist() == [True, False, True, False]
    assert made.features[0, 0] > made.features[1, 0]


def test_a_set_that_says_what_is_answerable_is_asked_once(tmp_path: Path) -> None:
    pool = read_pool(write_collection(tmp_path / "t"), ENCODER, tmp_path / "cache", silent)
    found = with_late(pool, signals(pool, ["q0", "q2"]))
    made = cases(pool, found, {"q0": False, "q2": True}, ENCODER)
    assert made.right.tolist() == [False, True]


def test_a_fit_finds_the_odds_and_sets_count_equally() -> None:
    def set_of(n: int, right: list[int]) -> Cases:
        flags = np.array(right * n, dtype=bool)
        rows = np.tile([0.0, 0.0, 1.0, 1.0], n)
        return Cases(np.stack([rows] * 4, axis=1), flags, flags)

    fitted = fit([set_of(1, [0, 1, 1, 1]), set_of(9, [0, 0, 0, 1])], ["late"])
    # at late 0: (1/2 + 0) / 2 right, at late 1: (1 + 1/2) / 2
    assert fitted.bias == pytest.approx(np.log(1 / 3), abs=1e-3)
    assert fitted.coefficients["late"] == pytest.approx(np.log(9), abs=2e-3)


def test_confidence_is_the_logistic_of_the_sum() -> None:
    of = Cases(np.array([[1.0, 0.5, 9.0, 9.0]]), np.array([True]), np.array([True]))
    found = confidences(Fit(-2.0, {"late": 1.0, "lead": 2.0}), of)
    assert found.tolist() == [0.5]


def test_bins_hold_tenths_and_their_gap_is_the_error() -> None:
    right = np.array([True, False, True, True])
    found = bins(np.array([0.21, 0.29, 0.95, 1.0]), right, np.array([1.0, 1.0, 1.0, 1.0]))
    assert found == [
        {"confidence": pytest.approx(0.25), "right": 0.5, "share": 0.5},
        {"confidence": pytest.approx(0.975), "right": 1.0, "share": 0.5},
    ]
    assert calibration_error(found) == pytest.approx(0.5 * 0.25 + 0.5 * 0.025)


def test_the_threshold_gives_as_much_as_the_risk_allows() -> None:
    confidence, right = np.array([0.9, 0.2, 0.8, 0.7]), np.array([True, False, False, True])
    assert threshold(confidence, right, ONES, 0.34) == {
        "risk": 0.34,
        "threshold": 0.7,
        "coverage": 0.75,
        "answered": 1.0,
    }
    assert threshold(confidence, np.array([False] * 4), ONES, 0.5) is None
