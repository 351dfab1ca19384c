"""Sentence vectors: the mean of a sentence's token vectors, as the model read them in the passage.

A passage's score is the cosine of its best sentence with the question.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from eval.signals import Floats, Pool, Rows
from eval.variants import own_starts
from rag.encoder import Encoder
from rag.sentences import sentences


@dataclass(frozen=True, slots=True, eq=False)
class Sentences:
    """The sentences' vectors float32 (s, dim), L2-normalised; passage i has starts[i] on."""

    vectors: Floats
    starts: Rows


def sentence_vectors(pool: Pool, encoder: Encoder) -> Sentences:
    """The vectors of the sentences of every passage; a sentence without tokens has none."""
    firsts, ends = own_starts(pool, encoder), pool.stored.starts[1:].tolist()
    made = [
        _vectors(passage.text, pool.stored.tokens[first:end].astype(np.float32), encoder)
        for passage, first, end in zip(pool.passages, firsts, ends, strict=True)
    ]
    starts = np.cumsum([0, *(len(block) for block in made)], dtype=np.int64)
    return Sentences(np.concatenate(made), starts)


def best_cosines(found: Sentences, query: Floats, rows: Rows) -> Floats:
    """The cosine of the query (dim,) with the best sentence of each passage, float32 (len(rows),).

    A passage without sentences gets -1.
    """
    best = np.full(len(rows), -1, np.float32)
    for at, row in enumerate(rows.tolist()):
        block = found.vectors[found.starts[row] : found.starts[row + 1]]
        if len(block):
            best[at] = (block @ query).max()
    return best


def _vectors(text: str, tokens: Floats, encoder: Encoder) -> Floats:
    starts = [start for start, _ in encoder.word_pieces(text)][: len(tokens)]
    places = [
        (bisect_left(starts, start), bisect_left(starts, end)) for start, end in sentences(text)
    ]
    means = [tokens[a:b].mean(axis=0) for a, b in places if a < b]
    summed: Floats = np.array(means, np.float32).reshape(-1, tokens.shape[1])
    unit: Floats = summed / np.linalg.norm(summed, axis=1, keepdims=True)
    return unit
