"""Makes a BM25 index: the words of new texts are counted, those of kept passages taken over.

The weights are Lucene's, equal to those of bm25s to the bit.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rag.index.bm25 import K1, B, LexicalIndex, stemmings_of
from rag.text import stemming, stems_of_each

NEW = -1
# A word that stands in a passage more often counts so often.
MOST = np.iinfo(np.uint16).max

Rows = npt.NDArray[np.int64]
# The term, the passage and the count of each posting, in any order.
Triples = tuple[Rows, Rows, Rows]

EMPTY = LexicalIndex(
    (), np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(1, np.int64), count=0
)


def index_texts(texts: Sequence[str], languages: Sequence[str]) -> LexicalIndex:
    """A BM25 index of texts in these languages, in order; the same texts give the same arrays."""
    return extended(EMPTY, np.full(len(texts), NEW), texts, languages)


def extended(
    earlier: LexicalIndex, rows: Rows, texts: Sequence[str], languages: Sequence[str]
) -> LexicalIndex:
    """A BM25 index of passages in these languages, the same as if all were new.

    `rows` int64 (n,) has the row of each passage in the earlier index, or `NEW`; those of an
    earlier index rise, and its passages were stemmed as they would be now. `texts` are those of the
    new passages, in order.
    """
    new = np.flatnonzero(rows == NEW)
    stemmed = _stemmed(texts, [languages[row] for row in new.tolist()])
    kept = _kept(earlier, rows)
    used = np.unique(kept[0]).tolist()
    old_terms = {at: earlier.terms[at] for at in used}
    terms = tuple(sorted({*old_terms.values(), *(stem for each in stemmed for stem in each)}))
    column = {term: at for at, term in enumerate(terms)}
    place = np.zeros(len(earlier.terms), dtype=np.int64)
    place[used] = [column[term] for term in old_terms.values()]
    counted = _counted([[column[stem] for stem in each] for each in stemmed], new)
    parts = zip((place[kept[0]], *kept[1:]), counted, strict=True)
    of_terms, passages, counts = map(np.concatenate, parts)
    order = np.argsort(of_terms * max(1, len(rows)) + passages, kind="stable")
    of_terms, passages, counts = of_terms[order], passages[order], counts[order]
    return LexicalIndex(
        terms=terms,
        impacts=_impacts(of_terms, passages, counts, len(rows)),
        passages=passages.astype(np.int32),
        starts=np.searchsorted(of_terms, np.arange(len(terms) + 1)).astype(np.int64),
        count=len(rows),
        stemmings=stemmings_of(languages),
        counts=counts.astype(np.uint16),
    )


def _kept(earlier: LexicalIndex, rows: Rows) -> Triples:
    """The postings of the passages that are kept, by their terms in the earlier index."""
    now = np.full(earlier.count, NEW)
    now[rows[rows != NEW]] = np.flatnonzero(rows != NEW)
    passages = now[earlier.passages]
    held = passages != NEW
    of_terms = np.repeat(np.arange(len(earlier.terms)), np.diff(earlier.starts))
    return of_terms[held], passages[held], earlier.counts[held].astype(np.int64)


def _counted(texts: Sequence[Sequence[int]], rows: Rows) -> Triples:
    """The postings of texts, given as columns of terms, which belong to these rows."""
    of_terms = np.array([term for each in texts for term in each], dtype=np.int64)
    passages = np.repeat(rows, list(map(len, texts))) if len(rows) else rows
    size = int(passages.max(initial=0)) + 1
    pairs, counts = np.unique(of_terms * size + passages, return_counts=True)
    return pairs // size, pairs % size, np.minimum(counts, MOST)


def _impacts(of_terms: Rows, passages: Rows, counts: Rows, count: int) -> npt.NDArray[np.float32]:
    """The weight of each posting: Lucene's idf, and the count within the passage's length."""
    if len(counts) == 0:
        return np.zeros(0, dtype=np.float32)
    lengths = np.bincount(passages, counts, minlength=count)
    norms = K1 * ((1 - B) + B * lengths / (lengths.sum() / count))
    held = np.bincount(of_terms)
    # By Python's own logarithm, which rounds alike on every processor; few frequencies differ.
    frequencies, at = np.unique(held, return_inverse=True)
    idf = np.array(
        [math.log(1 + (count - df + 0.5) / (df + 0.5)) for df in frequencies.tolist()], np.float32
    )
    weights = counts / (norms[passages] + counts)
    impacts: npt.NDArray[np.float32] = (idf[at][of_terms] * weights).astype(np.float32)
    return impacts


def _stemmed(texts: Sequence[str], languages: Sequence[str]) -> list[list[str]]:
    """The stems of each text by its language; those of one language together."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, language in enumerate(languages):
        rows[stemming(language)].append(row)
    found: dict[int, list[str]] = {}
    for each, own in rows.items():
        found.update(zip(own, stems_of_each([texts[row] for row in own], each), strict=True))
    return [found[row] for row in range(len(texts))]
