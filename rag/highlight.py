"""Highlights: the sentences of passages that answer, by the token vectors already there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag.late import similarities
from rag.marks import Sentences
from rag.search import Query
from rag.snapshot import Snapshot
from rag.types import Passage, Span

# Measured on held-out questions with known answers: eval/results/highlights.json
CLOSE = 0.02


def highlights(
    snapshot: Snapshot, query: Query, passages: Sequence[Passage]
) -> list[tuple[Span, ...]]:
    """For each passage the span of the sentence nearest to the question, or of two, in order.

    A sentence scores as a passage does: the mean over query tokens of the best cosine among the
    sentence's tokens. The best is marked, and the second where it comes within `CLOSE` of it. Of an
    FAQ pair only the answer can be marked; nothing is where question or passage has no tokens.
    """
    rows = [snapshot.rows[passage.id] for passage in passages]
    marks = [snapshot.marks.of(row) for row in rows]
    scores = _scores(snapshot, query, rows, marks)
    return [
        tuple(Span(passage.start + start, passage.start + end) for start, end in _best(found, of))
        for passage, found, of in zip(passages, marks, scores, strict=True)
    ]


def _scores(
    snapshot: Snapshot, query: Query, rows: Sequence[int], marks: Sequence[Sentences]
) -> list[list[float]]:
    """The scores of each passage's sentences; none where the query has no tokens."""
    filled = [(row, found) for row, found in zip(rows, marks, strict=True) if len(found)]
    if len(query.tokens) == 0 or not filled:
        return [[] for _ in marks]
    # Each from its first sentence's first token to its last one's last.
    blocks = [snapshot.tokens.rows(row)[found[0, 2] : found[-1, 3]] for row, found in filled]
    places = np.cumsum([0, *(len(block) for block in blocks[:-1])])
    shifts = [place - found[0, 2] for place, (_, found) in zip(places, filled, strict=True)]
    bounds = np.concatenate(
        [each[:, 2:] + by for by, (_, each) in zip(shifts, filled, strict=True)]
    )
    similar = similarities(query.tokens, np.concatenate(blocks))
    # Every other part is what lies between two sentences; the last goes to the end by itself.
    best = np.maximum.reduceat(similar, bounds.ravel()[:-1], axis=0)[::2]
    scores = iter(best.mean(axis=1).tolist())
    return [[next(scores) for _ in found] for found in marks]


def _best(marks: Sentences, scores: list[float]) -> list[tuple[int, int]]:
    """The spans in the passage's text of the sentences to mark, in order."""
    if not scores:
        return []
    best, *others = sorted(range(len(scores)), key=lambda at: (-scores[at], at))
    marked = [best, *(at for at in others[:1] if scores[at] >= scores[best] - CLOSE)]
    spans: list[tuple[int, int]] = marks[sorted(marked), :2].tolist()
    return spans
