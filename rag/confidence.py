"""Confidence: how likely it is that the passages found answer the question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from rag.dense import cosines
from rag.late import late_scores
from rag.search import Query
from rag.snapshot import Snapshot
from rag.types import ScoredPassage

# How many of the first hits are looked at: the best of these must be good ...
FIRST_GOOD = 3
# ... and the first must stand out from the last of these.
FIRST = 6


@dataclass(frozen=True, slots=True)
class Features:
    """What tells an answered question from an unanswered one.

    `late` and `cosine` are the largest among the first 3 hits; `lead` is by how much the
    late-interaction score of the first hit exceeds that of the 6th, or of the last.
    """

    late: float
    cosine: float
    lead: float


# Logistic regression on public questions with and without an answer: eval/results/confidence.json
BIAS = -8.0
COEFFICIENTS = Features(late=12.0, cosine=3.0, lead=0.0)
# At and above this confidence an answer is given.
THRESHOLD = 0.5


def confidence(snapshot: Snapshot, query: Query, hits: Sequence[ScoredPassage]) -> float:
    """The probability in [0, 1] that the hits answer the question; 0 where there are none."""
    if not hits:
        return 0.0
    found = features(snapshot, query, hits)
    weighted = zip(astuple(COEFFICIENTS), astuple(found), strict=True)
    return 1 / (1 + math.exp(-(BIAS + sum(weight * value for weight, value in weighted))))


def features(snapshot: Snapshot, query: Query, hits: Sequence[ScoredPassage]) -> Features:
    """The features of at least one hit, best first, whatever mode found them."""
    rows = [snapshot.rows[hit.passage.id] for hit in hits[:FIRST]]
    late = late_scores(query.tokens, snapshot.tokens, rows)
    cosine = cosines(snapshot.dense, query.pooled, np.array(rows[:FIRST_GOOD], dtype=np.int64))
    return Features(
        late=float(late[:FIRST_GOOD].max()),
        cosine=float(cosine.max()),
        lead=float(late[0] - late[-1]),
    )
