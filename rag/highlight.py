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

# Measured on held-out questions with known answers: eval/results/highlights.json
CLOSE = 0.02


def highlights(
    snapshot: Snapshot, encoder: Encoder, query: Query, passage: Passage
) -> tuple[Span, ...]:
    """The span of the sentence nearest to the question, or of two, in order.

    A sentence scores as a passage does: the mean over query tokens of the best cosine among the
    sentence's tokens. The best is marked, and the second where it comes within `CLOSE` of it. Of an
    FAQ pair only the answer can be marked; nothing is where question or passage has no tokens.
    """
    candidates = _candidates(snapshot, passage)
    pieces = encoder.word_pieces(passage.text)
    tokens = snapshot.tokens.rows(snapshot.rows[passage.id])
    if not candidates or not pieces or len(query.tokens) == 0:
        return ()
    # The rows of the context, if any, come before those of the text.
    similar = similarities(query.tokens, tokens[len(tokens) - len(pieces) :])
    starts = [passage.start + start for start, _ in pieces]
    scores = [_score(similar, starts, span) for span in candidates]
    best, *others = sorted(range(len(scores)), key=lambda at: (-scores[at], at))
    marked = [best, *(at for at in others[:1] if scores[at] >= scores[best] - CLOSE)]
    return tuple(candidates[at] for at in sorted(marked))


def _candidates(snapshot: Snapshot, passage: Passage) -> list[Span]:
    section = snapshot.sections[passage.section_id]
    text = snapshot.documents[passage.document_id].text
    start = max(passage.start, section.body_start) if section.kind == "faq" else passage.start
    return [Span(*span) for span in sentences(text, min(start, passage.end), passage.end)]


def _score(scores: npt.NDArray[np.float32], starts: list[int], span: Span) -> float:
    first = bisect_left(starts, span.char_start)
    last = bisect_left(starts, span.char_end)
    return float(scores[first:last].max(axis=0).mean()) if first < last else -1.0
