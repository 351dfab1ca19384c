"""Risk and coverage, worked by hand."""

import pytest

from eval.measures.risk import Point, coverage_at, risk_coverage


def test_risk_and_coverage_by_hand() -> None:
    assert risk_coverage([0.9, 0.6, 0.8, 0.7], [0, 0, 1, 1]) == [
        Point(0.9, 0.25, 0.0),
        Point(0.8, 0.5, 0.5),
        Point(0.7, 0.75, 2 / 3),
        Point(0.6, 1.0, 0.5),
    ]


def test_equal_confidences_are_answered_together() -> None:
    assert risk_coverage([0.9, 0.5, 0.5], [False, True, False]) == [
        Point(0.9, 1 / 3, 0.0),
        Point(0.5, 1.0, 1 / 3),
    ]


def test_a_question_counts_by_its_weight_and_is_wrong_by_its_probability() -> None:
    first, second = risk_coverage([0.9, 0.5], [0.25, 0.5], [3, 1])
    assert (first.coverage, first.risk) == pytest.approx((0.75, 0.25))
    assert (second.coverage, second.risk) == pytest.approx((1.0, (3 * 0.25 + 0.5) / 4))


def test_without_questions_there_is_no_point() -> None:
    assert risk_coverage([], []) == []


def test_coverage_at_risk_is_the_largest_that_keeps_it() -> None:
    points = [Point(0.9, 0.2, 0.1), Point(0.8, 0.5, 0.05), Point(0.7, 0.9, 0.06)]
    assert coverage_at(points, 0.05) == points[1]
    assert coverage_at([Point(0.9, 1.0, 0.5)], 0.05) is None
