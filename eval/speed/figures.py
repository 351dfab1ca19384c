"""Percentiles, and ratios of things that took turns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

PERCENTILES = (50, 95, 99)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """The values of p50, p95 and p99."""
    return {f"p{share}": percentile(values, share) for share in PERCENTILES}


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """Ours over theirs, turn by turn: the median, and the lowest and highest of a turn.

    What disturbs a shared machine for minutes changes both of a turn, and their ratio hardly.
    """
    turns = [our / their for our, their in zip(ours, theirs, strict=True)]
    return {"median": median(turns), "low": min(turns), "high": max(turns)}
