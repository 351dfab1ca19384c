"""What tells an answered question from an unanswered one, worked out by hand."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.answering.confidence import (
    BACKGROUND,
    COEFFICIENTS,
    Features,
    confidence,
    features,
    log_odds,
)
from rag.answering.search import Candidates, best_of, encode_query, find_candidates
from rag.index.snapshot import Snapshot
from rag.types import Mode
from support.letter_encoder import LetterEncoder, snapshot_of

ENCODER = LetterEncoder()


@pytest.fixture
def fruit(tmp_path: Path) -> Snapshot:
    return snapshot_of(tmp_path, **{f"d{at}": f"Figs rot {at}." for at in range(12)})


def scored(snapshot: Snapshot, late: list[float], bm25: list[float]) -> Candidates:
    found = find_candidates(snapshot, encode_query("figs", ENCODER))
    kept = len(late)
    signals = {
        "late": np.array(late, np.float32),
        "bm25": np.array(bm25, np.float32),
    }
    fused = {"late": signals["late"].astype(np.float64)}
    return Candidates(found.rows[:kept], signals, fused)


def test_each_lead_is_over_the_median_candidate(fruit: Snapshot) -> None:
    late = [0.9, *[0.3] * 6, *[0.5] * 5]
    bm25 = [4.0, *[1.0] * 11]
    found = scored(fruit, late, bm25)
    made = features(fruit, encode_query("figs", ENCODER), found, best_of(fruit, found, 3))
    assert made.late == pytest.approx(0.9)
    assert made.lead == pytest.approx(0.9 - (0.3 + 0.5) / 2)
    assert made.words == pytest.approx(math.log(1 + 3))


def test_of_few_candidates_the_rest_is_background(fruit: Snapshot) -> None:
    found = scored(fruit, [0.9, 0.2, 0.2], [4.0, 3.0, 3.0])
    made = features(fruit, encode_query("figs", ENCODER), found, best_of(fruit, found, 3))
    assert made.lead == pytest.approx(0.9 - BACKGROUND)
    assert made.words == pytest.approx(math.log(1 + 4))


def test_a_first_hit_whose_words_lag_behind_counts_as_level(fruit: Snapshot) -> None:
    found = scored(fruit, [0.9, *[0.3] * 11], [0.0, *[5.0] * 11])
    query = encode_query("figs", ENCODER)
    assert features(fruit, query, found, best_of(fruit, found, 3)).words == 0
    assert 0 < confidence(fruit, query, found, best_of(fruit, found, 3)) < 1


@pytest.mark.parametrize("mode", ["dense", "bm25"])
def test_what_the_mode_left_out_is_worked_out(fruit: Snapshot, mode: Mode) -> None:
    query = encode_query("figs 3", ENCODER)
    alone, whole = find_candidates(fruit, query, mode=mode), find_candidates(fruit, query)
    assert np.array_equal(alone.rows[np.argsort(alone.rows)], whole.rows)
    hits = best_of(fruit, whole, 3)
    mine, theirs = (features(fruit, query, each, hits) for each in (alone, whole))
    assert mine == theirs


def test_a_quantity_that_no_hit_names_is_doubted(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, figs="Figs mature. Hens cost 3.", limes="Limes rot in 2 days.")

    def made(question: str) -> Features:
        query = encode_query(question, ENCODER)
        candidates = find_candidates(snapshot, query)
        return features(snapshot, query, candidates, best_of(snapshot, candidates, 3))

    assert made("how many figs").unmet == 1
    assert made("how figs mature").unmet == 0
    assert made("how long do limes rot").unmet == 0
    asked = made("how many figs")
    assert log_odds(asked) == pytest.approx(log_odds(replace(asked, unmet=0)) + COEFFICIENTS.unmet)
    assert COEFFICIENTS.unmet < 0
