"""Whether the confidence distinguishes answered questions from unanswered ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

RISK = 0.05
BINS = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question: the system's confidence, whether the documents answer it, and whether
    what was returned holds the answer (never if they do not answer it)."""

    query: str
    confidence: float
    answerable: bool
    right: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of a band of confidence: its mean, the share answered rightly, how many."""

    confidence: float
    right: float
    n: int


def auroc(outcomes: Sequence[Outcome]) -> float | None:
    """The chance that an answerable question is more confident than an unanswerable one.

    Ties count half. None if all are answerable or none is.
    """
    answerable = [outcome.answerable for outcome in outcomes]
    if len(set(answerable)) < 2:
        return None
    return float(roc_auc_score(answerable, [outcome.confidence for outcome in outcomes]))


def calibration(outcomes: Sequence[Outcome]) -> list[Bin]:
    """Mean confidence against the share answered rightly, in tenths of [0, 1] that are not empty.

    For a confidence that is meant as a probability.
    """
    bands: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        bands.setdefault(min(int(outcome.confidence * BINS), BINS - 1), []).append(outcome)
    return [
        Bin(
            float(np.mean([outcome.confidence for outcome in bands[band]])),
            float(np.mean([outcome.right for outcome in bands[band]])),
            len(bands[band]),
        )
        for band in sorted(bands)
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: the mean gap between confidence and share right, weighted by
    number; 0 without any question."""
    n = sum(each.n for each in bins)
    return sum(each.n * abs(each.confidence - each.right) for each in bins) / max(n, 1)
