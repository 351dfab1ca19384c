"""Dense retrieval: inner product over L2-normalised vectors.

FAISS compares all vectors. In a corpus of many passages they are first narrowed down by their
signs, one bit a component: first by how many differ from the question's, then by the products of
the question with the signs. The best are compared by their vectors, which have 16 bits a component.
The figures are in docs/decisions/0013-scale.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt

from rag.index.columns import MAGIC, Buffer, Kinds, joined, mapped_zeros, pack, unpack

Rows = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]
Signs = npt.NDArray[np.uint8]

# What FAISS writes before the numbers of a flat index: four characters that name its kind (these
# are those of `IndexFlatIP`), its dimensions, how many vectors it has, what does not depend on
# them, and how many numbers follow.
_KIND = b"IxFI"
_HEADER = struct.Struct("<4siq21sQ")
# From so many passages on a search goes by signs; below it takes little time without.
MANY = 50_000
# Of so many passages, those with the fewest signs that differ, the products are made; so many with
# the largest products are compared by their vectors.
ALIKE = 16_000
LIKELY = 2000
# A question's component in 8 bits.
LARGEST = 127
# A component in 16 bits is a whole number of steps. Half precision is no finer, and takes longer to
# convert.
STEPS = 1 << 15
# So many vectors are converted at a time: when they are stored, and when they are compared.
BLOCK = 1 << 14
FEW = 1024
KINDS: Kinds = {"levels": (np.int16, 2), "signs": (np.uint8, 2)}


@dataclass(frozen=True, slots=True, eq=False)
class VectorIndex:
    """The pooled vectors of all passages, rows L2-normalised, used where they lie.

    `stored` (n, dim) are float32 and in a FAISS index, `flat`. Many are int16, in `STEPS`, and then
    `signs` uint8 (n, dim / 8) has the bits of `signs_of`. `content` is what the file holds: the
    same vectors, the same bytes.
    """

    stored: npt.NDArray[np.float32 | np.int16]
    signs: Signs
    flat: faiss.IndexFlatIP | None
    content: Buffer

    def __len__(self) -> int:
        return len(self.stored)

    @property
    def bits(self) -> int:
        """The bits of a component: 32, or 16 of many vectors."""
        return 8 * self.stored.itemsize

    def nearest(
        self, query: Vector, k: int, within: npt.NDArray[np.bool_] | None = None
    ) -> tuple[Rows, Vector]:
        """The rows of the k nearest vectors to the query (dim,), best first, and their cosines.

        `within`, bool (n,), restricts the search. By signs some of the nearest may be missing, but
        not if the filter lets few through.
        """
        k = min(k, len(self) if within is None else int(within.sum()))
        if k == 0:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        if self.flat:
            return _searched(self.flat, query, k, within)
        rows = self._likely(query, max(k, LIKELY), within)
        # A few at a time: fresh memory for all of them takes longer than the products.
        parts = [self.cosines(query, rows[at : at + FEW]) for at in range(0, len(rows), FEW)]
        exact = np.concatenate(parts)
        best = np.argsort(-exact, kind="stable")[:k]
        return rows[best], exact[best]

    def vectors(self, rows: Rows | slice) -> Vectors:
        """The vectors of these rows, float32 (rows, dim)."""
        taken = self.stored[rows].astype(np.float32, copy=False)
        if not self.flat:
            taken *= np.float32(1 / STEPS)
        return taken

    def cosines(self, query: Vector, rows: Rows) -> Vector:
        """The cosine of the query (dim,) with each of the rows, float32 (len(rows),)."""
        return cosines(query, self.vectors(rows))

    def _likely(self, query: Vector, k: int, within: npt.NDArray[np.bool_] | None) -> Rows:
        """The k rows whose signs are nearest to the query, in order."""
        rows = None if within is None else np.flatnonzero(within)
        if rows is not None and len(rows) <= k:
            return rows
        if rows is None or len(rows) > max(k, ALIKE):
            rows = self._alike(query, max(k, ALIKE), rows)
        levels = np.rint(query * (LARGEST / np.abs(query).max()))[:, None].astype(np.int8)
        parts = [rows[at : at + FEW] for at in range(0, len(rows), FEW)]
        products = np.concatenate([_products(self.signs[part], levels) for part in parts])
        # Of equal products the first rows, on every processor.
        order = products.astype(np.int64) * len(rows) - np.arange(len(rows))
        return np.sort(rows[np.argpartition(order, -k)[-k:]])

    def _alike(self, query: Vector, k: int, rows: Rows | None) -> Rows:
        """The k of these rows, or of all, of which the fewest signs differ from the query's."""
        signs = self.signs if rows is None else self.signs[rows]
        faiss.omp_set_num_threads(1)
        _, found = faiss.knn_hamming(signs_of(query[None]), signs, k, variant="mc")
        nearest: Rows = np.sort(found[0]).astype(np.int64)
        return nearest if rows is None else rows[nearest]


