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

from rag.index.token_vectors import (
    BITS,
    KEPT,
    LEVELS,
    PER_BYTE,
    Packed,
    TokenStore,
    step,
    width,
)

Matrix = npt.NDArray[np.float32]

LARGEST = 127


def best_similarities(query: Matrix, tokens: Packed, starts: npt.NDArray[np.int64]) -> Matrix:
    """Each query token's largest cosine with a stored token of each part: float32 (parts, q).

    `query` float32 (q, dim), `tokens` uint8 (t, width). Part i goes from starts[i] up to
    starts[i + 1], the last one to the end; if starts[i + 1] is not above starts[i], it is the one
    token at starts[i]. A query token of zeros has cosine 0 with all.
    """
    dim = query.shape[1]
    scale = np.abs(query).max(axis=1, initial=0) / np.float32(LARGEST)
    rounded = np.zeros((PER_BYTE * width(dim), len(query)), dtype=np.int8)
    rounded[:dim] = np.rint(query / np.maximum(scale, np.float32(1e-12))[:, None]).T
    best = np.maximum.reduceat(_levels(rounded, tokens), starts, axis=0)
    # Level l stands for l - 1.5 steps.
    halves = 2 * best - (LEVELS - 1) * rounded.sum(axis=0, dtype=np.int32)
    cosines: Matrix = halves * (scale * np.float32(step(dim) / (2 * KEPT)))
    return cosines


def late_scores(query: Matrix, tokens: TokenStore, passages: Sequence[int]) -> Matrix:
    """The late-interaction score of each passage, float32 (len(passages),).

    `query` float32 (q, dim), rows L2-normalised. A query or a passage without tokens scores 0.
    """
    scores = np.zeros(len(passages), dtype=np.float32)
    first, last = (tokens.starts[np.array(passages, dtype=np.int64) + at] for at in (0, 1))
    filled = np.flatnonzero(last > first)
    if len(query) == 0 or len(filled) == 0:
        return scores
    first, last = first[filled], last[filled]
    block = tokens.copied(zip(first.tolist(), last.tolist(), strict=True))
    starts = np.cumsum(last - first) - (last - first)
    scores[filled] = best_similarities(query, block, starts).mean(axis=1)
    return scores


def _levels(rounded: npt.NDArray[np.int8], tokens: Packed) -> npt.NDArray[np.int32]:
    """The products of the stored tokens' levels with the query's tokens, int32 (t, q)."""
    # Imported only here: it brings ONNX Runtime, and reading a snapshot back does not need it.
    from rag.encoders import integer_product

    # In place: fresh memory for every step takes longer than the products.
    plane = np.right_shift(tokens, BITS * (PER_BYTE - 1))
    *inner, last = np.split(rounded, PER_BYTE)
    levels = integer_product(plane, last)
    for at, part in enumerate(inner):
        # Not shifted: dividing the products, which are fewer than the components, takes less time.
        np.bitwise_and(tokens, (LEVELS - 1) << BITS * at, out=plane)
        products = integer_product(plane, part)
        levels += np.right_shift(products, BITS * at, out=products)
    return levels
