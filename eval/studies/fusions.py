"""Ways to make one score of several signals: what ships, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from eval.studies.pools import Fusion
from rag.answering.fusion import SCALES, Scales, Signal, cosine, fuse, min_max
from rag.answering.profile import Weights

Fused = npt.NDArray[np.float64]
# What comes near the shipped weights if every signal is stretched onto [0, 1].
STRETCHED: Weights = {"bm25": 1, "late": 2.5, "heading": 1.5}
# Reciprocal rank fusion: Cormack, Clarke & Buettcher 2009.
RRF_K = 60


def fused(signals: Mapping[str, Signal], weights: Weights, scales: Scales = SCALES) -> Fused:
    """The score as served, float64 (n,)."""
    total: Fused = np.sum(list(fuse(signals, weights, scales).values()), axis=0)
    return total


def standard(signal: Signal) -> Fused:
    """Z-scores; all 0 if the scores do not vary."""
    scores = signal.astype(np.float64)
    spread = float(scores.std())
    return (scores - scores.mean()) / spread if spread else np.zeros(len(scores))


def by_distribution(scores: Signal) -> Fused:
    """Mean - 3 standard deviations to mean + 3 mapped onto [0, 1], as DBSF does."""
    clipped: Fused = np.clip((standard(scores) + 3) / 6, 0, 1)
    return clipped


def reciprocal_rank(scores: Signal) -> Fused:
    """1 / (60 + rank), ranks from 1; ties in order."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return 1 / (RRF_K + ranks)


def normalised(normalise: Callable[[Signal], Fused], weights: Weights) -> Fusion:
    """The weighted sum of the signals, each normalised over the candidates."""

    def score(signals: Mapping[str, Signal]) -> Fused:
        parts = [weight * normalise(signals[name]) for name, weight in weights.items()]
        total: Fused = np.sum(parts, axis=0)
        return total

    return score


# Late interaction's scores spread over some 0.4.
_UNSTRETCHED: Scales = {**SCALES, "late": lambda scores: 2.5 * cosine(scores)}


def fusions(served: Weights) -> dict[str, Fusion]:
    """Each fusion by its name, those that do not ship first."""
    as_served = partial(fused, weights=served)
    return {
        "dense alone": normalised(min_max, {"dense": 1}),
        "BM25 alone": normalised(min_max, {"bm25": 1}),
        "late interaction alone": normalised(min_max, {"late": 1}),
        "dense + BM25, min-max 1:1": normalised(min_max, {"dense": 1, "bm25": 1}),
        "dense + BM25 + late, min-max 1:1:1": normalised(
            min_max, {"dense": 1, "bm25": 1, "late": 1}
        ),
        "min-max 1:2.5:1.5": normalised(min_max, STRETCHED),
        "z-scores 1:2.5:1.5": normalised(standard, STRETCHED),
        "distribution-based 1:2.5:1.5": normalised(by_distribution, STRETCHED),
        "reciprocal ranks 1:2.5:1.5": normalised(reciprocal_rank, STRETCHED),
        "as served, late interaction not stretched": partial(as_served, scales=_UNSTRETCHED),
        "as served, without BM25": partial(fused, weights={**served, "bm25": 0}),
        "as served, without late interaction": partial(fused, weights={**served, "late": 0}),
        "as served, dense in place of the heading": partial(
            fused, weights={"bm25": 0.35, "late": 1, "dense": 1}
        ),
        "as served, dense 0.2 beside the heading 0.8": partial(
            fused, weights={"bm25": 0.35, "late": 1, "heading": 0.8, "dense": 0.2}
        ),
        "as served": as_served,
    }
