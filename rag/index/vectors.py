"""Dense retrieval: inner product over L2-normalised vectors, through FAISS.

All vectors are compared. In a corpus of many passages they are first narrowed down by `Cells`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt

from rag.index.cells import Cells, cells_from, cells_of
from rag.index.columns import Buffer, joined

Rows = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]

# What FAISS writes before the numbers of a flat index: four characters that name its kind (these
# are those of `IndexFlatIP`), its dimensions, how many vectors it has, what does not depend on
# them, and how many numbers follow.
_KIND = b"IxFI"
_HEADER = struct.Struct("<4siq21sQ")
# So many times as many passages as wanted are taken by their codes and compared exactly.
SPARE = 3
# A filter that lets fewer passages through than one in so many is searched without cells.
FILTERED = 10


@dataclass(frozen=True, slots=True, eq=False)
class VectorIndex:
    """The pooled vectors of all passages, float32 (n, dim), rows L2-normalised.

    `content` are the vectors as FAISS writes them, and the cells: the same vectors, the same bytes.
    `flat` uses them where they lie.
    """

    flat: faiss.IndexFlatIP
    cells: Cells
    content: Buffer

    def __len__(self) -> int:
        return self.flat.ntotal

    def nearest(
        self, query: Vector, k: int, within: npt.NDArray[np.bool_] | None = None
    ) -> tuple[Rows, Vector]:
        """The rows of the k nearest vectors to the query (dim,), best first, and their cosines.

        `within`, bool (n,), restricts the search. With cells some of the nearest may be missing,
        but not if the filter lets few through. FAISS fills up with row -1 if it finds fewer than
        k; these are dropped, since row -1 would be the last passage.
        """
        count = len(self) if within is None else int(within.sum())
        k = min(k, count)
        if k == 0:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        if len(self.cells) and count * FILTERED >= len(self):
            near = np.sort(self.cells.near(query, SPARE * k, within)).astype(np.int64)
            if len(near) >= k:
                exact = self.cosines(query, near)
                best = np.lexsort((near, -exact))[:k]
                return near[best], exact[best]
        params = faiss.SearchParameters()
        if within is not None:
            bits = np.packbits(within, bitorder="little")
            params.sel = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]
        # In each thread that asks: on several, FAISS waits longer for them than one takes.
        faiss.omp_set_num_threads(1)
        cosines, rows = self.flat.search(query.reshape(1, -1), k, params=params)
        found = rows[0] >= 0
        return rows[0][found], cosines[0][found]

    def cosines(self, query: Vector, rows: Rows) -> Vector:
        """The cosine of the query (dim,) with each of the rows, float32 (len(rows),)."""
        return cosines(query, self.flat.reconstruct_batch(rows))

    def view(self) -> Vectors:
        """All vectors where they lie, float32 (n, dim), read-only."""
        size = len(self) * self.flat.d
        stored = np.frombuffer(self.content, np.float32, size, _HEADER.size)
        return stored.reshape(len(self), self.flat.d)


def index_vectors(vectors: Vectors) -> VectorIndex:
    """An index of float32 (n, dim) rows, L2-normalised by the encoder."""
    empty = faiss.serialize_index(faiss.IndexFlatIP(vectors.shape[1])).tobytes()
    kind, dim, _, others, _ = _HEADER.unpack(empty)
    header = _HEADER.pack(kind, dim, len(vectors), others, vectors.size)
    return from_bytes(joined([header, vectors, *cells_of(vectors).arrays]))


def cosines(query: Vector, vectors: Vectors) -> Vector:
    """The cosine of the query (dim,) with each vector (n, dim), float32 (n,).

    FAISS computes it, so a search gives the same to the last bit. Unlike a product by BLAS it
    depends neither on the other vectors nor on the number of threads.
    """
    found = np.zeros(len(vectors), dtype=np.float32)
    if len(vectors):
        faiss.omp_set_num_threads(1)
        scores, rows = faiss.knn(
            query.reshape(1, -1), vectors, len(vectors), metric=faiss.METRIC_INNER_PRODUCT
        )
        found[rows[0]] = scores[0]
    return found


def from_bytes(raw: Buffer) -> VectorIndex:
    """The index with this content. Raises ValueError for anything else.

    FAISS notices no damage to the numbers: check a checksum before.
    """
    if len(raw) < _HEADER.size:
        raise ValueError("not a FAISS index: it is too short")
    kind, _, _, _, numbers = _HEADER.unpack_from(raw)
    if kind != _KIND:
        raise ValueError(f"found a FAISS index of the kind {kind!r}, expected {_KIND!r}")
    end = _HEADER.size + 4 * numbers
    if end > len(raw):
        raise ValueError(f"the FAISS index is not as long as {numbers} numbers")
    content = np.frombuffer(raw, dtype=np.uint8, count=end)
    reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(content), end)  # type: ignore[attr-defined]
    try:
        index = faiss.read_index(reader)
    except RuntimeError as error:
        raise ValueError(f"not a FAISS index: {error}") from error
    assert isinstance(index, faiss.IndexFlatIP)
    return VectorIndex(index, cells_from(raw[end:], index.ntotal, index.d), raw)
