"""A snapshot: one immutable index, mapped from its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rag.index.bm25 import LexicalIndex
from rag.index.columns import Buffer
from rag.index.document_table import Documents
from rag.index.manifest import Manifest
from rag.index.mapped_file import MappedFile
from rag.index.originals import Originals
from rag.index.passage_table import Passages
from rag.index.question_vectors import Headings
from rag.index.report_table import Reports
from rag.index.section_table import Sections
from rag.index.sentence_spans import Marks
from rag.index.token_vectors import TokenStore
from rag.index.vectors import VectorIndex
from rag.text import LineIndex
from rag.types import Document, FileReport, Passage, Section


@dataclass(frozen=True)
class Snapshot:
    """A read-only index. Row i of every index belongs to `passages[i]`.

    `files` are the reports of all files of the corpus, ordered by id, and `originals` their bytes.
    `content` are the snapshot's own files by name; `mapped` those that are read from disk while
    answering, none if the snapshot was just built.
    """

    manifest: Manifest
    documents: Documents
    sections: Sections
    passages: Passages
    dense: VectorIndex
    lexical: LexicalIndex
    tokens: TokenStore
    headings: Headings
    marks: Marks
    probes: npt.NDArray[np.float32]
    files: Reports
    originals: Originals
    content: Mapping[str, Buffer] = field(repr=False)
    mapped: Sequence[MappedFile] = ()

    @cached_property
    def id(self) -> str:
        """The snapshot's id, by which every answer names it."""
        return self.manifest.id

    def check(self) -> None:
        """Raises CorruptIndex if a file was altered, in place, since the snapshot was opened."""
        for file in self.mapped:
            file.check()

    def document(self, id: str) -> Document | None:
        """The document of that id, or else the only one whose id is canonically equivalent."""
        return self.documents.get(id) or self.documents.equivalent(id)

    def file(self, document: Document) -> FileReport | None:
        """The report of the document's file, or None if the file is not stored."""
        found = self.files.with_documents(document.file)
        return found[0] if found else None

    def passage(self, id: str) -> Passage | None:
        """The passage of that id, or None."""
        row = self.passages.row(id)
        return None if row is None else self.passages[row]

    def row(self, passage: Passage) -> int:
        """The row of a passage of the snapshot."""
        row = self.passages.row(passage.id)
        assert row is not None
        return row

    def lines(self, document_id: str) -> LineIndex:
        """The line index of a document."""
        return self.documents.lines(document_id)

    def sections_of(self, document_id: str) -> Sequence[Section]:
        """The sections of a document, in order."""
        return self.sections.of(self.documents.row(document_id))

    def rows_of(self, document_id: str) -> range:
        """The rows of a document's passages; none if there is no such document."""
        row = self.documents.ids.row(document_id)
        return range(0) if row is None else self.passages.of(row)
