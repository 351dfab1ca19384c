"""Abstention measures, worked by hand."""

from dataclasses import astuple

import pytest

from eval.measures.abstention import Bin, auroc, calibration, calibration_error


def test_auroc_is_the_share_of_pairs_in_order_with_ties_half() -> None:
    found = auroc([0.9, 0.5, 0.5, 0.7], [True, True, False, False])
    assert found == pytest.approx((2 + 0.5 + 0) / 4)


def test_auroc_needs_both_kinds() -> None:
    assert auroc([0.9], [True]) is None
    assert auroc([], []) is None


def test_calibration_bins_are_fifteenths_with_mean_confidence_and_share_right() -> None:
    low, middle, high = calibration([0.94, 1.0, 0.92, 0.1], [True, True, False, False])
    assert low == Bin(pytest.approx(0.1), 0.0, 1)
    assert middle == Bin(pytest.approx(0.92), 0.0, 1)
    assert astuple(high) == pytest.approx((0.97, 1.0, 2))


def test_calibration_bins_weigh_the_questions() -> None:
    [found] = calibration([0.96, 1.0], [True, False], [0.75, 0.25])
    assert astuple(found) == pytest.approx((0.97, 0.75, 1))


def test_the_calibration_error_is_the_mean_gap_by_number() -> None:
    assert calibration_error([Bin(0.2, 0.0, 3), Bin(0.9, 0.5, 1)]) == pytest.approx(0.25)
    assert calibration_error([Bin(0.2, 0.0, 0.3), Bin(0.9, 0.5, 0.1)]) == pytest.approx(0.25)
    assert calibration_error([]) == 0
