"""The token vectors of all passages, two bits a dimension.

A token vector is L2-normalised and, after the head or a rotation, its components are much alike:
near normal, with standard deviation 1/sqrt(dim). So each is stored as one of four levels that are
`SPACING` standard deviations apart: 96 bytes for 384 dimensions. Four such levels keep the share
`KEPT` of a normal variable; cosines are divided by it, so that a vector's cosine with its own
stored form is about 1 (Max 1960, "Quantizing for Minimum Distortion", table II).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.index.columns import mapped_zeros, starts_of

BITS = 2
PER_BYTE = 8 // BITS
LEVELS = 2**BITS
SPACING = 0.9957
KEPT = 1 - 0.1188

Packed = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class TokenStore:
    """The stored token vectors of all passages, one after another.

    `vectors` uint8 (n_tokens, `width(dim)`); `starts` int64 (n_passages + 1,): passage i has rows
    starts[i] to starts[i + 1].
    """

    vectors: Packed
    starts: npt.NDArray[np.int64]

    def rows(self, passage: int) -> Packed:
        """The stored token vectors of one passage, uint8 (t, width)."""
        return self.vectors[self.starts[passage] : self.starts[passage + 1]]

    def joined(self, spans: Iterable[tuple[int, int]]) -> Packed:
        """These spans of rows, at least one, one after another: uint8 (t, width).

        Spans that follow each other in the store are not copied.
        """
        (start, end), *rest = spans
        parts = []
        for first, last in rest:
            if first != end:
                parts.append(self.vectors[start:end])
                start = first
            end = last
        parts.append(self.vectors[start:end])
        return np.concatenate(parts) if len(parts) > 1 else parts[0]


def width(dim: int) -> int:
    """The bytes of a stored token vector."""
    return -(-dim // PER_BYTE)


def step(dim: int) -> float:
    """How far apart the levels of one component are."""
    return float(SPACING / np.sqrt(dim))


def quantise(tokens: npt.NDArray[np.float32]) -> Packed:
    """Token vectors (t, dim) as stored, uint8 (t, width).

    Level l of 0 to 3 stands for (l - 1.5) steps. Byte j of a row holds the levels of the
    components j, j + width, j + 2 width and j + 3 width, the first in its lowest bits.
    """
    count, dim = tokens.shape
    levels = np.clip(np.floor(tokens / np.float32(step(dim))) + LEVELS // 2, 0, LEVELS - 1)
    planes = np.zeros((count, PER_BYTE * width(dim)), dtype=np.uint8)
    planes[:, :dim] = levels
    packed: Packed = np.zeros((count, width(dim)), dtype=np.uint8)
    for at, plane in enumerate(np.split(planes, PER_BYTE, axis=1)):
        packed |= plane << (BITS * at)
    return packed


def store(passages: Iterable[Packed], dim: int) -> TokenStore:
    """A store of the passages' quantised token vectors, in their order."""
    matrices = list(passages)
    made = zero_store([len(matrix) for matrix in matrices], dim)
    for passage, matrix in enumerate(matrices):
        made.rows(passage)[:] = matrix
    return made


def zero_store(counts: Iterable[int], dim: int) -> TokenStore:
    """A store for passages of so many tokens each, still zero, to be filled in."""
    starts = starts_of(counts)
    return TokenStore(mapped_zeros((int(starts[-1]), width(dim)), np.uint8), starts)
