"""Intervals cover, tests do not cry wolf, and both agree with what can be worked out."""

from dataclasses import astuple
from itertools import product

import numpy as np
import pytest
from scipy import stats

from eval.measures.stats import Interval, compare, detectable, interval, randomisation_p


@pytest.mark.parametrize("n", [8, 30, 200])
def test_the_interval_covers_the_truth_about_95_times_in_100(n: int) -> None:
    """Values in [0, 1] as nDCG has them: many ones, some zeros, some between."""
    generator = np.random.default_rng(1)
    worlds = 300
    hits = 0
    for at in range(worlds):
        kind = generator.random(n)
        values = np.where(kind < 0.4, 1.0, np.where(kind < 0.6, 0.0, generator.beta(2, 2, n)))
        found = interval(values.tolist(), seed=at, samples=1000)
        hits += found.low <= 0.4 + 0.4 * 0.5 <= found.high
    assert 0.92 <= hits / worlds <= 0.99


def test_the_paired_test_calls_noise_a_difference_about_5_times_in_100() -> None:
    generator = np.random.default_rng(2)
    worlds = 300
    alarms = sum(
        randomisation_p(generator.normal(0, 0.3, 10), seed=at) < 0.05 for at in range(worlds)
    )
    assert 0.03 <= alarms / worlds <= 0.075


def test_drawn_patterns_call_noise_a_difference_about_5_times_in_100() -> None:
    generator = np.random.default_rng(3)
    worlds = 200
    alarms = sum(
        randomisation_p(generator.normal(0, 0.3, 40), seed=at) < 0.05 for at in range(worlds)
    )
    assert 0.02 <= alarms / worlds <= 0.09


def test_the_detectable_difference_is_found_about_80_times_in_100() -> None:
    generator = np.random.default_rng(4)
    true = detectable(stats.norm.ppf((np.arange(30) + 0.5) / 30) * 0.2)
    assert true is not None
    found = [randomisation_p(generator.normal(true, 0.2, 30), seed=at) < 0.05 for at in range(200)]
    assert 0.70 <= np.mean(found) <= 0.90


def test_few_queries_are_tested_exactly() -> None:
    """All six are better: only the pattern seen and its mirror, 2 of 64, are as extreme."""
    assert randomisation_p(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])) == 2 / 64


def test_the_exact_p_is_the_share_of_sign_patterns_as_extreme() -> None:
    moved = np.array([0.5, -0.2, 0.3, 0.0, 0.1])
    sums = [abs(np.dot(signs, [0.5, -0.2, 0.3, 0.1])) for signs in product((1, -1), repeat=4)]
    expected = np.mean([each >= 0.7 - 1e-9 for each in sums])
    assert randomisation_p(moved) == expected


def test_one_query_that_differs_says_nothing() -> None:
    assert randomisation_p(np.array([0.0, 0.7])) == 1.0


def test_a_drawn_p_is_never_0() -> None:
    assert randomisation_p(np.ones(50)) == 1 / 10_001


def test_drawn_and_exact_p_agree() -> None:
    moved = np.random.default_rng(5).normal(0.12, 0.3, 14)
    patterns = np.array(list(product((1, -1), repeat=14)))
    exact = (np.abs(patterns @ moved) >= abs(moved.sum()) - 1e-12).mean()
    assert randomisation_p(moved) == pytest.approx(exact, abs=0.01)


def test_the_same_values_give_the_same_interval_to_the_last_digit() -> None:
    values = [0.0, 1.0, 0.5, 1.0, 0.63, 1.0]
    assert interval(values) == interval(values)


def test_the_interval_agrees_with_student_where_values_are_many_and_even() -> None:
    values = np.random.default_rng(6).uniform(0, 1, 400)
    found = interval(values.tolist())
    half = stats.t.ppf(0.975, 399) * values.std(ddof=1) / 20
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.03)


def test_eight_of_eight_right_is_not_certainty() -> None:
    found = interval([1.0] * 8)
    assert astuple(found) == pytest.approx((1.0, 0.025 ** (1 / 8), 1.0, 8))
    assert astuple(interval([0.0] * 8)) == pytest.approx((0.0, 0.0, 1 - 0.025 ** (1 / 8), 8))


def test_one_question_says_next_to_nothing() -> None:
    assert astuple(interval([1.0])) == pytest.approx((1.0, 0.025, 1.0, 1))


def test_a_comparison_counts_wins_losses_and_ties() -> None:
    found = compare(["q1", "q2", "q3"], [0.5, 0.5, 1.0], [1.0, 0.5, 0.0])
    assert (found.wins, found.losses, found.ties) == (("q1",), ("q3",), 1)
    assert found.effect.mean == pytest.approx(-0.5 / 3)
    assert found.p == 1.0


def test_a_system_against_itself_shows_nothing() -> None:
    found = compare(["q1", "q2"], [0.5, 1.0], [0.5, 1.0])
    assert (found.p, found.detectable, found.ties) == (1.0, None, 2)
    assert found.effect == Interval(0.0, 0.0, 0.0, 2)


def test_a_planted_regression_and_pure_noise_are_told_apart() -> None:
    generator = np.random.default_rng(8)
    names = [f"q{at}" for at in range(100)]
    base = generator.beta(4, 2, 100)
    noise = np.clip(base + generator.normal(0, 0.1, 100), 0, 1)
    worse = np.clip(noise - 0.1, 0, 1)
    assert compare(names, base.tolist(), noise.tolist()).p > 0.05
    regression = compare(names, base.tolist(), worse.tolist())
    assert regression.p < 0.001
    assert regression.effect.high < 0
