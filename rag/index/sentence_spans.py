"""Marks: the sentences, lines and rows of passages that an answer may mark, and their token rows.

Worked out once, when the index is built, so that a question neither tokenises nor splits anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.documents import markable
from rag.index.columns import Buffer, Kinds, pack, unpack
from rag.types import Passage, Section

Sentences = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """The sentences of all passages, one after another.

    `sentences` int32 (n, 4): where each starts and ends in its passage's text, in characters, and
    its first and last token row, half open, counted from the passage's first. `starts` int64
    (n_passages + 1,): passage i has sentences starts[i] to starts[i + 1]. Within a passage they
    are in order, do not overlap, and each holds a token.
    """

    sentences: Sentences
    starts: npt.NDArray[np.int64]

    def of(self, passage: int) -> Sentences:
        """The sentences of one passage, int32 (m, 4)."""
        return self.sentences[self.starts[passage] : self.starts[passage + 1]]


KINDS: Kinds = {"sentences": (np.int32, 2), "starts": (np.int64, 1)}


def pack_marks(marks: Marks) -> memoryview:
    """The content of the file of these marks."""
    return pack({"sentences": marks.sentences, "starts": marks.starts})


def open_marks(raw: Buffer) -> Marks:
    """The marks in the content of their file."""
    return Marks(**unpack(raw, KINDS))


def markable_from(passage: Passage, section: Section) -> int:
    """Where in the passage's text its sentences begin: in an FAQ pair, where the answer does."""
    start = section.body_start if section.kind == "faq" else passage.start
    return min(max(start, passage.start), passage.end) - passage.start


def sentences_of(
    text: str, start: int, pieces: Sequence[tuple[int, int]], tokens: int
) -> Sentences:
    """The sentences of a passage's text from `start` on that hold tokens, int32 (m, 4).

    `pieces` are the spans of the text's word pieces. The passage has `tokens` rows: those of its
    context, if any, come before those of its text.
    """
    starts = [piece[0] for piece in pieces]
    spans = np.array(markable(text, start), dtype=np.int32).reshape(-1, 2)
    rows = np.searchsorted(starts, spans).astype(np.int32) + (tokens - len(pieces))
    found = np.hstack([spans, np.clip(rows, 0, tokens)])
    return found[found[:, 2] < found[:, 3]]


def marks(passages: Iterable[Sentences]) -> Marks:
    """The marks of passages with these sentences, in their order."""
    blocks = [np.zeros((0, 4), dtype=np.int32), *passages]
    starts = np.cumsum([len(block) for block in blocks], dtype=np.int64)
    return Marks(np.concatenate(blocks), starts)
