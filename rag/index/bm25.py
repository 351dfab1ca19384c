"""BM25 over the passages: exact, reproducible arrays; `postings` makes them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rag.index.columns import Texts
from rag.text import ENGLISH, stemming, stems
from rag.types import Document

K1 = 1.5
B = 0.75
# A question of 2,000 characters holds some 300 words; its rarest terms decide.
MAX_TERMS = 64
# So many passages are all scored: it takes less time than to find out which need not be.
FEW = 10_000
# A sum of 64 terms of float32 differs in another order by less.
SLACK = 1e-4

Rows = npt.NDArray[np.int64]
RowScores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LexicalIndex:
    """Impacts of each term in each passage, as a compressed sparse column matrix.

    `terms` is sorted; column t of the matrix is term t. `impacts` float32 and `passages` int32
    (n_postings,), `starts` int64 (n_terms + 1,). `stemmings` are those of the passages, sorted.
    `counts` uint16 (n_postings,): how often each term stands in each passage, for the next build.
    """

    terms: Sequence[str]
    impacts: npt.NDArray[np.float32]
    passages: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    count: int
    stemmings: tuple[str, ...] = (ENGLISH,)
    counts: npt.NDArray[np.uint16] = field(default_factory=lambda: np.zeros(0, np.uint16))

    def stems_of(self, words: Sequence[str]) -> list[str]:
        """What a question's words are found by in passages of any language of the index."""
        found = [stem for language in self.stemmings for stem in stems(words, language)]
        return list(dict.fromkeys(found))

    def columns(self, query: Iterable[str]) -> list[int]:
        """The terms of a query's stems, from rare to common, each once: the `MAX_TERMS` rarest."""
        found = {column for stem in query if (column := self._column(stem)) is not None}
        holding = {column: len(self._postings(column)[0]) for column in found}
        return sorted(filter(holding.get, found), key=lambda c: (holding[c], c))[:MAX_TERMS]

    def best(
        self, columns: Sequence[int], k: int, within: npt.NDArray[np.bool_] | None = None
    ) -> tuple[Rows, RowScores]:
        """The k best of the passages that hold one of the terms, best first, and their scores.

        Equal ones are in the order of rows. `within`, bool (n_passages,), restricts the search.
        """
        if self.count > FEW:
            rows = self._leading(columns, k, within)
        else:
            rows = np.arange(self.count) if within is None else np.flatnonzero(within)
        scores = self.scores(columns, rows)
        rows, scores = rows[scores > 0], scores[scores > 0]
        best = np.lexsort((rows, -scores))[:k]
        return rows[best], scores[best]

    def scores(self, columns: Sequence[int], rows: Rows) -> RowScores:
        """BM25 of these passages for the terms, float32 (len(rows),), 0 if they hold none."""
        # Always in the same order: a sum of floats depends on it.
        ordered = sorted(columns)
        if self.count <= FEW:
            sums = np.zeros(self.count, dtype=np.float32)
            for column in ordered:
                holding, impacts = self._postings(column)
                sums[holding] += impacts
            return sums[rows]
        scores = np.zeros(len(rows), dtype=np.float32)
        for column in ordered:
            scores += self._impacts(column, rows)
        return scores

    def frequency(self, stem: str) -> int:
        """How many passages hold the stem, in their text or context."""
        column = self._column(stem)
        return 0 if column is None else int(self.starts[column + 1] - self.starts[column])

    def _leading(
        self, columns: Sequence[int], k: int, within: npt.NDArray[np.bool_] | None
    ) -> Rows:
        """Some rows that hold a term, with the k best among them.

        Rare terms come first. Once no passage can become one of the k best by the terms that are
        left alone, these are looked up only for passages that may still be among the best: Turtle &
        Flood 1995, "Query Evaluation: Strategies and Optimizations" (MaxScore).
        """
        sums = np.zeros(self.count, dtype=np.float32)
        found = np.zeros(0, dtype=np.int32)
        peaks = [self._peak(column) for column in columns]
        for at, column in enumerate(columns):
            gain, least = sum(peaks[at:]), _kth(sums[found], k) if peaks[at] else 0.0
            if gain < least:
                found = found[sums[found] >= least - gain]
                sums[found] += self._impacts(column, found)
                continue
            rows, impacts = self._postings(column)
            if within is not None:
                kept = within[rows]
                rows, impacts = rows[kept], impacts[kept]
            found = np.concatenate([found, rows[sums[rows] == 0]])
            sums[rows] += impacts
        return found[sums[found] >= _kth(sums[found], k)].astype(np.int64)

    def _impacts(self, column: int, rows: npt.NDArray[np.integer]) -> RowScores:
        """A term's impact in each of these passages, 0 where it is not."""
        holding, impacts = self._postings(column)
        at = np.minimum(np.searchsorted(holding, rows), len(holding) - 1)
        found: RowScores = np.where(holding[at] == rows, impacts[at], np.float32(0))
        return found

    def _postings(self, column: int) -> tuple[npt.NDArray[np.int32], RowScores]:
        """The rows of the passages that hold a term, in order, and its impact in each."""
        postings = slice(self.starts[column], self.starts[column + 1])
        return self.passages[postings], self.impacts[postings]

    def _peak(self, column: int) -> float:
        """The largest impact of a term in many passages; 0 of one in few, which is not needed."""
        impacts = self._postings(column)[1]
        return float(impacts.max()) if len(impacts) > FEW else 0.0

    def _column(self, stem: str) -> int | None:
        if isinstance(self.terms, Texts):
            return self.terms.row(stem)
        at = bisect_left(self.terms, stem)
        return at if at < len(self.terms) and self.terms[at] == stem else None


def _kth(scores: RowScores, k: int) -> float:
    """The k-th largest score, less what rounding may have added; 0 if there are fewer."""
    return float(np.partition(scores, -k)[-k]) * (1 - SLACK) if len(scores) >= k else 0.0


def main_language(languages: Iterable[str | None]) -> str:
    """The language of most documents, given each one's if it is known; English if none is."""
    counts = Counter(filter(None, languages))
    return min(counts, key=lambda language: (-counts[language], language), default=ENGLISH)


def languages_of(documents: Iterable[Document]) -> dict[str, str]:
    """The language of each document by its id, or that of most others if it is not known."""
    known = {document.id: document.language for document in documents}
    main = main_language(known.values())
    return {id: language or main for id, language in known.items()}


def stemmings_of(languages: Iterable[str]) -> tuple[str, ...]:
    """The ways in which the words of these languages are stemmed, sorted."""
    return tuple(sorted(set(map(stemming, languages))))
