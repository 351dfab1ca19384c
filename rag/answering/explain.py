"""Explanation: why a hit has its rank."""

from __future__ import annotations

import numpy as np

from rag.answering.fusion import SCALES
from rag.answering.search import Candidates
from rag.text import matched
from rag.types import Contribution, Explanation, ScoredPassage


def explain(candidates: Candidates, hit: ScoredPassage) -> Explanation:
    """How each signal ranked the hit among the candidates, and the words that it shares."""
    passage = hit.passage
    at = int(np.flatnonzero(candidates.rows == candidates.snapshot.rows[passage.id])[0])
    found = {name: _contribution(candidates, name, at) for name in candidates.signals}
    language = candidates.snapshot.languages[passage.document_id]
    words = matched(candidates.query.text, f"{passage.context}\n{passage.text}", language)
    return Explanation(**dict.fromkeys(SCALES) | found, matched=words)


def _contribution(candidates: Candidates, name: str, at: int) -> Contribution:
    signal, shares = candidates.signals[name], candidates.shares
    return Contribution(
        rank=1 + int((signal > signal[at]).sum()),
        share=float(shares[name][at]) if name in shares else 0.0,
    )
