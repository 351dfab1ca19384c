"""Explanation: why a hit stands where it does."""

from __future__ import annotations

import numpy as np

from rag.answering.search import Candidates, Query
from rag.index import Snapshot
from rag.text import matched
from rag.types import Contribution, Explanation, ScoredPassage


def explain(
    snapshot: Snapshot, query: Query, candidates: Candidates, hit: ScoredPassage
) -> Explanation:
    """How each signal ranked the hit among the candidates it came from, and the words it shares."""
    at = int(np.flatnonzero(candidates.rows == snapshot.rows[hit.passage.id])[0])
    found = {name: _contribution(candidates, name, at) for name in candidates.signals}
    passage = hit.passage
    return Explanation(
        dense=found.get("dense"),
        bm25=found.get("bm25"),
        late=found.get("late"),
        heading=found.get("heading"),
        matched=matched(query.text, f"{passage.context}\n{passage.text}"),
    )


def _contribution(candidates: Candidates, name: str, at: int) -> Contribution:
    signal, shares = candidates.signals[name], candidates.shares
    return Contribution(
        rank=1 + int((signal > signal[at]).sum()),
        share=float(shares[name][at]) if name in shares else 0.0,
    )
