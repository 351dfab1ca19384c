"""Headings that are questions, encoded by themselves.

A user often asks the very question that a passage answers: an FAQ pair's, or a heading that is a
question. In the passage's own vector the text outweighs it, so it is a signal of its own. Headings
that only name a subject are left out: as a signal they gain nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.index.columns import Buffer, Kinds, pack, unpack
from rag.index.vectors import cosines

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

NO_QUESTION = -1


@dataclass(frozen=True, slots=True, eq=False)
class Headings:
    """The vectors of the distinct headings, float32 (n, dim), L2-normalised; `rows` int64
    (n_passages,) has each passage's, `NO_QUESTION` if no question is above it."""

    vectors: Vectors
    rows: Rows

    def of(self, passage: int) -> Vectors | None:
        """The vector of the question above a passage, float32 (dim,), if any."""
        row = self.rows[passage]
        return None if row == NO_QUESTION else self.vectors[row]

    def cosines(self, query: Vectors, passages: Rows, otherwise: Vectors) -> Vectors:
        """The cosine of the query (dim,) with the headings of those passages, float32 (n,).

        A passage without a heading has what `otherwise` (n,) says.
        """
        rows = self.rows[passages]
        if len(self.vectors) == 0:
            return otherwise
        found: Vectors = np.where(
            rows == NO_QUESTION, otherwise, cosines(query, self.vectors[rows])
        )
        return found


KINDS: Kinds = {"vectors": (np.float32, 2), "rows": (np.int64, 1)}


def pack_headings(headings: Headings) -> memoryview:
    """The content of the file of these headings."""
    return pack({"vectors": headings.vectors, "rows": headings.rows})


def open_headings(raw: Buffer) -> Headings:
    """The headings in the content of their file."""
    return Headings(**unpack(raw, KINDS))


def headings_of(texts: Sequence[str], vectors: Mapping[str, Vectors], dim: int) -> Headings:
    """The headings, given for each passage, "" for none; `vectors` are theirs, by text."""
    distinct = list(dict.fromkeys(filter(None, texts)))
    row = {text: at for at, text in enumerate(distinct)} | {"": NO_QUESTION}
    return Headings(
        np.array([vectors[text] for text in distinct], dtype=np.float32).reshape(-1, dim),
        np.array([row[text] for text in texts], dtype=np.int64),
    )
