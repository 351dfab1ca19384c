"""Fusion: one score out of four signals, by a weighted sum of min-max normalised scores.

    fused(p) = sum over signals s of  weight_s * (s(p) - min s) / (max s - min s)  /  sum weight_s

where minimum and maximum are taken over the candidates of the query. A signal that does not tell
the candidates apart (max = min) contributes 0. So 0 <= fused <= 1, and a convex combination of
normalised scores keeps how far apart candidates are, which rank fusion throws away (Bruch et al.
2023, "An Analysis of Fusion Functions for Hybrid Retrieval").

The weights were chosen over public sets of many kinds (`python -m eval.fit_fusion`,
eval/results/fusion.json). Weights that depend on the query did better only on the sets they were
fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.float32]
Scaled = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each signal counts; at least one is positive, none is negative."""

    dense: float = 1.0
    bm25: float = 1.0
    late: float = 2.5
    heading: float = 0.75

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0 or sum(astuple(self)) <= 0:
            raise ValueError(f"weights must be >= 0 and not all 0, found {self}")


def fuse(signals: Mapping[str, Signal], weights: Weights) -> dict[str, Scaled]:
    """What each signal adds to each candidate's fused score, float64 (n,) by the signal's name.

    The signals bear the names of the weights. The fused score is their sum.
    """
    total = sum(astuple(weights))
    return {
        name: weight / total * min_max(signals[name]) for name, weight in asdict(weights).items()
    }


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


def order(scores: Sequence[float], ids: Sequence[str]) -> list[int]:
    """Positions from best to worst, by (-score, id): a total order, as ids are unique.

    >>> order([0.5, 0.9, 0.5], ["b", "c", "a"])
    [1, 2, 0]
    """
    return sorted(range(len(ids)), key=lambda at: (-scores[at], ids[at]))
