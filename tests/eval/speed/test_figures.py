"""Percentiles and ratios, worked out by hand."""

from eval.speed.figures import percentile, percentiles, ratio


def test_a_percentile_is_a_value_that_occurred() -> None:
    assert [percentile([3, 1, 2, 4], share) for share in (0, 25, 26, 50, 99)] == [1, 1, 2, 2, 4]
    assert percentiles([7.0]) == {"p50": 7.0, "p95": 7.0, "p99": 7.0}


def test_ratios_are_taken_turn_by_turn() -> None:
    assert ratio([8, 10, 30], [1, 2, 3]) == {"median": 8, "low": 5, "high": 10}
