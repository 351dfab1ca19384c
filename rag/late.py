"""Late interaction: each query token meets its best counterpart among a passage's tokens.

The score is the mean over query tokens of the largest cosine with any of the passage's token
vectors (MaxSim, Khattab & Zaharia 2020, divided by the number of query tokens, so that it does
not grow with the question). Stored vectors have two bits a component, a query's eight; what is
summed are integers, so a score depends on no other passage.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rag.integers import product
from rag.tokens import BITS, KEPT, LEVELS, PER_BYTE, Packed, TokenStore, step, width

Matrix = npt.NDArray[np.float32]

LARGEST = 127


def similarities(query: Matrix, tokens: Packed) -> Matrix:
    """The cosine of each stored token (t, width) with each query token (q, dim): float32 (t, q).

    A query token of zeros has cosine 0 with all.
    """
    dim = query.shape[1]
    scale = np.abs(query).max(axis=1, initial=0) / np.float32(LARGEST)
    rounded = np.zeros((PER_BYTE * width(dim), len(query)), dtype=np.int8)
    rounded[:dim] = np.rint(query / np.maximum(scale, np.float32(1e-12))[:, None]).T
    levels = np.zeros((len(tokens), len(query)), dtype=np.int32)
    for at, part in enumerate(np.split(rounded, PER_BYTE)):
        levels += product((tokens >> (BITS * at)) & (LEVELS - 1), part)
    # Level l stands for l - 1.5 steps.
    halves = 2 * levels - (LEVELS - 1) * rounded.sum(axis=0, dtype=np.int32)
    result: Matrix = halves * (scale * np.float32(step(dim) / (2 * KEPT)))
    return result


def late_scores(query: Matrix, tokens: TokenStore, passages: Sequence[int]) -> Matrix:
    """The late-interaction score of each passage, float32 (len(passages),).

    `query` float32 (q, dim), rows L2-normalised. A query or a passage without tokens scores 0.
    """
    scores = np.zeros(len(passages), dtype=np.float32)
    filled = [at for at, row in enumerate(passages) if tokens.starts[row] < tokens.starts[row + 1]]
    if len(query) == 0 or not filled:
        return scores
    blocks = [tokens.rows(passages[at]) for at in filled]
    starts = np.cumsum([0, *(len(block) for block in blocks[:-1])])
    best = np.maximum.reduceat(similarities(query, np.concatenate(blocks)), starts, axis=0)
    scores[filled] = best.mean(axis=1)
    return scores
