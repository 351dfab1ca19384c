"""Makes a BM25 index: the words of new texts are counted, those of kept passages taken over.

The weights are Lucene's, equal to those of bm25s to the bit. Texts are counted some thousands at a
time, and the arrays are filled in place, so memory holds little but the postings.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from rag.index.bm25 import K1, B, LexicalIndex, stemmings_of
from rag.index.columns import mapped_zeros, starts_of
from rag.text import stemming, stems_of_each

NEW = -1
# A word that stands in a passage more often counts so often.
MOST = np.iinfo(np.uint16).max
# The words of so many passages are counted at a time.
BLOCK = 20_000

Rows = npt.NDArray[np.int64]

EMPTY = LexicalIndex(
    (), np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(1, np.int64), count=0
)


@dataclass(frozen=True, slots=True, eq=False)
class _Postings:
    """Postings: the number of the term, the row of the passage, and how often it holds the term.

    int32, int32 and uint16, each (n,).
    """

    terms: npt.NDArray[np.int32]
    passages: npt.NDArray[np.int32]
    counts: npt.NDArray[np.uint16]

    def part(self, own: slice | Rows) -> _Postings:
        """Some of them."""
        return _Postings(self.terms[own], self.passages[own], self.counts[own])

    def __add__(self, other: _Postings) -> _Postings:
        """These and the others."""
        return _Postings(
            np.concatenate([self.terms, other.terms]),
            np.concatenate([self.passages, other.passages]),
            np.concatenate([self.counts, other.counts]),
        )


def index_texts(texts: Sequence[str], languages: Sequence[str]) -> LexicalIndex:
    """A BM25 index of texts in these languages, in order; the same texts give the same arrays."""
    return extended(EMPTY, np.full(len(texts), NEW), texts, languages)


def extended(
    earlier: LexicalIndex,
    rows: Rows,
    texts: Iterable[str],
    languages: Sequence[str],
    block: int = BLOCK,
) -> LexicalIndex:
    """A BM25 index of passages in these languages, the same as if all were new.

    `rows` int64 (n,) has the row of each passage in the earlier index, or `NEW`; those of an
    earlier index rise, and its passages were stemmed as they would be now. `texts` are those of the
    new passages, in order; a `block` of passages is counted at a time.
    """
    # Terms are numbered as they come, and sorted when all are known.
    numbers: dict[str, int] = {}
    kept, rest, blocks = _kept(earlier, rows, numbers), iter(texts), []
    for start in range(0, len(rows), block):
        new = start + np.flatnonzero(rows[start : start + block] == NEW)
        stemmed = _stemmed(list(islice(rest, len(new))), [languages[row] for row in new.tolist()])
        taken = kept.part(slice(*np.searchsorted(kept.passages, [start, start + block])))
        blocks.append(taken + _counted(stemmed, new, numbers))
    return _merged(blocks, numbers, languages)


def _kept(earlier: LexicalIndex, rows: Rows, numbers: dict[str, int]) -> _Postings:
    """The postings of the passages that are kept, in the order of these; numbers their terms."""
    now = np.full(earlier.count, NEW, dtype=np.int32)
    now[rows[rows != NEW]] = np.flatnonzero(rows != NEW)
    passages = now[earlier.passages]
    order = np.argsort(passages, kind="stable")[np.count_nonzero(passages == NEW) :]
    terms = np.repeat(np.arange(len(earlier.terms)), np.diff(earlier.starts))[order]
    used, terms = np.unique(terms, return_inverse=True)
    numbers.update((earlier.terms[at], number) for number, at in enumerate(used.tolist()))
    return _Postings(terms.astype(np.int32), passages[order], earlier.counts[order])


def _counted(texts: Sequence[Sequence[str]], rows: Rows, numbers: dict[str, int]) -> _Postings:
    """The postings of texts, given as stems, which belong to these rows; numbers new terms."""
    terms = [numbers.setdefault(stem, len(numbers)) for each in texts for stem in each]
    of = np.repeat(np.arange(len(texts)), list(map(len, texts)))
    size = max(1, len(numbers))
    pairs, counts = np.unique(of * size + np.array(terms, np.int64), return_counts=True)
    return _Postings(
        (pairs % size).astype(np.int32),
        rows[pairs // size].astype(np.int32),
        np.minimum(counts, MOST).astype(np.uint16),
    )


def _merged(
    blocks: Sequence[_Postings], numbers: Mapping[str, int], languages: Sequence[str]
) -> LexicalIndex:
    """The index of all postings: by term, and those of a term by passage."""
    terms, count = tuple(sorted(numbers)), len(languages)
    rank = np.empty(len(terms), dtype=np.int32)
    rank[[numbers[term] for term in terms]] = np.arange(len(terms))
    held = np.zeros(len(terms), dtype=np.int64)
    for block in blocks:
        held += np.bincount(rank[block.terms], minlength=len(terms))
    starts, idf, norms = starts_of(held.tolist()), _idf(held, count), _norms(blocks, count)
    impacts = mapped_zeros((int(starts[-1]),), np.float32)
    passages, counts = (mapped_zeros(impacts.shape, kind) for kind in (np.int32, np.uint16))
    place = starts[:-1].copy()
    for block in blocks:
        order = np.lexsort((block.passages, rank[block.terms]))
        own, sorted_block = rank[block.terms[order]], block.part(order)
        used, firsts, number = np.unique(own, return_index=True, return_counts=True)
        at = np.arange(len(own)) + np.repeat(place[used] - firsts, number)
        passages[at], counts[at] = sorted_block.passages, sorted_block.counts
        weights = counts[at] / (norms[passages[at]] + counts[at])
        impacts[at] = idf[own] * weights
        place[used] += number
    return LexicalIndex(terms, impacts, passages, starts, count, stemmings_of(languages), counts)


def _idf(held: Rows, count: int) -> npt.NDArray[np.float32]:
    """Lucene's idf of terms that so many of the passages hold."""
    # By Python's own logarithm, which rounds alike on every processor; few frequencies differ.
    frequencies, at = np.unique(held, return_inverse=True)
    idf = [math.log(1 + (count - df + 0.5) / (df + 0.5)) for df in frequencies.tolist()]
    found: npt.NDArray[np.float32] = np.array(idf, dtype=np.float32)[at]
    return found


def _norms(blocks: Sequence[_Postings], count: int) -> npt.NDArray[np.float64]:
    """What the length of each passage adds to the count of a term in it."""
    lengths = np.zeros(count)
    for block in blocks:
        lengths += np.bincount(block.passages, block.counts, minlength=count)
    # Without any term the norms are not used.
    mean = lengths.sum() / max(1, count) or 1.0
    norms: npt.NDArray[np.float64] = K1 * ((1 - B) + B * lengths / mean)
    return norms


def _stemmed(texts: Sequence[str], languages: Sequence[str]) -> list[list[str]]:
    """The stems of each text by its language; those of one language together."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, language in enumerate(languages):
        rows[stemming(language)].append(row)
    found: dict[int, list[str]] = {}
    for each, own in rows.items():
        found.update(zip(own, stems_of_each([texts[row] for row in own], each), strict=True))
    return [found[row] for row in range(len(texts))]
