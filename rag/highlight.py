"""Highlights: the sentence of a passage that answers, by the token scores already there."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import numpy.typing as npt

from rag.encoder import Encoder
from rag.late import similarities
from rag.search import Query
from rag.sentences import sentences
from rag.snapshot import Snapshot
from rag.types import Passage, Span


def highlights(
    snapshot: Snapshot, encoder: Encoder, query: Query, passage: Passage
) -> tuple[Span, ...]:
    """The span of the sentence nearest to the question; nothing where neither has tokens.

    A sentence scores as a passage does: the mean over query tokens of the best cosine among the
    sentence's tokens. Of an FAQ pair only the answer can be highlighted. Ties go to the first.
    """
    candidates = _candidates(snapshot, passage)
    pieces = encoder.word_pieces(passage.text)
    tokens = snapshot.tokens.rows(snapshot.rows[passage.id])
    if not candidates or not pieces or len(query.tokens) == 0:
        return ()
    # The rows of the context, if any, come before those of the text.
    scores = similarities(query.tokens, tokens[len(tokens) - len(pieces) :])
    starts = [passage.start + start for start, _ in pieces]
    best = max(candidates, key=lambda span: (_score(scores, starts, span), -span.char_start))
    return (best,)


def _candidates(snapshot: Snapshot, passage: Passage) -> list[Span]:
    section = snapshot.sections[passage.section_id]
    text = snapshot.documents[passage.document_id].text
    start = max(passage.start, section.body_start) if section.kind == "faq" else passage.start
    return [Span(*span) for span in sentences(text, min(start, passage.end), passage.end)]


def _score(scores: npt.NDArray[np.float32], starts: list[int], span: Span) -> float:
    first = bisect_left(starts, span.char_start)
    last = bisect_left(starts, span.char_end)
    return float(scores[:, first:last].max(axis=1).mean()) if first < last else -1.0
