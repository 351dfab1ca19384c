"""The systems that are compared: each signal of a search alone, and all together as served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag.answering import confidence, encode_query, find_candidates
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.types import MAX_TOP_K, Mode, ScoredPassage


@dataclass(frozen=True, slots=True)
class System:
    """A way to rank the candidates; `title` is what the report calls it.

    `weights` in place of the served ones; cosines are `stretched` onto [0, 1] or count as they are.
    """

    title: str
    mode: Mode = "hybrid"
    weights: Mapping[str, float] | None = None
    stretched: bool = False


SERVED = "all"
SYSTEMS: Mapping[str, System] = {
    "dense": System("dense alone", "dense"),
    "bm25": System("BM25 alone", "bm25"),
    "late": System("late interaction alone", weights={"late": 1}),
    "dense+bm25": System(
        "dense and BM25, equal weights", weights={"dense": 1, "bm25": 1}, stretched=True
    ),
    SERVED: System("all together, as served"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What each system returned for a question, best first, and how confident it was: its best
    score, and for the served system the confidence that `/ask` gives."""

    hits: Mapping[str, tuple[ScoredPassage, ...]]
    confidence: Mapping[str, float]


def find(snapshot: Snapshot, encoder: Encoder, question: str, k: int = MAX_TOP_K) -> Found:
    """The k best passages of every system, of the candidates that `/ask` finds.

    A section or document has the rank of its best passage; 50 passages hold the first ten.
    """
    query = encode_query(question, encoder)
    candidates = {
        name: find_candidates(
            snapshot, query, mode=system.mode, weights=system.weights, stretched=system.stretched
        )
        for name, system in SYSTEMS.items()
    }
    hits = {name: tuple(found.best(k)) for name, found in candidates.items()}
    sure = {name: _best_score(name, found) for name, found in hits.items()}
    return Found(hits, sure | {SERVED: confidence(candidates[SERVED])})


def _best_score(system: str, hits: tuple[ScoredPassage, ...]) -> float:
    if not hits:
        return 0.0
    scores = hits[0].scores
    best = scores.late if system == "late" else scores.fused
    return 0.0 if best is None else best
