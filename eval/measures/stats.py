"""How sure a figure is: intervals over queries, a paired test, and what a set can detect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

LEVEL = 0.95
POWER = 0.80
SAMPLES = 10_000
SEED = 20_240_229
# So many numbers are resampled at once.
CHUNK = 2_000_000

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over n queries and the ends of its 95% interval."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """B against A over the same n queries: `effect` is the mean of B - A with its interval.

    `p` is two-sided. `detectable` is the smallest true effect that a set of this size and
    spread would show, with 80% power, at p < .05; None if no query differs.
    """

    effect: Interval
    p: float
    detectable: float | None
    wins: tuple[str, ...]
    losses: tuple[str, ...]
    ties: int


def interval(values: Sequence[float], seed: int = SEED, samples: int = SAMPLES) -> Interval:
    """The mean of values in [0, 1] with its 95% interval; at least one value is needed.

    The bootstrap's percentiles, widened by Student's t, because they are too narrow for small n
    (Hesterberg 2015, "What teachers should know about the bootstrap", section 3.4).
    If all values are equal, resampling would claim certainty; the interval is then as wide as n
    equal outcomes allow (Clopper and Pearson 1934).
    """
    sample = np.asarray(values, dtype=np.float64)
    n, mean = len(sample), float(sample.mean())
    slack = 1 - ((1 - LEVEL) / 2) ** (1 / n)
    if np.ptp(sample) == 0:
        return Interval(mean, mean * (1 - slack), mean + (1 - mean) * slack, n)
    low, high = _percentiles(sample, seed, samples)
    return Interval(mean, max(low, 0.0), min(high, 1.0), n)


def compare(
    names: Sequence[str], a: Sequence[float], b: Sequence[float], seed: int = SEED
) -> Comparison:
    """How B differs from A, query by query; the three sequences are in the same order."""
    difference = np.asarray(b, dtype=np.float64) - np.asarray(a, dtype=np.float64)
    difference[np.abs(difference) < 1e-12] = 0.0
    mean, n = float(difference.mean()), len(difference)
    low, high = (mean, mean) if np.ptp(difference) == 0 else _percentiles(difference, seed, SAMPLES)
    return Comparison(
        effect=Interval(mean, low, high, n),
        p=randomisation_p(difference, seed),
        detectable=detectable(difference),
        wins=tuple(name for name, d in zip(names, difference, strict=True) if d > 0),
        losses=tuple(name for name, d in zip(names, difference, strict=True) if d < 0),
        ties=int((difference == 0).sum()),
    )


def randomisation_p(difference: Values, seed: int = SEED) -> float:
    """The two-sided p of a paired randomisation test on the mean (Fisher 1935).

    The share of sign patterns whose mean is at least as far from 0 as the observed one. If few
    queries differ, all patterns count; else a sample with the observed one, so that p is never 0.
    """
    moved = difference[difference != 0]
    if len(moved) < 2:
        return 1.0
    found = stats.permutation_test(
        (moved,),
        lambda values, axis: np.abs(values.sum(axis=axis)),
        permutation_type="samples",
        alternative="greater",
        n_resamples=SAMPLES,
        batch=max(1, CHUNK // len(moved)),
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def detectable(difference: Values) -> float | None:
    """The smallest true mean difference found at p < .05 with 80% power; None without spread."""
    n = len(difference)
    if n < 2 or np.ptp(difference) == 0:
        return None
    reach = stats.t.ppf((1 + LEVEL) / 2, n - 1) + stats.t.ppf(POWER, n - 1)
    return float(reach * difference.std(ddof=1) / np.sqrt(n))


def _percentiles(sample: Values, seed: int, samples: int) -> tuple[float, float]:
    n = len(sample)
    tail = stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf((1 - LEVEL) / 2, n - 1))
    found = stats.bootstrap(
        (sample,),
        np.mean,
        n_resamples=samples,
        batch=max(1, CHUNK // n),
        confidence_level=1 - 2 * tail,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = found.confidence_interval
    return float(low), float(high)
