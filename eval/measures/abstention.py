"""Whether the confidence distinguishes answered questions from unanswered ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

RISK = 0.05
# Bins of the calibration error, here and in `eval.studies.fit_confidence`.
BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of a band of confidence: its mean, the share answered rightly, and their number or
    weight."""

    confidence: float
    right: float
    n: float


def auroc(confidence: npt.ArrayLike, answerable: npt.ArrayLike) -> float | None:
    """The chance that an answerable question is more confident than an unanswerable one.

    Ties count half. None if all are answerable or none is.
    """
    if len(np.unique(answerable)) < 2:
        return None
    return float(roc_auc_score(answerable, confidence))


def calibration(
    confidence: npt.ArrayLike, right: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> list[Bin]:
    """Mean confidence against the share answered rightly, in the fifteenths of [0, 1] that are not
    empty. Without `weights` each question weighs 1.

    For a confidence that is meant as a probability.
    """
    sure, hit = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    weight = np.ones(len(sure)) if weights is None else np.asarray(weights)
    band = np.minimum((sure * BINS).astype(int), BINS - 1)

    def bin_of(own: npt.NDArray[np.bool_]) -> Bin:
        weighed = weight[own]
        mean, share = (float(np.average(each[own], weights=weighed)) for each in (sure, hit))
        return Bin(mean, share, float(weighed.sum()))

    return [bin_of(band == at) for at in np.unique(band)]


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: the mean gap between confidence and share right, weighted by
    number; 0 without any question."""
    n = sum(each.n for each in bins)
    return sum(each.n * abs(each.confidence - each.right) for each in bins) / (n or 1)
