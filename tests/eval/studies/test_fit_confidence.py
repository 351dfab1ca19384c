"""The fit of the confidence, on cases that can be worked out."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from eval.studies.cases import FEATURES, Cases, cases, features
from eval.studies.fit_confidence import Fit, bins, calibration_error, confidences, fit, threshold
from eval.studies.pools import Pool, found_in, judged, read_pool
from rag.answering.confidence import features as served_features
from rag.answering.profile import profile_of
from rag.types import silent
from support.letter_encoder import LetterEncoder
from support.tiny_beir import write_collection

ENCODER = LetterEncoder()
ONES = np.ones(4)


def pool_in(folder: Path) -> Pool:
    return read_pool(write_collection(folder / "tiny"), ENCODER, folder / "cache", silent)


def test_the_features_are_those_that_are_served_and_more(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    background = profile_of(pool.snapshot.manifest.model).background
    for found in found_in(pool, judged(pool), ENCODER).values():
        made = dict(zip(FEATURES, features(found), strict=True))
        assert tuple(made.values())[:4] == astuple(served_features(found))
        assert made["words"] > 0
        # Of four candidates, the median is that of an unrelated passage.
        assert made["background"] == pytest.approx(background)
        assert made["cosine"] == found.signals["dense"].max()
        assert made["bm25"] == found.signals["bm25"].max()
        late = found.signals["late"]
        assert made["lead over the sixth"] == late.max() - late.min()


def test_a_question_is_asked_again_without_what_answers_it(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    made = cases(pool, found_in(pool, ["q0", "q2"], ENCODER), {})
    assert made.answerable.tolist() == [True, False, True, False]
    assert made.right.tolist() == [True, False, True, False]
    assert made.features[0, 0] > made.features[1, 0]


def test_a_set_that_says_what_is_answerable_is_asked_once(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    made = cases(pool, found_in(pool, ["q0", "q2"], ENCODER), {"q0": False, "q2": True})
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
