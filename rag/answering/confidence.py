"""Confidence: how likely it is that the passages found answer the question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from rag.answering.fusion import Signal
from rag.answering.highlights import nearest_sentence
from rag.answering.late_interaction import late_scores
from rag.answering.quantity import asks_for_quantity, names_quantity
from rag.answering.search import Candidates, Query
from rag.index import Calibration, Snapshot
from rag.types import ScoredPassage

# One of the first hits must be good.
FIRST = 3
# A median over a handful of candidates says little: where there are fewer than this many, the rest
# is taken to score what an unrelated passage mostly does, the median over public sets.
ENOUGH = 10
BACKGROUND = 0.43


@dataclass(frozen=True, slots=True)
class Features:
    """What tells an answered question from an unanswered one.

    `late` is the largest late-interaction score among the first 3 hits; `lead` is by how much the
    first hit's exceeds the median of all candidates'; `words` is log(1 + the same of BM25), which
    has no upper end and is taken as 0 below 0; `unmet` is 1 where a quantity is asked for and the
    sentence of the first 3 hits that is nearest to the question names none, else 0. The cosine is
    left out: near in one corpus is far in another.
    """

    late: float
    lead: float
    words: float
    unmet: float


# Logistic regression on public questions with and without an answer: eval/results/confidence.json
BIAS = -5.3
COEFFICIENTS = Features(late=5.32, lead=4.26, words=0.74, unmet=-1.3)
# At and above which confidence to answer, so that of the answers given at most that share is wrong
# where half of the questions have an answer: from the same results.
THRESHOLDS = {0.05: 0.63, 0.1: 0.48, 0.15: 0.39, 0.2: 0.31, 0.25: 0.25, 0.3: 0.2}

# Of more than some 709, exp overflows.
MOST = 700.0


def confidence(
    snapshot: Snapshot, query: Query, candidates: Candidates, hits: Sequence[ScoredPassage]
) -> float:
    """The probability in [0, 1] that the hits answer the question; 0 where there are none."""
    if not hits:
        return 0.0
    fitted = snapshot.manifest.calibration
    odds = log_odds(features(snapshot, query, candidates, hits))
    return 1 / (1 + math.exp(min(MOST, -(fitted.bias + fitted.scale * odds))))


def log_odds(found: Features) -> float:
    """The log odds, as fitted on public sets, that hits with those features answer."""
    by = COEFFICIENTS
    near = by.late * found.late + by.lead * found.lead
    return BIAS + near + by.words * found.words + by.unmet * found.unmet


def uncalibrated(risk: float) -> Calibration:
    """The calibration of the public sets; between the risks of `THRESHOLDS` it is interpolated."""
    risks, thresholds = zip(*sorted(THRESHOLDS.items()), strict=True)
    return Calibration(0.0, 1.0, float(np.interp(risk, risks, thresholds)), risk, 0)


def features(
    snapshot: Snapshot, query: Query, candidates: Candidates, hits: Sequence[ScoredPassage]
) -> Features:
    """The features of at least one hit, best first, and the candidates that the hits came from."""
    late, bm25 = _late(snapshot, query, candidates), _bm25(snapshot, query, candidates)
    place = {row: at for at, row in enumerate(candidates.rows.tolist())}
    first = [place[snapshot.rows[hit.passage.id]] for hit in hits[:FIRST]]
    return Features(
        late=float(late[first].max()),
        lead=_lead(late, first[0], BACKGROUND),
        words=math.log1p(max(0.0, _lead(bm25, first[0], 0.0))),
        unmet=float(_unmet(snapshot, query, hits[:FIRST])),
    )


def _lead(signal: Signal, first: int, background: float) -> float:
    """By how much the first hit's score exceeds the median of all."""
    padding = [background] * (ENOUGH - len(signal))
    return float(signal[first] - median([*signal.tolist(), *padding]))


def _unmet(snapshot: Snapshot, query: Query, hits: Sequence[ScoredPassage]) -> bool:
    if not asks_for_quantity(query.text):
        return False
    return not names_quantity(nearest_sentence(snapshot, query, [hit.passage for hit in hits]))


def _late(snapshot: Snapshot, query: Query, candidates: Candidates) -> Signal:
    """The candidates' late-interaction scores, whether or not the mode has used them."""
    if "late" in candidates.signals:
        return candidates.signals["late"]
    return late_scores(query.tokens, snapshot.tokens, candidates.rows.tolist())


def _bm25(snapshot: Snapshot, query: Query, candidates: Candidates) -> Signal:
    if "bm25" in candidates.signals:
        return candidates.signals["bm25"]
    return snapshot.lexical.scores(query.stems)[candidates.rows]
