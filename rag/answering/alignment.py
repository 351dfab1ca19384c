"""Alignment: how near each token of the question comes to each sentence of a passage.

Late interaction looks for a question token anywhere in a passage. Confidence and highlights look in
its sentences, and in what stands between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.answering.search import Query
from rag.index import Snapshot, best_similarities
from rag.types import Passage

Cosines = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
# Where a sentence starts and ends in the text of its passage.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """The best cosine of each question token in each part of a passage, float32 (n, q).

    `within` are those with the tokens of each sentence. `before` are those with the tokens between
    it and the sentence before it; for the first sentence, with the headings, or 0 if there are
    none. `spans` are the places of the sentences in the passage's text. A passage without sentences
    counts as one without a place; one without tokens has cosines of 0.
    """

    spans: tuple[Place, ...]
    within: Cosines
    before: Cosines

    @property
    def best(self) -> Cosines:
        """The best cosine of each question token in the whole passage, float32 (q,)."""
        best: Cosines = np.maximum(self.within, self.before).max(axis=0, initial=0)
        return best


def align(snapshot: Snapshot, query: Query, passages: Sequence[Passage]) -> list[Alignment]:
    """The alignment of the query with each passage."""
    rows = [snapshot.row(passage) for passage in passages]
    marks = {row: _marks(snapshot, row) for row in rows} if len(query.tokens) else {}
    filled = {row: mark for row, mark in marks.items() if len(mark)}
    best = dict(zip(filled, _best(snapshot, query, filled), strict=True)) if filled else {}
    nothing = Alignment((), *(np.zeros((1, len(query.tokens)), dtype=np.float32) for _ in range(2)))
    return [_alignment(filled[row], best[row]) if row in best else nothing for row in rows]


def _marks(snapshot: Snapshot, row: int) -> Rows:
    """The sentences of a passage as `Marks` has them, int64 (n, 4); none if it has no tokens."""
    marks = snapshot.marks.of(row).astype(np.int64)
    count = int(snapshot.tokens.starts[row + 1] - snapshot.tokens.starts[row])
    whole = np.array([[0, 0, 0, count]] if count else [], dtype=np.int64).reshape(-1, 4)
    return marks if len(marks) else whole


def _best(snapshot: Snapshot, query: Query, marks: Mapping[int, Rows]) -> list[Cosines]:
    """The cosines of each passage, by turns before and within a sentence, float32 (2n, q)."""
    spans: list[tuple[int, int]] = []
    bounds: list[Rows] = []
    end = 0
    for row, mark in marks.items():
        first, size = int(snapshot.tokens.starts[row]), int(mark[-1, 3])
        spans.append((first, first + size))
        # Where the last sentence ends, the next passage begins.
        bounds.append(np.concatenate([[0], mark[:, 2:].ravel()[:-1]]) + end)
        end += size
    tokens = snapshot.tokens.copied(spans)
    best = best_similarities(query.tokens, tokens, np.concatenate(bounds))
    return np.split(best, np.cumsum([len(each) for each in bounds])[:-1])


def _alignment(marks: Rows, best: Cosines) -> Alignment:
    before = best[::2]
    if marks[0, 2] == 0:
        before[0] = 0
    spans = tuple((start, end) for start, end in marks[:, :2].tolist() if start < end)
    return Alignment(spans, best[1::2], before)
