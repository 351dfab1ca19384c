"""The study that chose the threshold of support."""

from __future__ import annotations

import numpy as np
import pytest

from eval.provenance import read_outcome
from eval.studies.score_support import FALSE, SHIPPED, TRUE, Checked, outcome, statement
from rag.answering.terms import Term
from support.places import ROOT

PROFILES = ROOT / "rag" / "answering" / "profiles"


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Who built the bridge?", "Ann Cole", "Ann Cole built the bridge."),
        ("When did the line open?", "in 1903", "the line open in 1903."),
        ("What is the capital of Peru?", "Lima", "the capital of Peru is Lima."),
        ("In what year does it end?", "1950", "it end 1950."),
        ("How many cells does it hold?", "Six", "it hold Six."),
    ],
)
def test_a_question_becomes_a_statement(question: str, answer: str, expected: str) -> None:
    assert statement(question, answer) == expected


def test_the_threshold_parts_what_is_true_from_what_is_not() -> None:
    number = (Term("90", ("90",), True),)
    found = [Checked(kind, 0.9, 0.9, 0.9, 0.9, ()) for kind in TRUE]
    found += [Checked(kind, 0.2, 0.2, 0.2, 0.2, ()) for kind in FALSE[1:]]
    found.append(Checked("other number", 0.9, 0.9, 0.9, 0.9, number))
    ways = outcome(found, found)
    assert ways[SHIPPED]["threshold"] == pytest.approx(0.9)
    assert ways[SHIPPED]["auroc"] == 1
    assert ways[SHIPPED]["called_supported"]["other number"] == 0
    assert ways["coverage"]["called_supported"]["other number"] == 1
    assert np.all([ways[SHIPPED]["called_supported"][kind] == 1 for kind in TRUE])


def test_the_threshold_that_ships_is_the_one_that_was_measured() -> None:
    chosen = read_outcome(ROOT / "eval" / "results" / "support.json")["ways"][SHIPPED]
    for profile in PROFILES.glob("*.json"):
        assert read_outcome(profile)["support"] == pytest.approx(chosen["threshold"], abs=0.005)
