"""What a build reuses of an earlier snapshot, so that unchanged text costs nothing again.

A document with the same id and raw bytes keeps its sections, passages and counted words; a passage
whose context and text have been encoded before keeps its vectors, even if it was moved. Both are
taken only from a snapshot that was opened, and so verified, and only if this software would make
them again bit for bit: builds with and without reuse give the same snapshot.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rag.documents import Known, question_above
from rag.encoders import Encoder
from rag.index import Snapshot, keeps_cuts, keeps_vectors, recipe_of
from rag.types import Document, FaqPolicy, FileReport, Passage, Section

# What the encoder reads of a passage: its context and its text.
Content = tuple[str, str]
# float32 (dim,), L2-normalised, and uint8 (t, width) as `tokens.quantise` gives it.
PassageVectors = tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Cuts:
    """All sections and passages of a document, in order; `first` is the row of the first passage
    in the earlier snapshot, if they are taken from it."""

    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]
    first: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reuse:
    """What may be taken over: the vectors of an `earlier` snapshot; and if `known` has its
    documents, what was cut of those that have not changed; `numbers` are their rows in it."""

    earlier: Snapshot | None
    known: Known
    numbers: Mapping[str, int] = field(default_factory=dict)

    def cuts(self, id: str) -> Cuts:
        """The sections and passages of an unchanged document."""
        assert self.earlier is not None
        row = self.numbers[id]
        rows, passages = self.earlier.passages.of(row), self.earlier.passages
        sections = tuple(self.earlier.sections.of(row))
        return Cuts(sections, tuple(passages[each] for each in rows), rows.start)

    def rows(self, contents: Collection[Content]) -> dict[Content, int]:
        """The rows of the earlier passages of these contents; those it does not hold are left out.

        Only passages as long as one of them are compared.
        """
        if self.earlier is None or not contents:
            return {}
        wanted = set(contents)
        alike = np.isin(self.earlier.passages.lengths, [len(text) for _, text in wanted])
        found: dict[Content, int] = {}
        for row in np.flatnonzero(alike).tolist():
            content = content_of(self.earlier.passages[row])
            if content in wanted:
                found.setdefault(content, row)
        return found

    def headings(self) -> dict[str, npt.NDArray[np.float32]]:
        """The vector of each question above an earlier passage."""
        if self.earlier is None or len(self.earlier.headings.vectors) == 0:
            return {}
        numbers, firsts = np.unique(self.earlier.headings.rows, return_index=True)
        sections = [
            self.earlier.sections[self.earlier.passages[row].section_id]
            for row in firsts[numbers >= 0].tolist()
        ]
        texts = (
            question_above(self.earlier.documents[each.document_id], each) for each in sections
        )
        return dict(zip(texts, self.earlier.headings.vectors, strict=True))


NOTHING = Reuse(None, Known())


def reuse_of(previous: Snapshot | None, encoder: Encoder, faq: FaqPolicy = "with") -> Reuse:
    """What a build by that encoder may take over from an opened snapshot, if there is one."""
    if previous is None or not keeps_vectors(previous, encoder):
        return NOTHING
    was = previous.manifest
    recipe = recipe_of(encoder, faq, was.counts.passages)
    if not keeps_cuts(previous) or was.recipe != recipe:
        return Reuse(previous, Known())
    places = previous.files.places()

    def original(file: FileReport) -> bytes:
        return previous.originals.at(places[file.id][1], file)

    files = {id: file for id, (file, _) in places.items()}
    # Each is made once: looking one up by its id takes longer.
    documents = {
        document.id: document
        for document in map(previous.documents.at, range(len(previous.documents)))
    }
    numbers = {id: row for row, id in enumerate(documents)}
    return Reuse(previous, Known(documents, files, original), numbers)


def unchanged(reuse: Reuse, documents: Collection[Document]) -> int:
    """How many of the documents have the same raw bytes as in the earlier snapshot."""
    if reuse.earlier is None:
        return 0
    was = reuse.known.documents or reuse.earlier.documents
    found = ((was.get(each.id), each) for each in documents)
    return sum(old is not None and old.source_sha256 == new.source_sha256 for old, new in found)


def content_of(passage: Passage) -> Content:
    """What the encoder reads of a passage."""
    return passage.context, passage.text
