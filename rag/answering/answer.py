"""Answer: hits turned into cited passages, with the sentences that answer, or an abstention."""

from __future__ import annotations

from rag.answering.confidence import FIRST, confidence
from rag.answering.explain import explain
from rag.answering.highlights import highlights
from rag.answering.search import NO_FILTERS, best_of, encode_query, find_candidates
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.types import Answer, Citation, CitedPassage, Filters, Mode, Passage


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

    `explained` adds to each why it stands where it does. No passage at all (nothing within the
    filters, or no word in common in mode `bm25`) gives an empty abstaining answer.
    """
    query = encode_query(question, encoder)
    candidates = find_candidates(snapshot, query, mode=mode, filters=filters)
    hits = best_of(snapshot, candidates, max(top_k, FIRST))
    sure = confidence(snapshot, query, candidates, hits)
    shown = hits[:top_k]
    marked = highlights(snapshot, query, [hit.passage for hit in shown])
    return Answer(
        question=question,
        passages=tuple(
            CitedPassage(
                rank=rank,
                hit=hit,
                citation=cite(snapshot, hit.passage),
                highlights=spans,
                explanation=explain(snapshot, query, candidates, hit) if explained else None,
            )
            for rank, (hit, spans) in enumerate(zip(shown, marked, strict=True), start=1)
        ),
        confidence=sure,
        abstained=sure < snapshot.manifest.calibration.threshold,
    )


def cite(snapshot: Snapshot, passage: Passage) -> Citation:
    """The passage's citation: its exact place in its document."""
    document = snapshot.documents[passage.document_id]
    lines = snapshot.lines[document.id]
    return Citation(
        document_id=document.id,
        title=document.title,
        heading_path=snapshot.sections[passage.section_id].heading_path,
        sha256=document.sha256,
        char_start=passage.start,
        char_end=passage.end,
        line_start=lines.line_of(passage.start),
        line_end=lines.line_of(passage.end - 1),
        page=None,
        quote=document.text[passage.start : passage.end],
    )
