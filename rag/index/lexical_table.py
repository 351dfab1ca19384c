"""The BM25 index in columns: its terms are texts in order, its arrays are used as they are."""

from __future__ import annotations

import numpy as np

from rag.index.bm25 import LexicalIndex
from rag.index.columns import (
    Array,
    Buffer,
    Kinds,
    Texts,
    check_rows,
    check_starts,
    demand,
    pack,
    text_columns,
    text_kinds,
    unpack,
)

# An impact is at most its term's idf, some 40 for as many passages as a file can hold.
LARGEST_IMPACT = 100

KINDS: Kinds = {
    **text_kinds("terms", "stemmings"),
    "starts": (np.int64, 1),
    "passages": (np.int32, 1),
    "impacts": (np.float32, 1),
    "counts": (np.uint16, 1),
}


def pack_lexical(lexical: LexicalIndex) -> memoryview:
    """The content of the file of this BM25 index."""
    return pack(
        {
            **text_columns("terms", lexical.terms),
            **text_columns("stemmings", lexical.stemmings),
            "starts": lexical.starts,
            "passages": lexical.passages,
            "impacts": lexical.impacts,
            "counts": lexical.counts,
        }
    )


def open_lexical(raw: Buffer, count: int) -> LexicalIndex:
    """The BM25 index of that many passages in the content of its file."""
    columns = unpack(raw, KINDS)
    stemmings = Texts(columns, "stemmings")
    stemmings.check("the stemmings", len(stemmings))
    return LexicalIndex(
        terms=Texts(columns, "terms"),
        impacts=columns["impacts"],
        passages=columns["passages"],
        starts=columns["starts"],
        count=count,
        stemmings=tuple(stemmings),
        counts=columns["counts"],
    )


def check_lexical(lexical: LexicalIndex) -> None:
    """Raises ValueError unless all arrays agree with each other."""
    terms, starts, passages = lexical.terms, lexical.starts, lexical.passages
    if isinstance(terms, Texts):
        terms.check("the BM25 terms", len(terms))
        terms.check_order("the BM25 terms")
    demand(len(passages) == len(lexical.impacts), "a BM25 impact has no passage")
    demand(len(passages) == len(lexical.counts), "a BM25 count has no passage")
    check_starts(starts, len(terms), len(passages), "the BM25 terms")
    check_rows(passages, 0, lexical.count, "a BM25 passage does not exist")
    within = (lexical.impacts >= 0) & (lexical.impacts < LARGEST_IMPACT)
    demand(within.all(), f"a BM25 impact is not from 0 to {LARGEST_IMPACT}")
    demand(_rises(passages, starts), "the BM25 passages of a term are not in order")


def _rises(rows: Array, starts: Array) -> np.bool_:
    """Whether the rows rise within each part."""
    rises = np.diff(rows) > 0
    between = starts[(starts > 0) & (starts < len(rows))]
    rises[between - 1] = True
    return np.all(rises)
