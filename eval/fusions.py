"""Ways to make one score of several signals: what ships, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from eval.signals import Signals, by_name
from rag.fusion import Weights, fuse

Scores = npt.NDArray[np.float64]
Fusion = Callable[[Signals], Scores]
SHIPPED = Weights()
# Reciprocal rank fusion: Cormack, Clarke & Buettcher 2009.
RRF_K = 60


def fused(signals: Signals, weights: Weights = SHIPPED) -> Scores:
    """The score as served, float64 (n,)."""
    parts = fuse(by_name(signals), weights)
    total: Scores = np.sum(list(parts.values()), axis=0)
    return total


def standard(scores: Scores) -> Scores:
    """Z-scores; all 0 where the scores do not vary."""
    spread = float(scores.std())
    return (scores - scores.mean()) / spread if spread else np.zeros(len(scores))


def by_distribution(scores: Scores) -> Scores:
    """Mean - 3 standard deviations to mean + 3 mapped onto [0, 1], as DBSF does."""
    clipped: Scores = np.clip((standard(scores) + 3) / 6, 0, 1)
    return clipped


def reciprocal_rank(scores: Scores) -> Scores:
    """1 / (60 + rank), ranks from 1; ties in order."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return 1 / (RRF_K + ranks)


def normalised(normalise: Callable[[Scores], Scores], weights: Weights) -> Fusion:
    """The weighted sum of the signals, each normalised over the candidates."""

    def score(signals: Signals) -> Scores:
        parts = [
            getattr(weights, name) * normalise(values.astype(np.float64))
            for name, values in by_name(signals).items()
        ]
        total: Scores = np.sum(parts, axis=0)
        return total

    return score


FUSIONS: Mapping[str, Fusion] = {
    "dense alone": lambda signals: fused(signals, Weights(1, 0, 0, 0)),
    "BM25 alone": lambda signals: fused(signals, Weights(0, 1, 0, 0)),
    "late interaction alone": lambda signals: fused(signals, Weights(0, 0, 1, 0)),
    "dense + BM25, min-max 1:1": lambda signals: fused(signals, Weights(1, 1, 0, 0)),
    "dense + late, min-max 1:1": lambda signals: fused(signals, Weights(1, 0, 1, 0)),
    "BM25 + late, min-max 1:1": lambda signals: fused(signals, Weights(0, 1, 1, 0)),
    "dense + BM25 + late, min-max 1:1:1": lambda signals: fused(signals, Weights(1, 1, 1, 0)),
    "as served, without the heading": lambda signals: fused(signals, replace(SHIPPED, heading=0)),
    "min-max 1:1:1:1": lambda signals: fused(signals, Weights(1, 1, 1, 1)),
    "min-max 2:1:3:1": lambda signals: fused(signals, Weights(2, 1, 3, 1)),
    "min-max 2:1.5:3:0.75": lambda signals: fused(signals, Weights(2, 1.5, 3, 0.75)),
    "min-max 1:1:4:1": lambda signals: fused(signals, Weights(1, 1, 4, 1)),
    "z-scores, same weights": normalised(standard, SHIPPED),
    "distribution-based, same weights": normalised(by_distribution, SHIPPED),
    "reciprocal ranks 1:1:1:1": normalised(reciprocal_rank, Weights(1, 1, 1, 1)),
    "reciprocal ranks, same weights": normalised(reciprocal_rank, SHIPPED),
    "as served": fused,
}
