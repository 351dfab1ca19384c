"""Answer: hits turned into cited passages, with the sentences that answer, or an abstention."""

from __future__ import annotations

from time import perf_counter

from rag.answering.alignment import align
from rag.answering.citations import cite, located
from rag.answering.confidence import FIRST, confidence_by, evidence, verdict_on
from rag.answering.explain import explain, missing
from rag.answering.highlights import highlights
from rag.answering.profile import profile_of
from rag.answering.quotes import quotes
from rag.answering.search import Query, encode_query, find_candidates, is_readable
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.text import stems, words
from rag.types import NO_FILTERS, Answer, CitedPassage, Filters, Mode, Passage, Stages


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
    or no word in common in mode `bm25`), the answer is empty and abstains. A question
    that the model cannot read is declined. Mode `bm25` needs no model: if it cannot read question
    or first passage, the confidence is the share of the question's words that the passage holds.
    An abstention marks and quotes nothing. It says what of the question the first passage lacks.
    Raises CorruptIndex if a file of the index was altered, in place, before or meanwhile.
    """
    snapshot.check()
    try:
        return _answer(snapshot, encoder, question, top_k, mode, filters, explained)
    finally:
        # Also after a failure: an altered file may be why.
        snapshot.check()


def _answer(
    snapshot: Snapshot,
    encoder: Encoder,
    question: str,
    top_k: int,
    mode: Mode,
    filters: Filters,
    explained: bool,
) -> Answer:
    started = perf_counter()
    query = encode_query(question, encoder)
    encoded = perf_counter()
    candidates = find_candidates(snapshot, query, mode=mode, filters=filters)
    best = candidates.best(max(top_k, FIRST))
    searched = perf_counter()
    hits, passages = best[:top_k], [hit.passage for hit in best]
    aligned = align(snapshot, candidates.interaction, passages)
    found = evidence(candidates, passages[:FIRST], aligned[:FIRST])
    declined = mode != "bm25" and not query.readable
    if declined:
        sure = 0.0
    elif mode == "bm25" and hits and not _judged(encoder, query, passages[0]):
        sure = _words_found(snapshot, query, passages[0])
    else:
        sure = confidence_by(found, snapshot.manifest)
    verdict = verdict_on(sure, snapshot.manifest.calibration)
    abstained = verdict == "not_found"
    close = profile_of(snapshot.manifest.model).close
    marked = (
        [()] * len(hits)
        if abstained
        else highlights(query, passages[:top_k], aligned[:top_k], close)
    )
    told = zip(passages[:1], found, strict=False) if abstained and not declined else ()
    cited = tuple(
        CitedPassage(
            rank=rank,
            hit=hit,
            citation=cite(snapshot, hit.passage, spans),
            highlights=tuple(located(snapshot, hit.passage.document_id, spans)),
            explanation=explain(candidates, encoder, hit) if explained else None,
        )
        for rank, (hit, spans) in enumerate(zip(hits, marked, strict=True), start=1)
    )
    quoted = () if abstained else quotes(cited)
    said = (snapshot.documents[quote.document_id].notice for quote in quoted)
    return Answer(
        question=question,
        passages=cited,
        confidence=sure,
        verdict=verdict,
        quotes=quoted,
        notices=tuple(dict.fromkeys(notice for notice in said if notice)),
        missing=tuple(word for each in told for word in missing(candidates, encoder, *each)),
        unreadable=declined,
        stages=Stages(encoded - started, searched - encoded, perf_counter() - searched),
    )


def _judged(encoder: Encoder, query: Query, passage: Passage) -> bool:
    """Whether the model can read both."""
    return query.readable and is_readable(passage.in_context, encoder)


def _words_found(snapshot: Snapshot, query: Query, passage: Passage) -> float:
    """The share of the question's stems, by the passage's language, that the passage holds."""
    language = snapshot.documents.language(passage.document_id)
    asked = set(stems(query.words, language))
    return len(asked.intersection(stems(words(passage.in_context), language))) / len(asked)
