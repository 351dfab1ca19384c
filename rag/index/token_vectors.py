"""The token vectors of all passages, two bits a component; one in a corpus of many passages.

A token vector is L2-normalised and, after the head or a rotation, its components are much alike:
near normal, with standard deviation 1/sqrt(dim). In two bits each is stored as one of four levels
that are .9957 standard deviations apart: 96 bytes for 384 dimensions. In one bit it is its sign.
Such levels keep a share of a normal variable (`KEPT`); cosines are divided by it, so that a
vector's cosine with its own stored form is about 1 (Max 1960, "Quantizing for Minimum Distortion",
table II). A passage is always encoded in two bits: the first of them is the one bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from rag.index.columns import mapped_zeros, starts_of
from rag.index.vectors import MANY

BITS = 2
PER_BYTE = 8 // BITS
LEVELS = 2**BITS
# How far apart the levels are, in standard deviations, by the number of bits.
SPACING: Mapping[int, float] = MappingProxyType({1: 2 * math.sqrt(2 / math.pi), 2: 0.9957})
KEPT: Mapping[int, float] = MappingProxyType({1: 2 / math.pi, 2: 1 - 0.1188})

Packed = npt.NDArray[np.uint8]


class Scratch:
    """Memory for intermediate results, one piece for each thread that needs one at a time.

    A fresh piece of this size has pages that the system zeroes first, which takes longer than what
    is done with them.
    """

    def __init__(self) -> None:
        self._free: list[Packed] = []

    @contextmanager
    def rows(self, count: int, width: int) -> Iterator[Packed]:
        """So many rows of bytes, uint8 (count, width), with any content."""
        try:
            piece = self._free.pop()
        except IndexError:
            piece = np.empty(0, dtype=np.uint8)
        if len(piece) < count * width:
            piece = np.empty(count * width, dtype=np.uint8)
        yield piece[: count * width].reshape(count, width)
        self._free.append(piece)


@dataclass(frozen=True, slots=True)
class TokenStore:
    """The stored token vectors of all passages, one after another.

    `vectors` uint8 (n_tokens, `width(dim, bits)`); `starts` int64 (n_passages + 1,): passage i has
    rows starts[i] to starts[i + 1]. A component has so many `bits`.
    """

    vectors: Packed
    starts: npt.NDArray[np.int64]
    bits: int = BITS
    scratch: Scratch = field(default_factory=Scratch, compare=False, repr=False)

    def rows(self, passage: int) -> Packed:
        """The stored token vectors of one passage, uint8 (t, width)."""
        return self.vectors[self.starts[passage] : self.starts[passage + 1]]

    def put(self, passage: int, rows: Packed, bits: int = BITS) -> None:
        """Stores the token vectors of a passage, which are given in as many bits or in two."""
        self.rows(passage)[:] = rows if bits == self.bits else halved(rows)

    def join(self, spans: Iterable[tuple[int, int]], to: Packed) -> None:
        """Copies these spans of rows, at least one, one after another to uint8 (t, width)."""
        (start, end), *rest = spans
        parts = []
        for first, last in rest:
            # What follows the span before is one piece with it.
            if first != end:
                parts.append(self.vectors[start:end])
                start = first
            end = last
        np.concatenate([*parts, self.vectors[start:end]], out=to)


def bits_of(passages: int) -> int:
    """How many bits a component has in a corpus of so many passages."""
    return 1 if passages >= MANY else BITS


def width(dim: int, bits: int = BITS) -> int:
    """The bytes of a stored token vector."""
    whole = -(-dim // PER_BYTE)
    return whole if bits == BITS else -(-whole // 2)


def step(dim: int, bits: int = BITS) -> float:
    """How far apart the levels of one component are."""
    return float(SPACING[bits] / np.sqrt(dim))


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


def halved(packed: Packed) -> Packed:
    """Token vectors in two bits (t, width) in one: (t, half of the width, rounded up).

    The components of byte j stay in byte j, or move to byte j - half, each to the bit beside.
    """
    count, whole = packed.shape
    half = -(-whole // 2)
    second = np.zeros((count, half), dtype=np.uint8)
    second[:, : whole - half] = packed[:, half:]
    return (packed[:, :half] >> 1 & 0b01010101 | second & 0b10101010).astype(np.uint8)


def planes(components: npt.NDArray[np.int8], bits: int) -> list[npt.NDArray[np.int8]]:
    """Components (dim, q) in the order in which stored ones lie: one part (width, q) a place in a
    byte, filled up with zeros."""
    dim, count = components.shape
    whole, own = width(dim), width(dim, bits)
    filled = np.zeros((PER_BYTE * whole, count), dtype=np.int8)
    filled[:dim] = components
    parts = np.zeros((PER_BYTE, own * BITS // bits, count), dtype=np.int8)
    parts[:, :whole] = filled.reshape(PER_BYTE, whole, count)
    return list(parts.reshape(8 // bits, own, count))


def store(passages: Iterable[Packed], dim: int, bits: int = BITS) -> TokenStore:
    """A store of the passages' quantised token vectors, in their order."""
    matrices = list(passages)
    made = zero_store([len(matrix) for matrix in matrices], dim, bits)
    for passage, matrix in enumerate(matrices):
        made.put(passage, matrix, bits)
    return made


def zero_store(counts: Iterable[int], dim: int, bits: int = BITS) -> TokenStore:
    """A store for passages of so many tokens each, still zero, to be filled in."""
    starts = starts_of(counts)
    vectors = mapped_zeros((int(starts[-1]), width(dim, bits)), np.uint8)
    return TokenStore(vectors, starts, bits)
