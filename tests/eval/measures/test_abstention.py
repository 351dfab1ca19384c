"""Abstention measures, worked by hand."""

from dataclasses import astuple

import pytest

from eval.measures.abstention import (
    Bin,
    Outcome,
    auroc,
    calibration,
    calibration_error,
)


def outcomes(*rows: tuple[float, bool, bool]) -> list[Outcome]:
    return [Outcome(f"q{at}", *row) for at, row in enumerate(rows)]


def test_auroc_is_the_share_of_pairs_in_order_with_ties_half() -> None:
    found = outcomes((0.9, True, True), (0.5, True, True), (0.5, False, False), (0.7, False, False))
    assert auroc(found) == pytest.approx((2 + 0.5 + 0) / 4)


def test_auroc_needs_both_kinds() -> None:
    assert auroc(outcomes((0.9, True, True))) is None
    assert auroc([]) is None


def test_calibration_bins_hold_mean_confidence_and_share_right() -> None:
    found = outcomes(
        (0.92, True, True), (1.0, True, True), (0.94, True, False), (0.1, False, False)
    )
    low, high = calibration(found)
    assert low == Bin(0.1, 0.0, 1)
    assert astuple(high) == pytest.approx((2.86 / 3, 2 / 3, 3))


def test_the_calibration_error_is_the_mean_gap_by_number() -> None:
    assert calibration_error([Bin(0.2, 0.0, 3), Bin(0.9, 0.5, 1)]) == pytest.approx(0.25)
    assert calibration_error([]) == 0
