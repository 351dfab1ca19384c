"""Risk and coverage: what share of the questions is answered at a threshold, and what of it wrong.

El-Yaniv & Wiener 2010, "On the Foundations of Noise-free Selective Classification".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Point:
    """Answering every question with at least `threshold`: the share answered, and wrong of it."""

    threshold: float
    coverage: float
    risk: float


def risk_coverage(
    confidence: npt.ArrayLike, wrong: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> list[Point]:
    """One point for each distinct confidence, the highest first.

    `wrong` says of each question, with 0 or 1 or the probability, whether its answer is wrong.
    Equal confidences are answered together, because no threshold separates them.
    """
    sure = np.asarray(confidence, dtype=np.float64)
    weight = np.ones(len(sure)) if weights is None else np.asarray(weights, dtype=np.float64)
    best = np.argsort(-sure, kind="stable")
    given = np.cumsum(weight[best])
    lost = np.cumsum((weight * np.asarray(wrong, dtype=np.float64))[best])
    last = np.flatnonzero(np.diff(sure[best], append=-np.inf))
    return [
        Point(float(sure[best[at]]), float(given[at] / given[-1]), float(lost[at] / given[at]))
        for at in last
    ]


def coverage_at(points: Sequence[Point], risk: float) -> Point | None:
    """The point of largest coverage whose risk is at most `risk`; None if there is none."""
    within = [point for point in points if point.risk <= risk]
    return max(within, key=lambda point: point.coverage, default=None)
