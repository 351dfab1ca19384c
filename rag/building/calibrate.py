"""Fits the confidence to a corpus by its own FAQ and by readers' feedback.

If the rest of the documents supports the answer of an FAQ question, the question is asked of that
rest twice: with all passages, and without the supporting ones, so that no answer is left. A
question with a helpful passage is asked in the same two ways, of all passages. A question that
readers say the documents do not answer is asked once. The fit gives a shift and a scale of the log
odds from public sets. A narrow prior keeps both near 0 and 1: a handful of questions moves them
hardly, many move them further.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

import numpy as np
import numpy.typing as npt

from rag.answering import Candidates, encode_query, find_candidates, log_odds, uncalibrated
from rag.checks import drawn_pairs, judgments, supports_of
from rag.encoders import Encoder
from rag.index import Calibration, Snapshot
from rag.types import Caution, Citation, FaqPair, Feedback, Judged, Passage

# Whether a passage supports an answer.
Supports = Callable[[str, Passage], bool]
Values = npt.NDArray[np.float64]

# More questions, of the FAQ or of feedback, would take longer than seconds and add little.
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
    """A question as asked: the log odds that it was answered, and whether it was.

    `answerable`: whether the passages that were asked are known to hold an answer.
    """

    odds: float
    right: bool
    answerable: bool


# The trials of one question; none if it says nothing of the confidence.
Trials = list[Trial]


def calibrated(
    snapshot: Snapshot, encoder: Encoder, caution: Caution, feedback: Sequence[Feedback] = ()
) -> Snapshot:
    """The snapshot with its confidence fitted to feedback, and to its FAQ if that is indexed with
    the rest.

    Without both the public calibration stays. An FAQ counts only if the documents support half of
    it. The result depends on what the feedback says, not on when it was given.
    """
    supports = supports_of(snapshot)
    with_faq = snapshot.manifest.recipe.faq == "with"
    asked = _faq_trials(snapshot, encoder, supports) if with_faq else []
    supported = [trials for trials in asked if trials]
    if len(supported) < SUPPORTED * len(asked):
        supported = []
    judged = judgments(snapshot, feedback).questions[:QUESTIONS]
    told = [_judged_trials(snapshot, encoder, each, supports) for each in judged]
    public = uncalibrated(snapshot.manifest.model, caution)
    fitted = calibration([*supported, *filter(None, told)], public)
    return replace(snapshot, manifest=replace(snapshot.manifest, calibration=fitted))


def calibration(questions: Sequence[Trials], public: Calibration) -> Calibration:
    """The calibration fitted to the trials of the questions, starting from the public one.

    Trials with and without an answer count the same in total, as the log odds assume. So without
    any that has an answer the public calibration stays.
    """
    trials = list(chain.from_iterable(questions))
    answerable = sum(each.answerable for each in trials)
    if not answerable:
        return public
    odds = np.array([each.odds for each in trials])
    right = np.array([each.right for each in trials], dtype=np.float64)
    share = answerable / max(1, len(trials) - answerable)
    weights = np.array([1.0 if each.answerable else share for each in trials])
    found = fit(odds, right, SHIFT_PRIOR, SCALE_PRIOR, weights)
    shift, scale = (round(value, 4) for value in found)
    return replace(public, bias=public.bias + shift, scale=scale, questions=len(questions))


def fit(
    odds: Values,
    right: Values,
    shift_prior: float,
    scale_prior: float,
    weights: Values | None = None,
) -> tuple[float, float]:
    """Shift and scale of the log odds, most probable given the outcomes and normal priors around
    0 and 1 of those standard deviations; by Newton's method, its steps halved where they overshoot.

    `weights` float64 (n,) are of the outcomes, 1 by default.
    """
    weight = np.ones(len(odds)) if weights is None else weights
    rows = np.column_stack([np.ones(len(odds)), odds])
    expected, precision = np.array([0.0, 1.0]), np.diag([shift_prior**-2, scale_prior**-2])

    def loss(at: Values) -> float:
        inner, off = rows @ at, at - expected
        missed = weight * (np.logaddexp(0, inner) - right * inner)
        return float(missed.sum() + off @ precision @ off / 2)

    found = expected
    for _ in range(STEPS):
        sure = 1 / (1 + np.exp(-(rows @ found)))
        gradient = rows.T @ (weight * (sure - right)) + precision @ (found - expected)
        curvature = (rows.T * (weight * sure * (1 - sure))) @ rows + precision
        step = np.linalg.solve(curvature, gradient)
        while loss(found - step) > loss(found) and np.abs(step).max() > SMALLEST:
            step = step / 2
        found = found - step
    return float(found[0]), float(found[1])


def _faq_trials(snapshot: Snapshot, encoder: Encoder, supports: Supports) -> list[Trials]:
    """The trials of the first `QUESTIONS` of the FAQ, asked of all passages but FAQ."""

    def trials(pair: FaqPair) -> Trials:
        query = encode_query(pair.question, encoder)
        body = find_candidates(snapshot, query, body_only=True)
        return _both(body, lambda passage: supports(pair.answer, passage))

    return [trials(pair) for pair in islice(drawn_pairs(snapshot).values(), QUESTIONS)]


def _judged_trials(
    snapshot: Snapshot, encoder: Encoder, judged: Judged, supports: Supports
) -> Trials:
    """The trials of a question that readers have judged, asked of all passages.

    A passage answers if it is one of the judged places, or holds as much of one as supports an
    answer.
    """
    found = find_candidates(snapshot, encode_query(judged.question, encoder))
    if len(found.rows) == 0:
        return []
    if not judged.places:
        return [Trial(log_odds(found), right=False, answerable=False)]
    return _both(
        found,
        lambda passage: any(
            _overlaps(passage, place) or supports(place.quote, passage) for place in judged.places
        ),
    )


def _both(found: Candidates, answers: Callable[[Passage], bool]) -> Trials:
    """A question asked of all candidates, and of those that do not answer it.

    No trials if none answers, or none is left.
    """
    ranked = [hit.passage for hit in found.best(len(found.rows))]
    gone = _first_supporting(ranked, answers)
    left = found.narrowed(~np.isin(found.rows, [found.snapshot.row(passage) for passage in gone]))
    if not gone or len(left.rows) == 0:
        return []
    right = any(passage in gone for passage in ranked[:TOP])
    return [Trial(log_odds(found), right, answerable=True), Trial(log_odds(left), False, False)]


def _overlaps(passage: Passage, place: Citation) -> bool:
    same = passage.document_id == place.document_id
    return same and passage.start < place.char_end and place.char_start < passage.end


def _first_supporting(
    ranked: Sequence[Passage], supports: Callable[[Passage], bool]
) -> list[Passage]:
    """The passages that support the answer, down to the `TOP`th that does not."""
    gone, others = [], 0
    for passage in ranked:
        if supports(passage):
            gone.append(passage)
        else:
            others += 1
        if others == TOP:
            break
    return gone
