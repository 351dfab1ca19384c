"""The fit of the confidence, on cases that can be worked out."""

import json
from pathlib import Path

import numpy as np
import pytest

from eval.studies.cases import KINDS, SIGNALS, Asker, Cases, cases, changed
from eval.studies.fit_confidence import (
    PROFILES,
    Fit,
    auroc,
    confidences,
    ece,
    fit,
    refit,
    source,
    thresholds,
)
from eval.studies.pools import read_pool
from rag.answering.confidence import FIRST
from rag.types import silent
from support.letter_encoder import LetterEncoder
from support.places import ROOT
from support.tiny_beir import write_collection

ENCODER = LetterEncoder()


def asker(folder: Path) -> Asker:
    pool = read_pool(write_collection(folder / "tiny"), ENCODER, folder / "cache", silent)
    return Asker(pool, {"tiny": [], "other": ["zebra yak"]}, ENCODER)


def cases_of(coverage: list[float], kinds: list[int]) -> Cases:
    signals = np.full((len(kinds), FIRST, len(SIGNALS)), np.nan)
    signals[:, 0] = 0
    signals[:, 0, SIGNALS.index("coverage")] = coverage
    return Cases(signals, np.array(kinds), np.array(kinds) == 0)


def test_a_question_is_asked_with_and_without_what_answers_it(tmp_path: Path) -> None:
    asking = asker(tmp_path)
    pool = asking.pool
    asked = [
        case
        for query in ("q0", "q2")
        for gold in [set(pool.qrels[query])]
        for case in (
            asking.case("answerable", pool.queries[query], gold),
            asking.without(pool.queries[query], gold),
        )
    ]
    made = cases([*asked, *(asking.case("foreign", text) for text in asking.foreign())])
    assert [KINDS[kind] for kind in made.kinds] == ["answerable", "near"] * 2 + ["foreign"]
    assert made.right.tolist() == [True, False, True, False, False]
    coverage = made.signals[:, 0, SIGNALS.index("coverage")]
    assert coverage[0] > coverage[1]


def test_a_changed_term_differs_and_has_its_shape() -> None:
    generator = np.random.default_rng(0)
    other = changed("KX-12", generator)
    assert other != "KX-12"
    assert (other[:3], len(other)) == ("KX-", 5)
    assert changed("Ann Cole", generator).isalpha()


def test_half_of_the_weight_is_on_answerable_questions_and_kinds_count_alike() -> None:
    weights = cases_of([0] * 5, [0, 0, 1, 1, 2]).weights()
    assert weights.tolist() == [0.25, 0.25, 0.125, 0.125, 0.25]


def test_a_fit_finds_the_odds_and_the_discount() -> None:
    made = cases_of([0.0] * 4 + [1.0] * 4, [0, 1, 1, 1, 0, 0, 0, 1])
    fitted = fit([made], ["coverage"], [])
    assert fitted.bias == pytest.approx(np.log(1 / 3), abs=0.01)
    assert fitted.slopes["coverage"] == pytest.approx(np.log(9), abs=0.02)
    made.signals[[0, 3, 4, 7], 0, SIGNALS.index("number")] = [0, 1, 0, 1]
    assert fit([made], ["coverage"], ["number"]).discounts["number"] < 0.3


def test_the_best_of_the_first_passages_counts_and_discounts_multiply() -> None:
    made = cases_of([0.5], [0])
    made.signals[0, 1] = made.signals[0, 0]
    made.signals[0, 0, SIGNALS.index("number")] = 1
    fitted = Fit(-1.0, {"coverage": 2.0}, {"number": 0.1})
    assert confidences(fitted, made).tolist() == [0.5]
    made.signals[0, 1, SIGNALS.index("number")] = 1
    assert confidences(fitted, made).tolist() == [pytest.approx(0.05)]


def test_the_calibration_error_weighs_kinds_alike() -> None:
    made, sure = cases_of([0] * 3, [0, 1, 1]), np.array([0.25, 0.24, 0.95])
    assert ece(made, sure) == pytest.approx(0.75 * (2 / 3 - 0.74 / 3) + 0.25 * 0.95)


def test_auroc_is_of_all_kinds_or_of_one() -> None:
    made, sure = cases_of([0] * 3, [0, 1, 2]), np.array([0.5, 0.2, 0.8])
    assert [auroc(made, sure, kind) for kind in (None, 1, 2)] == [0.5, 1.0, 0.0]


def test_the_threshold_gives_as_much_as_the_risk_allows() -> None:
    made = {"a": cases_of([0] * 4, [0, 0, 1, 1])}
    found = thresholds(made, {"a": np.array([0.9, 0.7, 0.8, 0.2])})
    assert found[0] == {"risk": 0.05, "threshold": 0.9, "coverage": 0.25, "answered": 0.5}
    assert found[-1] == {**found[0], "risk": 0.3}


def test_a_refit_writes_the_profiles_of_the_model_and_of_any_model() -> None:
    found = {
        "model_sha256": "m",
        "head_sha256": "h",
        "bias": -7.123456,
        "slopes": {"coverage": 11.5, "lead": 4.25},
        "discounts": {"number": 0.0912, "names": 0.2},
        "risks": [{"risk": 0.05, "threshold": 0.98765}, None],
    }
    told = {"bias": -7.12, "slope": 11.5, "lead": 4.25, "number": 0.091, "name": 0.2}
    for model, head, is_own in (("m", "h", True), ("", "", True), ("m", "other", False)):
        before = json.dumps({"model_sha256": model, "head_sha256": head, "bias": 0.0}).encode()
        after = refit(before, found)
        if is_own:
            rest = {"model_sha256": model, "head_sha256": head, "thresholds": [[0.05, 0.988]]}
            assert json.loads(after) == told | rest
        else:
            assert after == before


def test_a_refit_with_the_same_figures_changes_no_byte_of_a_profile() -> None:
    shipped = (ROOT / PROFILES / "generic.json").read_bytes()
    known = json.loads(shipped)
    found = {
        "model_sha256": "m",
        "head_sha256": "h",
        "bias": known["bias"],
        "slopes": {"coverage": known["slope"], "lead": known["lead"]},
        "discounts": {"number": known["number"], "names": known["name"]},
        "risks": [{"risk": risk, "threshold": at} for risk, at in known["thresholds"]],
    }
    assert refit(shipped, found) == shipped


def test_sets_of_one_source_have_its_name_first() -> None:
    assert [source(name) for name in ("squad2, score articles", "FAQ pages", "cacm")] == [
        "squad2",
        "FAQ",
        "cacm",
    ]
