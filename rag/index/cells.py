"""Cells: a corpus of many passages is searched by parts.

The pooled vectors are grouped into cells by k-means. A search looks into the cells whose centres
are nearest to the question (an inverted file: Jégou et al. 2011, "Product Quantization for Nearest
Neighbor Search"). There it compares codes of seven bits a component. The caller compares the best
of them by their exact vectors. The figures are in docs/decisions/0013-scale.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.index.columns import Buffer, mapped_zeros

Rows = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint8]

# With fewer passages a search of all vectors is as fast.
LEAST = 50_000
# How many vectors a cell is learned from, and how often its centre is moved.
SAMPLE = 64
MOVES = 8
# A search looks into so many cells, times the eighth root of the number of passages: 192 of 316 for
# 100,000 passages, 256 of 1,000 for a million.
PROBED = 45.6
# A product of codes up to 127 is exact on every processor; they stand for -64 to 63.
LARGEST = 127
MIDDLE = 64
# Vectors compared with all centres at once.
BLOCK = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The passages of each cell, one cell after another.

    `centres` float32 (n_cells, dim), L2-normalised; `starts` int64 (n_cells + 1,): cell c holds
    the passages `rows[starts[c]:starts[c + 1]]`, rows int32 (n,), with `codes` uint8 (n, dim).
    Without cells, all passages are compared.
    """

    centres: Vectors
    starts: Rows
    rows: npt.NDArray[np.int32]
    codes: Codes

    def __len__(self) -> int:
        return len(self.centres)

    def are_whole(self) -> bool:
        """Whether each passage is in one cell."""
        starts, count = self.starts, len(self.rows)
        rises = starts[0] == 0 and starts[-1] == count and (np.diff(starts) >= 0).all()
        return bool(rises and np.array_equal(np.sort(self.rows), np.arange(count)))

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """The arrays in the order of their file; none without cells."""
        return (self.centres, self.starts, self.rows, self.codes) if len(self) else ()

    @property
    def probed(self) -> int:
        """How many cells a search looks into."""
        return min(len(self), round(PROBED * math.pow(len(self.rows), 1 / 8)))

    def near(
        self, query: Vectors, k: int, within: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.int32]:
        """The rows of the k passages nearest to the query (dim,) by their codes, in any order."""
        probed = np.argpartition(_products(self.centres, query[:, None])[:, 0], -self.probed)
        levels = np.rint(query * (LARGEST / np.abs(query).max()))[:, None].astype(np.int8)
        spans = [slice(*self.starts[cell : cell + 2]) for cell in probed[-self.probed :]]
        rows = np.concatenate([self.rows[span] for span in spans])
        scores = np.concatenate([_levels(self.codes[span], levels) for span in spans])
        if within is not None:
            kept = within[rows]
            rows, scores = rows[kept], scores[kept]
        return rows if len(rows) <= k else rows[np.argpartition(scores, -k)[-k:]]


def cells_of(vectors: Vectors) -> Cells:
    """The cells of all passages, from their vectors (n, dim); the same vectors, the same cells."""
    count, dim = vectors.shape
    if count < LEAST:
        return cells_from(b"", count, dim)
    centres = _centres(vectors, _cells(count))
    nearest = _nearest(vectors, centres)
    rows = np.argsort(nearest, kind="stable").astype(np.int32)
    starts = np.searchsorted(nearest[rows], np.arange(len(centres) + 1)).astype(np.int64)
    scale = np.float32((MIDDLE - 1) / np.abs(vectors).max())
    codes = mapped_zeros(vectors.shape, np.uint8)
    for at in range(0, count, BLOCK):
        codes[at : at + BLOCK] = np.rint(vectors[rows[at : at + BLOCK]] * scale) + MIDDLE
    return Cells(centres, starts, rows, codes)


def cells_from(raw: Buffer, count: int, dim: int) -> Cells:
    """The cells of so many passages with these `arrays`. Raises ValueError for anything else."""
    if not raw:
        none = np.zeros((0, dim))
        return Cells(none.astype("f4"), np.zeros(1, "i8"), np.zeros(0, "i4"), none.astype("u1"))
    cells, at, arrays = _cells(count), 0, []
    shapes = (("f4", (cells, dim)), ("i8", (cells + 1,)), ("i4", (count,)), ("u1", (count, dim)))
    for kind, shape in shapes:
        size = math.prod(shape)
        if at + np.dtype(kind).itemsize * size > len(raw):
            break
        array = np.frombuffer(raw, kind, size, at).reshape(shape)
        # Numbers of several bytes must lie where their size says.
        arrays.append(array if kind == "u1" else array.copy())
        at += array.nbytes
    if len(arrays) == len(shapes) and at == len(raw):
        found = Cells(*arrays)
        if found.are_whole():
            return found
    raise ValueError(f"the cells are not those of {count} passages")


def _cells(count: int) -> int:
    """How many cells so many passages have."""
    return math.isqrt(count)


def _centres(vectors: Vectors, count: int) -> Vectors:
    """The centres of so many cells, by spherical k-means on vectors at even distances."""
    drawn = np.linspace(0, len(vectors) - 1, min(len(vectors), count * SAMPLE)).astype(np.int64)
    sample = vectors[drawn]
    centres = sample[np.linspace(0, len(sample) - 1, count).astype(np.int64)]
    for _ in range(MOVES):
        nearest = _nearest(sample, centres)
        order = np.argsort(nearest, kind="stable")
        held, starts = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(sample[order], starts, axis=0)
        # A cell that holds nothing keeps its centre.
        centres[held] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return centres


def _nearest(vectors: Vectors, centres: Vectors) -> Rows:
    """The centre nearest to each vector."""
    turned = np.ascontiguousarray(centres.T)
    blocks = [vectors[at : at + BLOCK] for at in range(0, len(vectors), BLOCK)]
    return np.concatenate([_products(block, turned).argmax(axis=1) for block in blocks])


def _products(left: Vectors, right: Vectors) -> Vectors:
    # Imported only here: it brings ONNX Runtime, and reading a snapshot back does not need it.
    from rag.encoders import product

    return product(left, right)


def _levels(codes: Codes, levels: npt.NDArray[np.int8]) -> npt.NDArray[np.int32]:
    from rag.encoders import integer_product

    return integer_product(codes, levels)[:, 0]
