"""Highlights: the sentences of passages that answer, by the token vectors already there."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from rag.answering.profile import profile_of
from rag.answering.search import Query
from rag.index import Sentences, Snapshot, best_similarities
from rag.text import stems
from rag.types import Passage, Span

_ITEM = re.compile(r"\A\W*\d{1,3}[.)]\s")


def highlights(
    snapshot: Snapshot, query: Query, passages: Sequence[Passage]
) -> list[tuple[Span, ...]]:
    """For each passage the span of the sentence nearest to the question, or of two, in order.

    A sentence scores as a passage does: the mean over query tokens of the best cosine among the
    sentence's tokens. The second best is marked too if its score is close to the best. If the
    question has numbers, only the sentences with most of them can be marked: token vectors do not
    tell one number from the next. In an FAQ pair only the answer can be marked. Without tokens in
    question or passage nothing is marked.
    """
    marks, scores = _scored(snapshot, query, passages)
    close = profile_of(snapshot.manifest.model).close
    numbers = frozenset(stem for stem in query.stems if any(map(str.isdigit, stem)))
    return [
        tuple(
            Span(passage.start + start, passage.start + end)
            for start, end in _best(found, of, _shared_numbers(numbers, passage.text, found), close)
        )
        for passage, found, of in zip(passages, marks, scores, strict=True)
    ]


def _shared_numbers(numbers: frozenset[str], text: str, marks: Sentences) -> list[int]:
    """How many of the question's numbers each sentence has, that of an item aside."""
    if not numbers:
        return [0] * len(marks)
    found = (_ITEM.sub("", text[mark[0] : mark[1]], count=1) for mark in marks.tolist())
    return [len(numbers & {*stems(sentence)}) for sentence in found]


def nearest_sentence(snapshot: Snapshot, query: Query, passages: Sequence[Passage]) -> str:
    """The sentence of any of the passages that is nearest to the question, by the same score.

    The first of equally near ones; "" if question or passages have no tokens.
    """
    near, nearest = -math.inf, ""
    for passage, found, of in zip(passages, *_scored(snapshot, query, passages), strict=True):
        for score, mark in zip(of, found.tolist(), strict=False):
            if score > near:
                near, nearest = score, passage.text[mark[0] : mark[1]]
    return nearest


def _scored(
    snapshot: Snapshot, query: Query, passages: Sequence[Passage]
) -> tuple[list[Sentences], list[list[float]]]:
    """Each passage's sentences and their scores; no scores if the query has no tokens."""
    rows = [snapshot.rows[passage.id] for passage in passages]
    marks = [snapshot.marks.of(row) for row in rows]
    if len(query.tokens) == 0 or not any(map(len, marks)):
        return marks, [[] for _ in marks]
    spans, bounds, at = [], [], 0
    for row, found in zip(rows, marks, strict=True):
        if len(found):
            first, last, start = found[0, 2], found[-1, 3], snapshot.tokens.starts[row]
            spans.append((start + first, start + last))
            bounds.append(found[:, 2:] + (at - first))
            at += last - first
    # Every other part is between two sentences; the last sentence ends at the end.
    places = np.concatenate(bounds, dtype=np.int64).ravel()[:-1]
    best = best_similarities(query.tokens, snapshot.tokens.copied(spans), places)[::2]
    scores = iter(best.mean(axis=1).tolist())
    return marks, [[next(scores) for _ in found] for found in marks]


def _best(
    marks: Sentences, scores: list[float], shared: list[int], close: float
) -> list[tuple[int, int]]:
    """The spans in the passage's text of the sentences to mark, in order."""
    if not scores:
        return []
    most = max(shared)
    able = [at for at, count in enumerate(shared) if count == most]
    best, *others = sorted(able, key=lambda at: (-scores[at], at))
    marked = [best, *(at for at in others[:1] if scores[at] >= scores[best] - close)]
    spans: list[tuple[int, int]] = marks[sorted(marked), :2].tolist()
    return spans
