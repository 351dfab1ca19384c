"""Fusion: one score out of four signals, by a weighted sum of what each scales to.

    fused(p) = sum over signals s of  weight_s * scale_s(s(p))  /  sum weight_s

A cosine is a number on a scale of its own and counts as it is, a negative one as 0. What BM25 gives
depends on the question's length and the corpus; it and late interaction are mapped onto [0, 1] by
the least and the largest score among the candidates (min-max), and contribute 0 where they do not
tell the candidates apart. To stretch the cosines as well would make much of small differences,
which is what all passages of one document have (docs/decisions/0007-signals.md). So 0 <= fused
<= 1, and a convex combination keeps how far apart candidates are, which rank fusion throws away
(Bruch et al. 2023, "An Analysis of Fusion Functions for Hybrid Retrieval").

The weights were chosen over public sets of many kinds (`python -m eval.fit_fusion`,
eval/results/fusion.json). Weights that depend on the query did better only on the sets they were
fitted to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.float32]
Scaled = npt.NDArray[np.float64]
Scales = Mapping[str, Callable[[Signal], Scaled]]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each signal counts; at least one is positive, none is negative."""

    dense: float = 0.2
    bm25: float = 0.35
    late: float = 1.0
    heading: float = 0.8

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0 or sum(astuple(self)) <= 0:
            raise ValueError(f"weights must be >= 0 and not all 0, found {self}")


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
    """What each signal adds to each candidate's fused score, float64 (n,) by the signal's name.

    The signals bear the names of the weights. The fused score is their sum.
    """
    total = sum(astuple(weights))
    return {
        name: weight / total * scales[name](signals[name])
        for name, weight in asdict(weights).items()
    }


def order(scores: Sequence[float], ids: Sequence[str]) -> list[int]:
    """Positions from best to worst, by (-score, id): a total order, as ids are unique.

    >>> order([0.5, 0.9, 0.5], ["b", "c", "a"])
    [1, 2, 0]
    """
    return sorted(range(len(ids)), key=lambda at: (-scores[at], ids[at]))
