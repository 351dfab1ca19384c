"""What stands above passages, encoded by itself: title and headings, in an FAQ pair the question.

A question often says what its answer stands under. In a passage's own vector that is drowned by
the text; here it is a signal of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.types import Passage

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Headings:
    """The vectors of the distinct headings, float32 (n, dim), L2-normalised; `rows` int64
    (n_passages,) has each passage's, `NONE` where nothing stands above it."""

    vectors: Vectors
    rows: Rows

    def cosines(self, query: Vectors, passages: Rows, otherwise: Vectors) -> Vectors:
        """The cosine of the query (dim,) with the headings of those passages, float32 (n,).

        A passage without a heading has what `otherwise` (n,) says.
        """
        rows = self.rows[passages]
        if len(self.vectors) == 0:
            return otherwise
        found: Vectors = np.where(rows == NONE, otherwise, self.vectors[rows] @ query)
        return found


def heading_of(passage: Passage) -> str:
    """What stands above the passage, "" for nothing; a divided table's header is left out."""
    return passage.context.partition("\n")[0]


def headings_of(
    passages: Sequence[Passage],
    known: Mapping[str, Vectors],
    encode: Callable[[Sequence[str]], Vectors],
    dim: int,
) -> Headings:
    """The headings of the passages, in the order in which they come; `known` ones are not encoded
    again."""
    texts = [heading_of(passage) for passage in passages]
    distinct = list(dict.fromkeys(text for text in texts if text))
    new = [text for text in distinct if text not in known]
    made = dict(zip(new, encode(new), strict=True)) if new else {}
    vectors = [made[text] if text in made else known[text] for text in distinct]
    row = {text: at for at, text in enumerate(distinct)} | {"": NONE}
    return Headings(
        np.array(vectors, dtype=np.float32).reshape(-1, dim),
        np.array([row[text] for text in texts], dtype=np.int64),
    )


def vectors_by_heading(headings: Headings, passages: Sequence[Passage]) -> dict[str, Vectors]:
    """The vector of each heading above the passages."""
    return {
        heading_of(passage): headings.vectors[row]
        for passage, row in zip(passages, headings.rows, strict=True)
        if row != NONE
    }
