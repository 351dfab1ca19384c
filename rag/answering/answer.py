"""Answer: hits turned into cited passages, with the sentences that answer, or an abstention."""

from __future__ import annotations

from rag.answering.citations import cite
from rag.answering.confidence import confidence
from rag.answering.explain import explain
from rag.answering.highlights import highlights
from rag.answering.search import NO_FILTERS, best_of, encode_query, find_candidates
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.types import Answer, CitedPassage, Filters, Mode


def ask(
    snapshot: Snapshot,
    encoder: Encoder,
    question: str,
    *,
    top_k: int = 5,
    mode: Mode = "hybrid",
    filters: Filters = NO_FILTERS,
    explained: bool = False,
) -> Answer:
    """The passages that answer the question best, each cited, and how sure that is.

    `explained` adds to each why it has its rank. If no passage is found (none within the filters,
    or no word in common in mode `bm25`), the answer is empty and abstains.
    """
    query = encode_query(question, encoder)
    candidates = find_candidates(snapshot, query, mode=mode, filters=filters)
    hits = best_of(candidates, top_k)
    marked = highlights(snapshot, query, [hit.passage for hit in hits])
    sure = confidence(candidates)
    return Answer(
        question=question,
        passages=tuple(
            CitedPassage(
                rank=rank,
                hit=hit,
                citation=cite(snapshot, hit.passage),
                highlights=spans,
                explanation=explain(candidates, hit) if explained else None,
            )
            for rank, (hit, spans) in enumerate(zip(hits, marked, strict=True), start=1)
        ),
        confidence=sure,
        abstained=sure < snapshot.manifest.calibration.threshold,
    )
