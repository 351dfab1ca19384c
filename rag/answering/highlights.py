"""Highlights: the sentences of passages that answer, by the token vectors already there."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rag.answering.profile import profile_of
from rag.answering.search import Query
from rag.index import Sentences, Snapshot, best_similarities
from rag.text import line_spans, stems
from rag.types import Passage, Span

# What a question token's cosine loses if it is found in the sentence before, or in the heading
# above the first one; what a sentence gains that has all of the question's numbers. Chosen on the
# half of squad2: docs/decisions/0007-signals.md
BEFORE = 0.25
ABOVE = 0.1
NUMBERS = 0.03

_ITEM = re.compile(r"\A\W*\d{1,3}[.)]\s")
_ENTRY = re.compile(r"[-*+•|<]|\d{1,3}[.)]\s")

Scores = npt.NDArray[np.float32]


def highlights(
    snapshot: Snapshot, query: Query, passages: Sequence[Passage]
) -> list[tuple[Span, ...]]:
    """For each passage the span of the sentence nearest to the question, or of two, in order.

    A sentence scores as a passage does: the mean over query tokens of the best cosine among its
    tokens. A token may also be found in the sentence before (for the first one, in the heading or
    question above), at a cost: `It takes hours.` says of what it speaks one sentence earlier. The
    second best is marked too if its score is close to the best.

    Token vectors do not tell one number from the next. So a sentence that has the question's
    numbers gains a little, and of lines, rows and items only those with most of them can be marked.
    In an FAQ pair only the answer can be marked. Without tokens in question or passage nothing is
    marked.
    """
    numbers = frozenset(stem for stem in query.stems if any(map(str.isdigit, stem)))
    close = profile_of(snapshot.manifest.model).close
    found = []
    for passage, (marks, scores) in zip(passages, _scored(snapshot, query, passages), strict=True):
        if numbers and len(scores):
            scores = scores + _by_numbers(numbers, passage.text, marks)
        found.append(
            tuple(
                Span(passage.start + start, passage.start + end)
                for start, end in marks[_nearest(scores, close), :2].tolist()
            )
        )
    return found


def nearest_sentence(snapshot: Snapshot, query: Query, passages: Sequence[Passage]) -> str:
    """The sentence of any of the passages that is nearest to the question, by the same score.

    The first of equally near ones; "" if question or passages have no tokens.
    """
    nearest = [
        (float(scores.max()), passage.text[slice(*marks[scores.argmax(), :2].tolist())])
        for passage, (marks, scores) in zip(
            passages, _scored(snapshot, query, passages), strict=True
        )
        if len(scores)
    ]
    return max(nearest, key=lambda each: each[0], default=(0.0, ""))[1]


def _scored(
    snapshot: Snapshot, query: Query, passages: Sequence[Passage]
) -> list[tuple[Sentences, Scores]]:
    """Each passage's sentences and their scores, float32; none if the query has no tokens."""
    rows = [snapshot.rows[passage.id] for passage in passages]
    marks = [snapshot.marks.of(row) for row in rows]
    counts = [len(found) for found in marks]
    if len(query.tokens) == 0 or not any(counts):
        return [(found[:0], np.zeros(0, np.float32)) for found in marks]
    spans, bounds, at = [], [], 0
    for row, found in zip(rows, marks, strict=True):
        if len(found):
            start, last = snapshot.tokens.starts[row], found[-1, 3]
            spans.append((start, start + last))
            # What is above, and then by turns a sentence and what is between two; where the last
            # one ends, the next passage begins.
            bounds.append(np.append(0, found[:, 2:].ravel()[:-1]) + at)
            at += last
    parts = best_similarities(
        query.tokens, snapshot.tokens.copied(spans), np.concatenate(bounds, dtype=np.int64)
    )
    above, own = parts[::2], parts[1::2]
    lent = np.roll(own, 1, axis=0) - np.float32(BEFORE)
    firsts = np.cumsum([0, *filter(None, counts)])[:-1]
    lent[firsts] = above[firsts] - np.float32(ABOVE)
    scores: Scores = np.maximum(own, lent).mean(axis=1)
    return list(zip(marks, np.split(scores, np.cumsum(counts)[:-1]), strict=True))


def _by_numbers(numbers: frozenset[str], text: str, marks: Sentences) -> Scores:
    """What each sentence gains by the question's numbers that it has, that of an item aside."""
    spans = marks[:, :2].tolist()
    found = (stems(_ITEM.sub("", text[start:end], count=1)) for start, end in spans)
    shares = np.array([len(numbers.intersection(each)) for each in found]) / len(numbers)
    have_most = (shares == shares.max()) & (shares > 0)
    if any(_is_entry(text, *span) for span, most in zip(spans, have_most, strict=True) if most):
        return np.where(have_most, 0, -np.inf).astype(np.float32)
    return (NUMBERS * shares).astype(np.float32)


def _is_entry(text: str, start: int, end: int) -> bool:
    """Whether a sentence opens a row or an item, or is a line of its own beside others."""
    if _ENTRY.match(text, start):
        return True
    lines = line_spans(text)
    [at] = [i for i, (_, last) in enumerate(lines) if start <= last][:1]
    is_line = not text[lines[at][0] : start].strip() and not text[end : lines[at][1]].strip()
    beside = lines[max(0, at - 1) : at] + lines[at + 1 : at + 2]
    return is_line and any(text[a:b].strip() for a, b in beside)


def _nearest(scores: Scores, close: float) -> list[int]:
    """The places of the sentences to mark, in order: the best, and the second if it is close."""
    best = np.argsort(-scores, kind="stable")[:2].tolist()
    return sorted(at for at in best if scores[at] >= scores[best[0]] - close)
