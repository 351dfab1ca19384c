"""What tells an answered question from an unanswered one, worked out by hand."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.answering.confidence import confidence, features, log_odds
from rag.answering.profile import profile_of
from rag.answering.search import Candidates, encode_query, find_candidates
from rag.index.late_interaction import late_scores
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
    return replace(found, rows=found.rows[:kept], signals=signals, shares=fused)


def test_each_lead_is_over_the_median_candidate(fruit: Snapshot) -> None:
    late = [0.9, *[0.3] * 6, *[0.5] * 5]
    bm25 = [4.0, *[1.0] * 11]
    found = scored(fruit, late, bm25)
    made = features(found)
    assert made.late == pytest.approx(0.9)
    assert made.lead == pytest.approx(0.9 - (0.3 + 0.5) / 2)
    assert made.words == pytest.approx(math.log(1 + 3))


def test_of_few_candidates_the_rest_is_background(fruit: Snapshot) -> None:
    found = scored(fruit, [0.9, 0.2, 0.2], [4.0, 3.0, 3.0])
    made = features(found)
    assert made.lead == pytest.approx(0.9 - profile_of(fruit.manifest.model).background)
    assert made.words == pytest.approx(math.log(1 + 4))


def test_a_first_hit_whose_words_lag_behind_counts_as_level(fruit: Snapshot) -> None:
    found = scored(fruit, [0.9, *[0.3] * 11], [0.0, *[5.0] * 11])
    assert features(found).words == 0
    assert 0 < confidence(found) < 1


@pytest.mark.parametrize("mode", ["dense", "bm25"])
def test_what_the_mode_left_out_is_worked_out(fruit: Snapshot, mode: Mode) -> None:
    query = encode_query("figs 3", ENCODER)
    alone = find_candidates(fruit, query, mode=mode)
    first = [fruit.rows[hit.passage.id] for hit in alone.best(3)]
    assert features(alone).late == max(late_scores(query.tokens, fruit.tokens, first))
    impacts = fruit.lexical.scores(query.stems)
    lead = impacts[first[0]] - np.median(impacts)
    assert features(alone).words == pytest.approx(math.log1p(max(0, lead)))


def test_a_quantity_that_no_hit_names_is_doubted(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, figs="Figs mature. Hens cost 3.", limes="Limes rot in 2 days.")

    def made(question: str) -> Candidates:
        return find_candidates(snapshot, encode_query(question, ENCODER))

    assert features(made("how many figs")).unmet == 1
    assert features(made("how figs mature")).unmet == 0
    assert features(made("how long do limes rot")).unmet == 0
    unmet = profile_of(snapshot.manifest.model).coefficients.unmet
    met = made("how many figs")
    met = replace(met, query=replace(met.query, text="figs"))
    assert log_odds(made("how many figs")) == pytest.approx(log_odds(met) + unmet)
    assert unmet < 0