def index_vectors(vectors: Vectors) -> VectorIndex:
    """An index of float32 (n, dim) rows, L2-normalised by the encoder."""
    count, dim = vectors.shape
    if pooled_bits(count) == 32:
        empty = faiss.serialize_index(faiss.IndexFlatIP(dim)).tobytes()
        kind, _, _, others, _ = _HEADER.unpack(empty)
        return from_bytes(joined([_HEADER.pack(kind, dim, count, others, vectors.size), vectors]))
    levels = mapped_zeros((count, dim), np.int16)
    signs = mapped_zeros((count, -(-dim // 8)), np.uint8)
    for at in range(0, count, BLOCK):
        levels[at : at + BLOCK] = _levels(vectors[at : at + BLOCK])
        signs[at : at + BLOCK] = signs_of(levels[at : at + BLOCK])
    return from_bytes(pack({"levels": levels, "signs": signs}))


def pooled_bits(passages: int) -> int:
    """How many bits a component of a pooled vector has in a corpus of so many passages."""
    return 16 if passages >= MANY else 32


def signs_of(vectors: npt.NDArray[np.float32 | np.int16]) -> Signs:
    """Whether each component is above 0, in bits, uint8 (n, dim / 8), rounded up."""
    return np.packbits(vectors > 0, axis=1)


def cosines(query: Vector, vectors: Vectors) -> Vector:
    """The cosine of the query (dim,) with each vector (n, dim), float32 (n,).

    FAISS computes it, so a search gives the same to the last bit. Unlike a product by BLAS it
    depends neither on the other vectors nor on the number of threads.
    """
    found = np.zeros(len(vectors), dtype=np.float32)
    rows = np.ascontiguousarray(vectors)
    # Of another length it would be read beyond its end.
    one = np.ascontiguousarray(query).reshape(rows.shape[1])
    pointers = (faiss.swig_ptr(each) for each in (found, one, rows))
    faiss.fvec_inner_products_ny(*pointers, *rows.shape[::-1])  # type: ignore[attr-defined]
    return found


def from_bytes(raw: Buffer) -> VectorIndex:
    """The index with this content. Raises ValueError for anything else.

    FAISS notices no damage to the numbers: check a checksum before.
    """
    if raw[: len(MAGIC)] == MAGIC:
        columns = unpack(raw, KINDS)
        return VectorIndex(columns["levels"], columns["signs"], None, raw)
    flat = _flat(raw)
    size = flat.ntotal * flat.d
    stored = np.frombuffer(raw, np.float32, size, _HEADER.size).reshape(flat.ntotal, flat.d)
    return VectorIndex(stored, np.zeros((0, 0), np.uint8), flat, raw)


def _flat(raw: Buffer) -> faiss.IndexFlatIP:
    """The FAISS index with this content, used where it lies. Raises ValueError."""
    if len(raw) < _HEADER.size:
        raise ValueError("not a FAISS index: it is too short")
    kind, _, _, _, numbers = _HEADER.unpack_from(raw)
    if kind != _KIND:
        raise ValueError(f"found a FAISS index of the kind {kind!r}, expected {_KIND!r}")
    if len(raw) != _HEADER.size + 4 * numbers:
        raise ValueError(f"the FAISS index is not as long as {numbers} numbers")
    content = np.frombuffer(raw, dtype=np.uint8)
    reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(content), len(raw))  # type: ignore[attr-defined]
    try:
        index = faiss.read_index(reader)
    except RuntimeError as error:
        raise ValueError(f"not a FAISS index: {error}") from error
    assert isinstance(index, faiss.IndexFlatIP)
    return index


def _searched(
    flat: faiss.IndexFlatIP, query: Vector, k: int, within: npt.NDArray[np.bool_] | None
) -> tuple[Rows, Vector]:
    """What FAISS finds. It fills up with row -1 if that is fewer than k: these are dropped, since
    row -1 would be the last passage."""
    params = faiss.SearchParameters()
    if within is not None:
        bits = np.packbits(within, bitorder="little")
        params.sel = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]
    # In each thread that asks: on several, FAISS waits longer for them than one takes.
    faiss.omp_set_num_threads(1)
    cosines, rows = flat.search(query.reshape(1, -1), k, params=params)
    found = rows[0] >= 0
    return rows[0][found], cosines[0][found]


def _levels(vectors: Vectors) -> npt.NDArray[np.int16]:
    """The vectors in whole numbers of steps."""
    rounded = np.rint(vectors * np.float32(STEPS))
    levels: npt.NDArray[np.int16] = np.clip(rounded, 1 - STEPS, STEPS - 1).astype(np.int16)
    return levels


def _products(signs: Signs, levels: npt.NDArray[np.int8]) -> npt.NDArray[np.int32]:
    """The product of a query's levels (dim, 1) with the signs of passages, int32 (n,)."""
    # Imported only here: it brings ONNX Runtime, and reading a snapshot back does not need it.
    from rag.encoders import integer_product

    return integer_product(np.unpackbits(signs, axis=1, count=len(levels)), levels)[:, 0]
