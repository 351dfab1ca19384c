"""A snapshot: one immutable index in memory."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rag.index.bm25 import LexicalIndex, languages_of
from rag.index.manifest import Manifest
from rag.index.originals import Originals, held_in
from rag.index.question_vectors import Headings
from rag.index.sentence_spans import Marks
from rag.index.token_vectors import TokenStore
from rag.index.vectors import VectorIndex
from rag.text import LineIndex
from rag.types import Document, FileReport, Passage, Section

Rows = npt.NDArray[np.int64]
Item = TypeVar("Item")

# Normalising takes time by the square of the length; file names are shorter.
MAX_ID = 4096


@dataclass(frozen=True)
class Snapshot:
    """A read-only index. Row i of every index belongs to `passages[i]`.

    `files` are the reports of all files of the corpus, ordered by id, and `originals` their bytes.
    `serialised` are the snapshot's own files by name, ready to be written, if it was just built;
    none if it was loaded.
    """

    manifest: Manifest
    documents: Mapping[str, Document]
    sections: Mapping[str, Section]
    passages: tuple[Passage, ...]
    dense: VectorIndex
    lexical: LexicalIndex
    tokens: TokenStore
    headings: Headings
    marks: Marks
    probes: npt.NDArray[np.float32]
    files: tuple[FileReport, ...] = ()
    originals: Originals = field(default_factory=lambda: Originals((), held_in(memoryview(b""))))
    serialised: Mapping[str, bytes | memoryview] = field(default_factory=dict, repr=False)

    @cached_property
    def id(self) -> str:
        """The snapshot's id, by which every answer names it."""
        return self.manifest.id

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each passage, by its id."""
        return {passage.id: row for row, passage in enumerate(self.passages)}

    @cached_property
    def lines(self) -> Mapping[str, LineIndex]:
        """The line index of each document, by its id."""
        return {id: LineIndex(document.text) for id, document in self.documents.items()}

    @cached_property
    def sections_of(self) -> Mapping[str, tuple[Section, ...]]:
        """The sections of each document that has some, in order, by the document's id."""
        return _grouped((section.document_id, section) for section in self.sections.values())

    @cached_property
    def languages(self) -> Mapping[str, str]:
        """The language by which the words of each document are stemmed, by the document's id."""
        return languages_of(self.documents.values())

    @cached_property
    def document_ids(self) -> tuple[str, ...]:
        """The ids of the documents, in order."""
        return tuple(self.documents)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The position of each document in their order, by its id."""
        return {id: place for place, id in enumerate(self.documents)}

    @cached_property
    def passage_counts(self) -> Mapping[str, int]:
        """How many passages each document has, by its id."""
        return Counter(passage.document_id for passage in self.passages)

    @cached_property
    def rows_of(self) -> Mapping[str, Rows]:
        """The rows of each document's passages, by the document's id."""
        return _rows((passage.document_id, row) for row, passage in enumerate(self.passages))

    @cached_property
    def rows_under(self) -> Mapping[str, Rows]:
        """The rows of the passages under each heading, by the heading, case folded."""
        return _rows(
            (heading.casefold(), row)
            for row, passage in enumerate(self.passages)
            for heading in self.sections[passage.section_id].heading_path
        )

    @cached_property
    def is_faq(self) -> npt.NDArray[np.bool_]:
        """Whether each passage is of an FAQ pair, bool (n_passages,)."""
        kinds = [self.sections[passage.section_id].kind for passage in self.passages]
        return np.array([kind == "faq" for kind in kinds], dtype=bool)

    @cached_property
    def ids_by_text(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the documents of each text, in order, by the text's sha256."""
        return _grouped((document.sha256, id) for id, document in self.documents.items())

    @cached_property
    def _ids_by_form(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of each form NFC; several if ids differ in their Unicode normal form alone."""
        return _grouped((unicodedata.normalize("NFC", id), id) for id in self.documents)

    @cached_property
    def _files(self) -> Mapping[str, FileReport]:
        """The reports of the files that hold documents; of several of an id, the first."""
        return {file.id: file for file in reversed(self.files) if file.documents}

    def make_lookups(self) -> None:
        """Computes all lookups now, which are otherwise computed when they are first used."""
        for name, member in vars(Snapshot).items():
            if isinstance(member, cached_property):
                getattr(self, name)

    def document(self, id: str) -> Document | None:
        """The document of that id, or else the only one whose id is canonically equivalent.

        One system writes file names composed (NFC), another decomposed (NFD).
        """
        found = self.documents.get(id)
        if found is None and len(id) <= MAX_ID:
            same = self._ids_by_form.get(unicodedata.normalize("NFC", id), ())
            found = self.documents[same[0]] if len(same) == 1 else None
        return found

    def file(self, document: Document) -> FileReport | None:
        """The report of the document's file, or None if the file is not stored."""
        return self._files.get(document.file)

    def passage(self, id: str) -> Passage | None:
        """The passage of that id, or None."""
        row = self.rows.get(id)
        return None if row is None else self.passages[row]


def _rows(pairs: Iterable[tuple[str, int]]) -> Mapping[str, Rows]:
    return {key: np.array(rows, dtype=np.int64) for key, rows in _grouped(pairs).items()}


def _grouped(pairs: Iterable[tuple[str, Item]]) -> Mapping[str, tuple[Item, ...]]:
    """The items of each key, in order."""
    found: defaultdict[str, list[Item]] = defaultdict(list)
    for key, item in pairs:
        found[key].append(item)
    return {key: tuple(items) for key, items in found.items()}
