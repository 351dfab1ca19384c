"""Dense retrieval: exact inner product over L2-normalised vectors, through FAISS."""

from __future__ import annotations

import struct

import faiss
import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float32]

# What FAISS writes before the numbers of a flat index: four characters that name its kind (these
# are those of `IndexFlatIP`), dimensions and counts, and last how many numbers follow.
_KIND = b"IxFI"
_HEADER = struct.Struct("<4s33xQ")


def index_vectors(vectors: npt.NDArray[np.float32]) -> faiss.IndexFlatIP:
    """A flat inner-product index of float32 (n, dim) rows, L2-normalised by the encoder."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    return index


def nearest(
    index: faiss.IndexFlatIP, query: Vector, k: int, within: npt.NDArray[np.bool_] | None = None
) -> tuple[Rows, Vector]:
    """The rows of the k nearest vectors to the query (dim,), best first, and their cosines.

    `within`, bool (n,), restricts the search. FAISS fills up with row -1 if it finds fewer than k;
    these are dropped, since row -1 would be the last passage.
    """
    params = faiss.SearchParameters()
    if within is not None:
        bits = np.packbits(within, bitorder="little")
        params.sel = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]
        k = min(k, int(within.sum()))
    k = min(k, index.ntotal)
    if k == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    cosines, rows = index.search(query.reshape(1, -1), k, params=params)
    found = rows[0] >= 0
    return rows[0][found], cosines[0][found]


def cosines_of(index: faiss.IndexFlatIP, query: Vector, rows: Rows) -> Vector:
    """The cosine of the query (dim,) with each of the rows, float32 (len(rows),)."""
    return cosines(query, index.reconstruct_batch(rows))


def cosines(query: Vector, vectors: npt.NDArray[np.float32]) -> Vector:
    """The cosine of the query (dim,) with each vector (n, dim), float32 (n,).

    FAISS computes it, so a search gives the same to the last bit. Unlike a product by BLAS it
    depends neither on the other vectors nor on the number of threads.
    """
    found = np.zeros(len(vectors), dtype=np.float32)
    if len(vectors):
        scores, rows = faiss.knn(
            query.reshape(1, -1), vectors, len(vectors), metric=faiss.METRIC_INNER_PRODUCT
        )
        found[rows[0]] = scores[0]
    return found


def vectors(index: faiss.IndexFlatIP) -> npt.NDArray[np.float32]:
    """All stored vectors, float32 (n, dim)."""
    stored: npt.NDArray[np.float32] = index.reconstruct_n(0, index.ntotal)
    return stored


def view(index: faiss.IndexFlatIP) -> npt.NDArray[np.float32]:
    """All stored vectors without a copy, float32 (n, dim); not to be changed, and not to be used
    when the index is gone."""
    stored: npt.NDArray[np.float32] = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d)
    return stored.reshape(index.ntotal, index.d)


def to_bytes(index: faiss.IndexFlatIP) -> bytes:
    """The index as FAISS writes it; the same vectors give the same bytes."""
    raw: bytes = faiss.serialize_index(index).tobytes()
    return raw


def from_bytes(raw: bytes) -> faiss.IndexFlatIP:
    """The index that `to_bytes` wrote. Raises ValueError for anything else.

    FAISS notices no damage to the numbers: check a checksum before.
    """
    if len(raw) < _HEADER.size:
        raise ValueError("not a FAISS index: it is too short")
    kind, numbers = _HEADER.unpack_from(raw)
    if kind != _KIND:
        raise ValueError(f"found a FAISS index of the kind {kind!r}, expected {_KIND!r}")
    # FAISS takes memory for as many numbers as the header names, before it reads them.
    if _HEADER.size + 4 * numbers != len(raw):
        raise ValueError(f"the FAISS index is not as long as {numbers} numbers")
    try:
        index = faiss.deserialize_index(np.frombuffer(raw, dtype=np.uint8))
    except RuntimeError as error:
        raise ValueError(f"not a FAISS index: {error}") from error
    assert isinstance(index, faiss.IndexFlatIP)
    return index
