"""Confidence: how likely it is that the passages found answer the question."""

from __future__ import annotations

import math
from statistics import median

import numpy as np

from rag.answering.fusion import Signal
from rag.answering.highlights import nearest_sentence
from rag.answering.profile import Features, profile_of
from rag.answering.quantity import asks_for_quantity, names_quantity
from rag.answering.search import Candidates, lexical_scores
from rag.index import Calibration, Model, late_scores

# One of the first hits must be good.
FIRST = 3
# A median over a handful of candidates says little: if there are fewer than this many, the rest is
# taken to score what an unrelated passage mostly does.
ENOUGH = 10
# exp overflows above some 709.
MOST = 700.0


def confidence(candidates: Candidates) -> float:
    """The probability in [0, 1] that the best candidates answer; 0 if there are none."""
    if len(candidates.rows) == 0:
        return 0.0
    fitted = candidates.snapshot.manifest.calibration
    return 1 / (1 + math.exp(min(MOST, -(fitted.bias + fitted.scale * log_odds(candidates)))))


def log_odds(candidates: Candidates) -> float:
    """The log odds, as fitted on public sets, that the best of at least one candidate answer."""
    found, profile = features(candidates), profile_of(candidates.snapshot.manifest.model)
    by = profile.coefficients
    near = by.late * found.late + by.lead * found.lead
    return profile.bias + near + by.words * found.words + by.unmet * found.unmet


def uncalibrated(model: Model, risk: float) -> Calibration:
    """The calibration of the public sets; between the profile's risks it is interpolated."""
    risks, thresholds = zip(*profile_of(model).thresholds, strict=True)
    return Calibration(0.0, 1.0, float(np.interp(risk, risks, thresholds)), risk, 0)


def features(candidates: Candidates) -> Features:
    """The features of at least one candidate."""
    late, bm25 = _late(candidates), _bm25(candidates)
    first = candidates.ranked()[:FIRST]
    background = profile_of(candidates.snapshot.manifest.model).background
    return Features(
        late=float(late[first].max()),
        lead=_lead(late, first[0], background),
        words=math.log1p(max(0.0, _lead(bm25, first[0], 0.0))),
        unmet=float(_unmet(candidates, first)),
    )


def _lead(signal: Signal, first: int, background: float) -> float:
    """By how much the first hit's score exceeds the median of all."""
    padding = [background] * (ENOUGH - len(signal))
    return float(signal[first] - median([*signal.tolist(), *padding]))


def _unmet(candidates: Candidates, first: list[int]) -> bool:
    snapshot, query = candidates.snapshot, candidates.query
    if not asks_for_quantity(query.text):
        return False
    passages = [snapshot.passages[row] for row in candidates.rows[first]]
    return not names_quantity(nearest_sentence(snapshot, query, passages))


def _late(candidates: Candidates) -> Signal:
    """The candidates' late-interaction scores, whether or not the mode has used them."""
    if "late" in candidates.signals:
        return candidates.signals["late"]
    return late_scores(
        candidates.query.tokens, candidates.snapshot.tokens, candidates.rows.tolist()
    )


def _bm25(candidates: Candidates) -> Signal:
    if "bm25" in candidates.signals:
        return candidates.signals["bm25"]
    return lexical_scores(candidates.snapshot, candidates.query)[candidates.rows]
