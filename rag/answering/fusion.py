"""Fusion: one score from several signals, a weighted sum of the scaled signals.

    fused(p) = sum over signals s of  weight_s * scale_s(s(p))  /  sum weight_s

A cosine counts as it is, a negative one as 0. BM25 depends on the question's length and on the
corpus; it and late interaction are mapped onto [0, 1] by the least and the largest score among the
candidates (min-max), and contribute 0 if all candidates score the same. Stretching the cosines as
well would enlarge the small differences between passages of one document
(docs/decisions/0007-signals.md). So 0 <= fused <= 1, and a convex combination keeps how far apart
candidates are, which rank fusion discards (Bruch et al. 2023, "An Analysis of Fusion Functions for
Hybrid Retrieval").

The cosine of a passage's own vector has no weight: for a passage under no question it is the
heading signal. The weights are in the model's profile (`rag/answering/profile.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from rag.answering.profile import Weights

Signal = npt.NDArray[np.float32]
Scaled = npt.NDArray[np.float64]
Scales = Mapping[str, Callable[[Signal], Scaled]]


def min_max(signal: Signal) -> Scaled:
    """The signal mapped onto [0, 1]; all 0 if it does not vary.

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
STRETCHED: Scales = MappingProxyType(dict.fromkeys(SCALES, min_max))


def fuse(
    signals: Mapping[str, Signal], weights: Weights, scales: Scales = SCALES
) -> dict[str, Scaled]:
    """What each signal with a weight adds to each candidate's fused score, float64 (n,) by name."""
    total = sum(weights.values())
    return {name: each / total * scales[name](signals[name]) for name, each in weights.items()}


def order(scores: npt.ArrayLike, ids: npt.ArrayLike) -> list[int]:
    """Positions from best to worst, by (-score, id): a total order, as ids are unique.

    >>> order([0.5, 0.9, 0.5], ["b", "c", "a"])
    [1, 2, 0]
    """
    best: list[int] = np.lexsort((np.asarray(ids), -np.asarray(scores))).tolist()
    return best
