"""Late interaction: each query token meets its best counterpart among a passage's tokens.

The score is the mean over query tokens of the largest cosine with any of the passage's token
vectors (MaxSim, Khattab & Zaharia 2020, divided by the number of query tokens, so that it does
not grow with the question). Stored vectors have one or two bits a component, a query's eight. What
is summed are integers, so a score depends on no other passage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.index.token_vectors import BITS, KEPT, Packed, TokenStore, planes, step

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Products = npt.NDArray[np.int32]

LARGEST = 127
# About so many tokens are met at once: that bounds the memory which stays for them.
BLOCK = 8192


@dataclass(frozen=True, slots=True, eq=False)
class _Rounded:
    """A question's tokens in eight bits a component.

    `levels` int8 (width, q), one array a place in a stored byte; with the `middle` int32 (q,) and
    the `scale` float32 (q,) of each token, sums of products become cosines. A token of zeros has
    cosine 0 with all.
    """

    levels: Sequence[npt.NDArray[np.int8]]
    middle: Products
    scale: Matrix


class LateInteraction:
    """A question's tokens beside those of passages. The products of a passage are made once.

    `query` is float32 (q, dim), rows L2-normalised.
    """

    def __init__(self, query: Matrix, tokens: TokenStore) -> None:
        self.query, self.tokens = query, tokens
        self._rounded = _rounded(query, tokens.bits)
        self._scores: dict[int, float] = {}
        # The products of several passages, and where those of this one start and end.
        self._products: dict[int, tuple[Products, int, int]] = {}

    def scores(self, passages: Sequence[int]) -> Matrix:
        """The late-interaction score of each passage, float32 (len(passages),).

        A passage without tokens scores 0, and so does each if the question has none.
        """
        self.meet(passages)
        return np.array([self._scores[passage] for passage in passages], dtype=np.float32)

    def best(self, parts: Sequence[tuple[int, Rows, int]]) -> Matrix:
        """Each query token's largest cosine in each part of some passages, float32 (parts, q).

        Given are passages, where their parts start, int64 (n,), and up to which token they go. Part
        i goes from starts[i] up to starts[i + 1], the last one to the end; if starts[i + 1] is not
        above starts[i], it is the one token at starts[i].
        """
        self.meet([passage for passage, _, _ in parts])
        found = []
        for passage, starts, end in parts:
            products, first, _ = self._products[passage]
            found.append(np.maximum.reduceat(products[first : first + end], starts, axis=0))
        return _cosines(self._rounded, np.concatenate(found))

    def meet(self, passages: Sequence[int]) -> None:
        """Makes the products of those passages that have none yet, many at once."""
        new = [passage for passage in dict.fromkeys(passages) if passage not in self._scores]
        self._scores.update(dict.fromkeys(new, 0.0))
        rows = np.array(new, dtype=np.int64)
        rows = rows[self.tokens.starts[rows + 1] > self.tokens.starts[rows]]
        if len(self.query) and len(rows):
            before = np.cumsum(self.tokens.starts[rows + 1] - self.tokens.starts[rows]) // BLOCK
            for block in np.split(rows, np.flatnonzero(np.diff(before)) + 1):
                self._meet(block)

    def _meet(self, rows: Rows) -> None:
        """Makes the products of passages with tokens, at least one, all at once."""
        first, last = self.tokens.starts[rows], self.tokens.starts[rows + 1]
        ends = np.cumsum(last - first)
        starts, count = ends - (last - first), int(ends[-1])
        with self.tokens.scratch.rows(2 * count, self.tokens.vectors.shape[1]) as room:
            tokens, plane = room[:count], room[count:]
            self.tokens.join(zip(first.tolist(), last.tolist(), strict=True), tokens)
            products = _products(self._rounded.levels, tokens, plane)
        best = np.maximum.reduceat(products, starts, axis=0)
        scores = _cosines(self._rounded, best).mean(axis=1).astype(np.float32)
        places = zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)
        self._products.update({row: (products, start, end) for row, start, end in places})
        self._scores.update(zip(rows.tolist(), scores.tolist(), strict=True))


def best_similarities(query: Matrix, tokens: Packed, starts: Rows) -> Matrix:
    """Each query token's largest cosine with a stored token of each part: float32 (parts, q).

    `query` float32 (q, dim), `tokens` uint8 (t, width), in two bits; the parts are those of
    `LateInteraction.best`.
    """
    rounded = _rounded(query, BITS)
    products = _products(rounded.levels, tokens, np.empty_like(tokens))
    return _cosines(rounded, np.maximum.reduceat(products, starts, axis=0))


def _rounded(query: Matrix, bits: int) -> _Rounded:
    scale = np.abs(query).max(axis=1, initial=0) / np.float32(LARGEST)
    levels = np.rint(query / np.maximum(scale, np.float32(1e-12))[:, None]).T.astype(np.int8)
    return _Rounded(
        planes(levels, bits),
        (2**bits - 1) * levels.sum(axis=0, dtype=np.int32),
        scale * np.float32(step(query.shape[1], bits) / (2 * KEPT[bits])),
    )


def _cosines(rounded: _Rounded, products: Products) -> Matrix:
    # Level l stands for l - 1.5 steps in two bits, for l - .5 in one.
    cosines: Matrix = (2 * products - rounded.middle) * rounded.scale
    return cosines


def _products(rounded: Sequence[npt.NDArray[np.int8]], tokens: Packed, plane: Packed) -> Products:
    """The products of the stored tokens' levels with the query's tokens, int32 (t, q).

    `plane` is memory like `tokens`, with any content.
    """
    # Imported only here: it brings ONNX Runtime, and reading a snapshot back does not need it.
    from rag.encoders import integer_product

    # In place: fresh memory for every step takes longer than the products.
    *inner, last = rounded
    bits = 8 // len(rounded)
    levels = integer_product(np.right_shift(tokens, 8 - bits, out=plane), last)
    for at, part in enumerate(inner):
        # Not shifted: dividing the products, which are fewer than the components, takes less time.
        products = integer_product(
            np.bitwise_and(tokens, (2**bits - 1) << bits * at, out=plane), part
        )
        levels += np.right_shift(products, bits * at, out=products) if at else products
    return levels
