"""BM25 over the passages: exact, reproducible arrays, through bm25s."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.text import ENGLISH, stemming, stems, stems_of_each
from rag.types import Document

K1 = 1.5
B = 0.75
# Robertson & Zaragoza 2009, eq. 3.15, with Lucene's idf, which is never negative.
METHOD = "lucene"
# A question of 2,000 characters holds some 300 words; its rarest terms decide.
MAX_TERMS = 64


@dataclass(frozen=True, slots=True)
class LexicalIndex:
    """Impacts of each term in each passage, as a compressed sparse column matrix.

    `terms` is sorted; column t of the matrix is term t. `impacts` float32 and `passages` int32
    (n_postings,), `starts` int64 (n_terms + 1,). `stemmings` are those of the passages, sorted.
    """

    terms: Sequence[str]
    impacts: npt.NDArray[np.float32]
    passages: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    count: int
    stemmings: tuple[str, ...] = (ENGLISH,)

    def stems_of(self, question: str) -> list[str]:
        """What a question's words are found by in passages of any language of the index."""
        found = [stem for language in self.stemmings for stem in stems(question, language)]
        return list(dict.fromkeys(found))

    def scores(self, query: Sequence[str]) -> npt.NDArray[np.float32]:
        """BM25 of every passage for the query's stems, float32 (n_passages,), 0 if none match.

        Each distinct stem counts once; beyond the `MAX_TERMS` rarest, stems are ignored.
        """
        scores = np.zeros(self.count, dtype=np.float32)
        for column in self._columns(query):
            postings = slice(self.starts[column], self.starts[column + 1])
            scores[self.passages[postings]] += self.impacts[postings]
        return scores

    def frequency(self, stem: str) -> int:
        """How many passages hold the stem, in their text or context."""
        column = self._column(stem)
        return 0 if column is None else int(self.starts[column + 1] - self.starts[column])

    def _columns(self, query: Sequence[str]) -> list[int]:
        found = {column for stem in set(query) if (column := self._column(stem)) is not None}
        rarest = sorted(found, key=lambda c: (int(self.starts[c + 1] - self.starts[c]), c))
        return sorted(rarest[:MAX_TERMS])

    def _column(self, stem: str) -> int | None:
        at = bisect_left(self.terms, stem)
        return at if at < len(self.terms) and self.terms[at] == stem else None


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


def index_texts(texts: Sequence[str], languages: Sequence[str]) -> LexicalIndex:
    """A BM25 index of texts in these languages, in order; the same texts give the same arrays."""
    stemmings = stemmings_of(languages)
    stemmed = _stemmed(texts, languages)
    terms = tuple(sorted(set().union(*stemmed)))
    column = {term: at for at, term in enumerate(terms)}
    if not terms:
        empty = np.zeros(0)
        return LexicalIndex(
            terms, empty.astype("f4"), empty.astype("i4"), np.zeros(1, "i8"), len(texts), stemmings
        )
    # Imported only here: it brings scipy, and neither asking nor reading back needs it.
    from bm25s import BM25

    ranker = BM25(k1=K1, b=B, method=METHOD, csc_backend="numpy")
    scores = ranker.build_index_from_ids(
        unique_token_ids=list(range(len(terms))),
        corpus_token_ids=[[column[stem] for stem in text] for text in stemmed],
        show_progress=False,
    )
    return LexicalIndex(
        terms=terms,
        impacts=np.asarray(scores["data"], dtype=np.float32),
        passages=np.asarray(scores["indices"], dtype=np.int32),
        starts=np.asarray(scores["indptr"], dtype=np.int64),
        count=len(texts),
        stemmings=stemmings,
    )


def _stemmed(texts: Sequence[str], languages: Sequence[str]) -> list[list[str]]:
    """The stems of each text by its language; those of one language together."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, language in enumerate(languages):
        rows[stemming(language)].append(row)
    found: dict[int, list[str]] = {}
    for each, own in rows.items():
        found.update(zip(own, stems_of_each([texts[row] for row in own], each), strict=True))
    return [found[row] for row in range(len(texts))]
