"""What a build reuses of an earlier snapshot, so that unchanged text costs nothing again.

A document with the same id and raw bytes keeps its sections and passages; a passage whose context
and text have been encoded before keeps its vectors, even if it was moved. Both are taken only from
a snapshot that was opened, and so verified, and only if this software would make them again bit
for bit: builds with and without reuse give the same snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rag.documents import question_above
from rag.encoders import Encoder
from rag.index import (
    Sentences,
    Snapshot,
    keeps_cuts,
    keeps_vectors,
    markable_from,
    recipe_of,
)
from rag.types import Document, FaqPolicy, FileReport, Passage, Section

if TYPE_CHECKING:
    from rag.documents import Known

# What the encoder reads of a passage: its context and its text.
Content = tuple[str, str]
# float32 (dim,), L2-normalised, and uint8 (t, width) as `tokens.quantise` gives it.
PassageVectors = tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]
# A content, and where in its text the part begins that may be highlighted.
Markable = tuple[Content, int]


@dataclass(frozen=True, slots=True)
class Cuts:
    """All sections and passages of a document, in order."""

    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Reuse:
    """What may be taken over: the cuts of documents, by their ids, the vectors of contents and of
    headings, and the sentences of contents.

    `documents` and `files` are those of the earlier snapshot; without `cuts` they are cut again.
    """

    documents: Mapping[str, Document]
    files: Mapping[str, FileReport]
    cuts: Mapping[str, Cuts]
    vectors: Mapping[Content, PassageVectors]
    headings: Mapping[str, npt.NDArray[np.float32]]
    sentences: Mapping[Markable, Sentences]

    @property
    def known(self) -> Known:
        """What need not be parsed again if the raw bytes are the same."""
        # Imported only here: it brings the readers, and a service names `Reused` alone.
        from rag.documents import Known

        return Known(self.documents, self.files) if self.cuts else Known()


NOTHING = Reuse({}, {}, {}, {}, {}, {})


@dataclass(frozen=True, slots=True)
class Reused:
    """How many passages kept their vectors and how many documents did not change, of how many."""

    passages: int
    of_passages: int
    documents: int
    of_documents: int


def reuse_of(previous: Snapshot | None, encoder: Encoder, faq: FaqPolicy = "with") -> Reuse:
    """What a build by that encoder may take over from an opened snapshot, if there is one."""
    if previous is None or not keeps_vectors(previous, encoder):
        return NOTHING
    cut_alike = keeps_cuts(previous)
    is_same_recipe = previous.manifest.recipe == recipe_of(encoder, faq)
    return Reuse(
        documents=previous.documents,
        files={file.id: file for file in previous.files if file.documents},
        cuts=_cuts(previous) if cut_alike and is_same_recipe else {},
        vectors=_vectors(previous),
        headings=_headings(previous),
        sentences=_sentences(previous) if cut_alike else {},
    )


def reused(reuse: Reuse, snapshot: Snapshot) -> Reused:
    """How much a snapshot that was built with `reuse` took over."""
    documents, known = snapshot.documents.values(), reuse.documents
    return Reused(
        passages=sum(content_of(passage) in reuse.vectors for passage in snapshot.passages),
        of_passages=len(snapshot.passages),
        documents=sum(
            document.id in known and known[document.id].source_sha256 == document.source_sha256
            for document in documents
        ),
        of_documents=len(documents),
    )


def content_of(passage: Passage) -> Content:
    """What the encoder reads of a passage."""
    return passage.context, passage.text


def markable_of(passage: Passage, section: Section) -> Markable:
    """What decides the sentences of a passage, and the token rows that each holds."""
    return content_of(passage), markable_from(passage, section)


def _headings(snapshot: Snapshot) -> dict[str, npt.NDArray[np.float32]]:
    """The vector of each question above a passage."""
    found = {}
    for row, passage in enumerate(snapshot.passages):
        vector = snapshot.headings.of(row)
        if vector is not None:
            section = snapshot.sections[passage.section_id]
            found[question_above(snapshot.documents[section.document_id], section)] = vector
    return found


def _cuts(snapshot: Snapshot) -> dict[str, Cuts]:
    return {
        id: Cuts(
            tuple(snapshot.sections.of(row)),
            tuple(map(snapshot.passages.__getitem__, snapshot.passages.of(row))),
        )
        for row, id in enumerate(snapshot.documents)
    }


def _vectors(snapshot: Snapshot) -> dict[Content, PassageVectors]:
    pooled = snapshot.dense.vectors()
    return {
        content_of(passage): (pooled[row], snapshot.tokens.rows(row))
        for row, passage in enumerate(snapshot.passages)
    }


def _sentences(snapshot: Snapshot) -> dict[Markable, Sentences]:
    return {
        markable_of(passage, snapshot.sections[passage.section_id]): snapshot.marks.of(row)
        for row, passage in enumerate(snapshot.passages)
    }
