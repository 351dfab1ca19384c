"""Late interaction: each query token meets its best counterpart among a passage's tokens.

The score is the mean over query tokens of the largest cosine with any of the passage's token
vectors (MaxSim, Khattab & Zaharia 2020, divided by the number of query tokens, so that it does
not grow with the question).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]

# A token vector is L2-normalised, so its components are small: int8 holds v * 256, clipped to
# +-127, that is a range of +-.496 in steps of 1/256.
SCALE = 256.0


@dataclass(frozen=True, slots=True)
class TokenStore:
    """The token vectors of all passages, one after another.

    `vectors` int8 (n_tokens, dim), memory-mapped when loaded; `starts` int64 (n_passages + 1,):
    passage i has rows starts[i] to starts[i + 1].
    """

    vectors: npt.NDArray[np.int8]
    starts: npt.NDArray[np.int64]

    def rows(self, passage: int) -> npt.NDArray[np.int8]:
        """The token vectors of one passage, int8 (t, dim)."""
        return self.vectors[self.starts[passage] : self.starts[passage + 1]]


def quantise(tokens: Matrix) -> npt.NDArray[np.int8]:
    """Token vectors as stored: int8, `SCALE` times the float, rounded half to even, clipped."""
    steps: npt.NDArray[np.int8] = np.clip(np.rint(tokens * SCALE), -127, 127).astype(np.int8)
    return steps


def store(passages: Iterable[npt.NDArray[np.int8]], dim: int) -> TokenStore:
    """A store of the passages' quantised token vectors, in their order."""
    matrices = [np.zeros((0, dim), dtype=np.int8), *passages]
    starts = np.cumsum([len(matrix) for matrix in matrices], dtype=np.int64)
    return TokenStore(np.concatenate(matrices), starts)


def similarities(query: Matrix, tokens: npt.NDArray[np.int8]) -> Matrix:
    """The cosine of each query token (q, dim) with each stored token (t, dim): float32 (q, t)."""
    result: Matrix = query @ (tokens.astype(np.float32).T / np.float32(SCALE))
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
    best = np.maximum.reduceat(similarities(query, np.concatenate(blocks)), starts, axis=1)
    scores[filled] = best.mean(axis=0)
    return scores
