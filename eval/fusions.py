"""Ways to make one score of several signals: what ships, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from eval.signals import Signals, by_name
from rag.fusion import SCALES, Signal, Weights, cosine, fuse, min_max

Scores = npt.NDArray[np.float64]
Fusion = Callable[[Signals], Scores]
SHIPPED = Weights()
# What comes near the shipped weights where every signal is stretched onto [0, 1].
STRETCHED = Weights(0.3, 1, 2.5, 1.2)
# Reciprocal rank fusion: Cormack, Clarke & Buettcher 2009.
RRF_K = 60


def fused(signals: Signals, weights: Weights = SHIPPED) -> Scores:
    """The score as served, float64 (n,)."""
    parts = fuse(by_name(signals), weights)
    total: Scores = np.sum(list(parts.values()), axis=0)
    return total


def standard(signal: Signal) -> Scores:
    """Z-scores; all 0 where the scores do not vary."""
    scores = signal.astype(np.float64)
    spread = float(scores.std())
    return (scores - scores.mean()) / spread if spread else np.zeros(len(scores))


def by_distribution(scores: Signal) -> Scores:
    """Mean - 3 standard deviations to mean + 3 mapped onto [0, 1], as DBSF does."""
    clipped: Scores = np.clip((standard(scores) + 3) / 6, 0, 1)
    return clipped


def reciprocal_rank(scores: Signal) -> Scores:
    """1 / (60 + rank), ranks from 1; ties in order."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return 1 / (RRF_K + ranks)


def normalised(normalise: Callable[[Signal], Scores], weights: Weights) -> Fusion:
    """The weighted sum of the signals, each normalised over the candidates."""

    def score(signals: Signals) -> Scores:
        parts = [
            getattr(weights, name) * normalise(values) for name, values in by_name(signals).items()
        ]
        total: Scores = np.sum(parts, axis=0)
        return total

    return score


def _late_unstretched(signals: Signals) -> Scores:
    # Its scores spread over some 0.4.
    weights = replace(SHIPPED, late=2.5 * SHIPPED.late)
    parts = fuse(by_name(signals), weights, {**SCALES, "late": cosine})
    total: Scores = np.sum(list(parts.values()), axis=0)
    return total


FUSIONS: Mapping[str, Fusion] = {
    "dense alone": normalised(min_max, Weights(1, 0, 0, 0)),
    "BM25 alone": normalised(min_max, Weights(0, 1, 0, 0)),
    "late interaction alone": normalised(min_max, Weights(0, 0, 1, 0)),
    "dense + BM25, min-max 1:1": normalised(min_max, Weights(1, 1, 0, 0)),
    "dense + late, min-max 1:1": normalised(min_max, Weights(1, 0, 1, 0)),
    "BM25 + late, min-max 1:1": normalised(min_max, Weights(0, 1, 1, 0)),
    "dense + BM25 + late, min-max 1:1:1": normalised(min_max, Weights(1, 1, 1, 0)),
    "min-max 1:1:1:1": normalised(min_max, Weights(1, 1, 1, 1)),
    "min-max 1:1:2.5:1": normalised(min_max, Weights(1, 1, 2.5, 1)),
    "min-max 0.3:1:2.5:1.2": normalised(min_max, STRETCHED),
    "z-scores 0.3:1:2.5:1.2": normalised(standard, STRETCHED),
    "distribution-based 0.3:1:2.5:1.2": normalised(by_distribution, STRETCHED),
    "reciprocal ranks 1:1:1:1": normalised(reciprocal_rank, Weights(1, 1, 1, 1)),
    "reciprocal ranks 0.3:1:2.5:1.2": normalised(reciprocal_rank, STRETCHED),
    "as served, late interaction not stretched": _late_unstretched,
    "as served, without BM25": lambda signals: fused(signals, replace(SHIPPED, bm25=0)),
    "as served, without late interaction": lambda signals: fused(signals, replace(SHIPPED, late=0)),
    "as served, without the heading": lambda signals: fused(
        signals, replace(SHIPPED, dense=SHIPPED.dense + SHIPPED.heading, heading=0)
    ),
    "as served, the heading in place of dense": lambda signals: fused(
        signals, replace(SHIPPED, dense=0, heading=SHIPPED.dense + SHIPPED.heading)
    ),
    "as served": fused,
}
