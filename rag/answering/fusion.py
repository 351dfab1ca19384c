"""Fusion: one score out of three signals, by a weighted sum of what each scales to.

    fused(p) = sum over signals s of  weight_s * scale_s(s(p))  /  sum weight_s

A cosine is a number on a scale of its own and counts as it is, a negative one as 0. What BM25 gives
depends on the question's length and the corpus; it and late interaction are mapped onto [0, 1] by
the least and the largest score among the candidates (min-max), and contribute 0 where they do not
tell the candidates apart. To stretch the cosines as well would make much of small differences,
which is what all passages of one document have (docs/decisions/0007-signals.md). So 0 <= fused
<= 1, and a convex combination keeps how far apart candidates are, which rank fusion throws away
(Bruch et al. 2023, "An Analysis of Fusion Functions for Hybrid Retrieval").

The cosine of a passage's own vector is no summand of its own: where a passage stands under no
question, it is the heading signal. The weights were chosen over public sets of many kinds
(`python -m eval.studies.fit_fusion`, eval/results/fusion.json). Weights that depend on the query
did better only on the sets they were fitted to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.float32]
Scaled = npt.NDArray[np.float64]
Scales = Mapping[str, Callable[[Signal], Scaled]]
# How much each signal counts, by its name: none is negative, and their sum is positive.
Weights = Mapping[str, float]

WEIGHTS: Weights = MappingProxyType({"bm25": 0.35, "late": 1.0, "heading": 1.0})


def min_max(signal: Signal) -> Scaled:
    """The signal mapped onto [0, 1]; all 0 where it does not vary.

    >>> min_max(np.array([1, 3, 2], dtype=np.float32)).tolist()
    [0.0, 1.0, 0.5]
    """
    values = signal.astype(np.float64)
    if len(values) == 0 or (least := values.min()) == (most := values.max()):
        return np.zeros(len(values))
    scaled: Scaled = (values - least) / (most - least)
    return scaled


def cosine(signal: Signal) -> Scaled:
    """Cosines as they are, negative ones as 0."""
    scaled: Scaled = np.clip(signal.astype(np.float64), 0, 1)
    return scaled


SCALES: Scales = MappingProxyType(
    {"dense": cosine, "bm25": min_max, "late": min_max, "heading": cosine}
)


def fuse(
    signals: Mapping[str, Signal], weights: Weights, scales: Scales = SCALES
) -> dict[str, Scaled]:
    """What each signal with a weight adds to each candidate's fused score, float64 (n,) by the
    signal's name. The fused score is their sum."""
    total = sum(weights.values())
    return {name: each / total * scales[name](signals[name]) for name, each in weights.items()}


def order(scores: Sequence[float], ids: Sequence[str]) -> list[int]:
    """Positions from best to worst, by (-score, id): a total order, as ids are unique.

    >>> order([0.5, 0.9, 0.5], ["b", "c", "a"])
    [1, 2, 0]
    """
    return sorted(range(len(ids)), key=lambda at: (-scores[at], ids[at]))
