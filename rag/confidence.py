"""Confidence: how likely it is that the passages found answer the question."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rag.dense import cosines
from rag.late import late_scores
from rag.search import Query
from rag.snapshot import Snapshot
from rag.types import ScoredPassage

# Logistic regression on the largest late-interaction score and cosine among the first hits.
BIAS = -8.0
LATE = 12.0
COSINE = 3.0
FIRST = 3
THRESHOLD = 0.5


def confidence(snapshot: Snapshot, query: Query, hits: Sequence[ScoredPassage]) -> float:
    """The probability in [0, 1] that the hits answer the question; 0 where there are none.

    Taken from the late-interaction score and cosine of the first hits, whatever the mode was.
    """
    if not hits:
        return 0.0
    rows = [snapshot.rows[hit.passage.id] for hit in hits[:FIRST]]
    late = float(late_scores(query.tokens, snapshot.tokens, rows).max())
    cosine = float(cosines(snapshot.dense, query.pooled, np.array(rows, dtype=np.int64)).max())
    return 1 / (1 + math.exp(-(BIAS + LATE * late + COSINE * cosine)))
