"""Explanation: why a hit has its rank, and what of the question it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import regex

from rag.answering.alignment import align
from rag.answering.confidence import Evidence, evidence
from rag.answering.fusion import SCALES
from rag.answering.quantity import asked_quantity, names_quantity
from rag.answering.search import Candidates, Query
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.text import STOP_WORDS, stems, words
from rag.types import Contribution, Explanation, Passage, ScoredPassage

# A word has no counterpart in a passage if the mean cosine of its tokens with it is lower.
FAR = 0.35
# Shorter words are mostly grammar, and so are these. English.
SHORTEST = 4
_GRAMMAR = """about after also been before being both could does doing during each ever from have
having many most much must only other over same should some than them those through under until upon
very were what when where which while whom whose would your"""
_UNTOLD = STOP_WORDS.union(_GRAMMAR.split())
_WORD = regex.compile(r"[\p{L}\p{N}]+(?:[-'’][\p{L}\p{N}]+)*")


def explain(candidates: Candidates, encoder: Encoder, hit: ScoredPassage) -> Explanation:
    """How each signal ranked the hit among the candidates, and the words of the question that it
    shares and lacks."""
    passage, snapshot, query = hit.passage, candidates.snapshot, candidates.query
    at = int(np.flatnonzero(candidates.rows == snapshot.row(passage))[0])
    given = {name: _contribution(candidates, name, at) for name in candidates.signals}
    [found] = evidence(candidates, [passage], align(snapshot, candidates.interaction, [passage]))
    return Explanation(
        **dict.fromkeys(SCALES) | given,
        matched=_matched(snapshot, query, passage),
        missing=missing(candidates, encoder, passage, found),
    )


def missing(
    candidates: Candidates, encoder: Encoder, passage: Passage, found: Evidence
) -> tuple[str, ...]:
    """What the passage lacks, by what was `found` in it, in the question's own words and order.

    These are specific terms that it does not hold, a quantity that its nearest sentence does not
    name, and words that it does not hold and whose tokens are far from all of its own.
    """
    snapshot, query = candidates.snapshot, candidates.query
    question = query.text
    lacking = [term.text for term in found.missing]
    asked = asked_quantity(question)
    if asked and not names_quantity(passage.text[slice(*found.alignment.nearest)]):
        lacking.append(asked)
    held = {word.casefold() for word in _matched(snapshot, query, passage)}
    for word, cosine in _cosines(question, encoder, found.alignment.best):
        is_known = word.casefold() in held or any(word in other for other in lacking)
        if cosine < FAR and not is_known:
            lacking.append(word)
    return tuple(sorted(lacking, key=question.find))


def matched(asked: Sequence[str], text: str, language: str) -> tuple[str, ...]:
    """The distinct words of a question, in order, whose stems occur in the text of that language.

    >>> matched(["which", "procedures", "collect"], "a procedure for T cells", "en")
    ('procedures',)
    """
    held = set(stems(words(text), language))
    distinct = dict.fromkeys(asked)
    return tuple(word for word in distinct if not held.isdisjoint(stems([word], language)))


def _matched(snapshot: Snapshot, query: Query, passage: Passage) -> tuple[str, ...]:
    language = snapshot.documents.language(passage.document_id)
    return matched(query.words, passage.in_context, language)


def _cosines(
    question: str, encoder: Encoder, cosines: npt.NDArray[np.float32]
) -> Iterator[tuple[str, float]]:
    """The question's words that are no grammar, each with the mean cosine of its tokens.

    None if tokens are left out, because the model does not know them or its window is too short.
    """
    pieces = encoder.word_pieces(question)
    if len(pieces) != len(cosines):
        return
    for match in _WORD.finditer(question):
        own = [start >= match.start() and end <= match.end() for start, end in pieces]
        if any(own) and len(match[0]) >= SHORTEST and match[0].casefold() not in _UNTOLD:
            yield match[0], float(cosines[own].mean())


def _contribution(candidates: Candidates, name: str, at: int) -> Contribution:
    signal, shares = candidates.signals[name], candidates.shares
    return Contribution(
        rank=1 + int((signal > signal[at]).sum()),
        share=float(shares[name][at]) if name in shares else 0.0,
    )
