"""BM25 over whole documents as in published figures: Lucene's English analysis, k1 .9, b .4.

Lower case, words of letters and digits, Lucene's 33 English stop words, Porter's stemmer, a word
asked twice counting twice, as in Anserini's flat index of BEIR. It is not the BM25 that we serve.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import bm25s
import numpy as np
import numpy.typing as npt
import Stemmer

K1 = 0.9
B = 0.4
WORD = re.compile(r"[^\W_]+")
_STOP_WORDS = """a an and are as at be but by for if in into is it no not of on or such that the
their then there these they this to was will with"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


def bm25(texts: Sequence[str], queries: Sequence[str]) -> npt.NDArray[np.float32]:
    """The BM25 of every text for every query, float32 (n_queries, n_texts), 0 if none match."""
    stemmer = Stemmer.Stemmer("porter")
    analysed = [_terms(text, stemmer) for text in texts]
    column = {term: at for at, term in enumerate(sorted(set().union(*analysed)))}
    scores = np.zeros((len(queries), len(texts)), dtype=np.float32)
    if not column:
        return scores
    ranker = bm25s.BM25(k1=K1, b=B, method="lucene", csc_backend="numpy")
    ids = [[column[term] for term in terms] for terms in analysed]
    ranker.index((ids, column), show_progress=False)
    for at, query in enumerate(queries):
        known = [column[term] for term in _terms(query, stemmer) if term in column]
        if known:
            scores[at] = ranker.get_scores_from_ids(known)
    return scores


def _terms(text: str, stemmer: Stemmer.Stemmer) -> list[str]:
    words = [word for word in WORD.findall(text.lower()) if word not in STOP_WORDS]
    terms: list[str] = stemmer.stemWords(words)
    return terms
