"""Fits the confidence to a corpus by its own FAQ.

If the rest of the documents supports the answer of an FAQ question, the question is asked of that
rest twice: with all passages, and without the supporting ones, so that no answer is left. The fit
gives a shift and a scale of the log odds from public sets. A narrow prior keeps both near 0 and 1:
a handful of questions moves them hardly, many move them further.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

import numpy as np
import numpy.typing as npt

from rag.answering import encode_query, find_candidates, log_odds, uncalibrated
from rag.checks import drawn_pairs, supports_of
from rag.encoders import Encoder
from rag.index import Calibration, Snapshot
from rag.types import Caution, FaqPair, Passage

# Whether a passage supports the answer of an FAQ pair.
Supports = Callable[[FaqPair, Passage], bool]
Values = npt.NDArray[np.float64]

# More questions would take longer than seconds and add little.
QUESTIONS = 50
# The first passages hold the answer, or the question counts as not answered.
TOP = 5
# How far shift and scale may be expected to be from 0 and 1: eval/results/confidence.json
SHIFT_PRIOR = 0.125
SCALE_PRIOR = 0.0625
# If the rest of the documents supports fewer of the answers, it is not what the FAQ is about.
SUPPORTED = 0.5
STEPS = 50
SMALLEST = 1e-9


@dataclass(frozen=True, slots=True)
class Trial:
    """A question as asked: the log odds that it was answered, and whether it was."""

    odds: float
    right: bool


def calibrated(snapshot: Snapshot, encoder: Encoder, caution: Caution) -> Snapshot:
    """The snapshot with its confidence fitted to its FAQ, if that is indexed with the rest.

    Without an FAQ, or if the documents support less than half of it, the public calibration stays.
    """
    asked = _asked(snapshot, encoder) if snapshot.manifest.recipe.faq == "with" else []
    supported = [cases for cases in asked if cases]
    if len(supported) < SUPPORTED * len(asked):
        supported = []
    public = uncalibrated(snapshot.manifest.model, caution)
    fitted = calibration(list(chain.from_iterable(supported)), len(supported), public)
    return replace(snapshot, manifest=replace(snapshot.manifest, calibration=fitted))


def calibration(cases: Sequence[Trial], questions: int, public: Calibration) -> Calibration:
    """The calibration fitted to the cases of that many questions, starting from the public one."""
    odds = np.array([case.odds for case in cases])
    right = np.array([case.right for case in cases], dtype=np.float64)
    shift, scale = (round(value, 4) for value in fit(odds, right, SHIFT_PRIOR, SCALE_PRIOR))
    return replace(public, bias=public.bias + shift, scale=scale, questions=questions)


def fit(odds: Values, right: Values, shift_prior: float, scale_prior: float) -> tuple[float, float]:
    """Shift and scale of the log odds, most probable given the outcomes and normal priors around
    0 and 1 of those standard deviations; by Newton's method, its steps halved where they overshoot.
    """
    rows = np.column_stack([np.ones(len(odds)), odds])
    expected, precision = np.array([0.0, 1.0]), np.diag([shift_prior**-2, scale_prior**-2])

    def loss(at: Values) -> float:
        inner, off = rows @ at, at - expected
        return float((np.logaddexp(0, inner) - right * inner).sum() + off @ precision @ off / 2)

    found = expected
    for _ in range(STEPS):
        sure = 1 / (1 + np.exp(-(rows @ found)))
        gradient = rows.T @ (sure - right) + precision @ (found - expected)
        step = np.linalg.solve((rows.T * (sure * (1 - sure))) @ rows + precision, gradient)
        while loss(found - step) > loss(found) and np.abs(step).max() > SMALLEST:
            step = step / 2
        found = found - step
    return float(found[0]), float(found[1])


def _asked(snapshot: Snapshot, encoder: Encoder) -> list[list[Trial]]:
    """The cases of each of the first `QUESTIONS`; none for one whose answer nothing supports."""
    supports = supports_of(snapshot)
    asked = islice(drawn_pairs(snapshot).values(), QUESTIONS)
    return [_trials(snapshot, encoder, pair, supports) for pair in asked]


def _trials(snapshot: Snapshot, encoder: Encoder, pair: FaqPair, supports: Supports) -> list[Trial]:
    """The question asked of all passages but FAQ, and of those that do not support the answer."""
    body = find_candidates(snapshot, encode_query(pair.question, encoder), body_only=True)
    ranked = [hit.passage for hit in body.best(len(body.rows))]
    gone = _first_supporting(ranked, pair, supports)
    left = body.narrowed(~np.isin(body.rows, [snapshot.row(passage) for passage in gone]))
    if not gone or len(left.rows) == 0:
        return []
    right = any(passage in gone for passage in ranked[:TOP])
    return [Trial(log_odds(body), right), Trial(log_odds(left), False)]


def _first_supporting(
    ranked: Sequence[Passage], pair: FaqPair, supports: Supports
) -> list[Passage]:
    """The passages that support the answer, down to the `TOP`th that does not."""
    gone, others = [], 0
    for passage in ranked:
        if supports(pair, passage):
            gone.append(passage)
        else:
            others += 1
        if others == TOP:
            break
    return gone
