"""Dense retrieval: exact inner product over L2-normalised vectors, through FAISS."""

from __future__ import annotations

import faiss
import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float32]


def index_vectors(vectors: npt.NDArray[np.float32]) -> faiss.IndexFlatIP:
    """A flat inner-product index of float32 (n, dim) rows, L2-normalised by the encoder."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    return index


def nearest(index: faiss.IndexFlatIP, query: Vector, k: int, within: Rows | None = None) -> Rows:
    """The rows of the k nearest vectors to the query (dim,), best first; fewer where fewer are.

    `within` restricts the search to those rows. FAISS pads with -1 where it finds fewer than k;
    those are dropped, since row -1 would be the last passage.
    """
    k = min(k, index.ntotal if within is None else len(within))
    if k == 0:
        return np.zeros(0, dtype=np.int64)
    params = faiss.SearchParameters()
    if within is not None:
        params.sel = faiss.IDSelectorBatch(within)
    _, rows = index.search(query.reshape(1, -1), k, params=params)
    found: Rows = rows[0][rows[0] >= 0]
    return found


def cosines(index: faiss.IndexFlatIP, query: Vector, rows: Rows) -> Vector:
    """The cosine of the query (dim,) with each of the rows, float32 (len(rows),)."""
    if len(rows) == 0:
        return np.zeros(0, dtype=np.float32)
    scores: Vector = index.reconstruct_batch(rows) @ query
    return scores


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
    try:
        index = faiss.deserialize_index(np.frombuffer(raw, dtype=np.uint8))
    except (RuntimeError, MemoryError) as error:
        raise ValueError(f"not a FAISS index: {error}") from error
    if not isinstance(index, faiss.IndexFlatIP):
        raise ValueError(f"found a FAISS {type(index).__name__}, expected IndexFlatIP")
    return index
