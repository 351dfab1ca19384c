"""The systems that are compared: each signal of `search` alone, and all together as served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rag.answering import (
    SCALES,
    WEIGHTS,
    Candidates,
    Query,
    Scales,
    Weights,
    best_of,
    confidence,
    encode_query,
    find_candidates,
    fuse,
    min_max,
)
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.types import Mode, ScoredPassage

# A section or document ranks where its best passage does; this many passages hold the first ten.
PASSAGES = 50


@dataclass(frozen=True, slots=True)
class System:
    """A way to rank the candidates; `title` is what the report calls it. Cosines count as they are,
    or are `stretched` onto [0, 1] as the other signals are."""

    title: str
    mode: Mode
    weights: Weights
    stretched: bool = False


SERVED = "all"
STRETCHED: Scales = dict.fromkeys(SCALES, min_max)
SYSTEMS: Mapping[str, System] = {
    "dense": System("dense alone", "dense", WEIGHTS),
    "bm25": System("BM25 alone", "bm25", WEIGHTS),
    "late": System("late interaction alone", "hybrid", {"late": 1}),
    "dense+bm25": System("dense and BM25, equal weights", "hybrid", {"dense": 1, "bm25": 1}, True),
    SERVED: System("all together, as served", "hybrid", WEIGHTS),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What each system returned for a question, best first, and how confident it was: its best
    score, and for the served system the confidence that `/ask` gives."""

    hits: Mapping[str, tuple[ScoredPassage, ...]]
    confidence: Mapping[str, float]


def find(snapshot: Snapshot, encoder: Encoder, question: str, k: int = PASSAGES) -> Found:
    """The k best passages of every system, of the candidates that `/ask` finds."""
    query = encode_query(question, encoder)
    together = find_candidates(snapshot, query)
    hits = {
        name: tuple(best_of(snapshot, _candidates(snapshot, query, system, together), k))
        for name, system in SYSTEMS.items()
    }
    sure = {name: _best_score(name, found) for name, found in hits.items()}
    return Found(hits, sure | {SERVED: confidence(snapshot, query, together, hits[SERVED])})


def _candidates(
    snapshot: Snapshot, query: Query, system: System, together: Candidates
) -> Candidates:
    """The system's candidates; the hybrid ones differ only in how the same signals are weighted."""
    if system.mode != "hybrid":
        return find_candidates(snapshot, query, mode=system.mode)
    scales = STRETCHED if system.stretched else SCALES
    return replace(together, shares=fuse(together.signals, system.weights, scales))


def _best_score(system: str, hits: tuple[ScoredPassage, ...]) -> float:
    if not hits:
        return 0.0
    scores = hits[0].scores
    best = scores.late if system == "late" else scores.fused
    return 0.0 if best is None else best
