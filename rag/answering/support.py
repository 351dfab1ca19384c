"""Support: whether passages hold what a sentence that somebody else wrote says.

    score = (coverage + words) / 2

`coverage` is that of the sentence by a passage, as of a question (`Alignment`). `words` is the
share of its words that one sentence of the passage holds, in any form: token vectors depend on what
stands around, so even a quote does not reach a coverage of 1. All numbers and identifiers must be
held. Names are often written in another form, so they say little. What else was tried is in
eval/results/support.json.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.answering.alignment import Alignment, Extent, align
from rag.answering.profile import profile_of
from rag.answering.search import encode_query
from rag.answering.terms import missing_terms, specific_terms
from rag.encoders import Encoder
from rag.index import LateInteraction, Snapshot
from rag.text import stems_of_each
from rag.types import Passage, Span, Support


def support(
    snapshot: Snapshot, encoder: Encoder, sentence: str, passages: Sequence[Passage]
) -> Support:
    """How much of the sentence the passages hold, of which there is at least one.

    Raises CorruptIndex if a file of the index was altered, in place, before or meanwhile.
    """
    snapshot.check()
    tokens = encode_query(sentence, encoder).tokens
    aligned = align(snapshot, LateInteraction(tokens, snapshot.tokens), passages)
    snapshot.check()
    best = max(
        (
            _by_one(sentence, each, of, snapshot.documents.language(each.document_id))
            for each, of in zip(passages, aligned, strict=True)
        ),
        key=lambda found: found[0],
    )
    score, passage, (start, end) = best
    held = "\n".join(each.in_context for each in passages)
    numbers = [term for term in specific_terms(sentence) if term.is_number]
    missing = tuple(term.text for term in missing_terms(numbers, held))
    enough = score >= profile_of(snapshot.manifest.model).support
    place = Span(passage.start + start, passage.start + end)
    return Support(score, passage, place, missing, enough and not missing)


def words_held(sentence: str, text: str, spans: Sequence[Extent], language: str) -> list[float]:
    """The share of the sentence's stems that each of these spans of a text holds."""
    parts = (text[start:end] for start, end in spans)
    wanted, *held = map(set, stems_of_each([sentence, *parts], language))
    return [len(wanted & each) / max(1, len(wanted)) for each in held]


def _by_one(
    sentence: str, passage: Passage, aligned: Alignment, language: str
) -> tuple[float, Passage, Extent]:
    """The score of one passage, and where in its text the sentence is that holds most."""
    spans = aligned.spans or ((0, len(passage.text)),)
    shares = words_held(sentence, passage.text, spans, language)
    coverages = aligned.coverages.tolist()
    nearest = max(range(len(spans)), key=lambda at: (coverages[at] + shares[at], -at))
    return (aligned.coverage + max(shares)) / 2, passage, spans[nearest]
