"""Documents and passages, as responses give them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from rag.index import Snapshot
from rag.schemas.base import Model
from rag.schemas.citations import CitationModel
from rag.types import Citation, Document, Passage, Section, SectionKind

# Characters of a text, and sections, that are encoded at once: other requests wait meanwhile.
PIECE = 32 * 1024
PIECE_SECTIONS = 200


class DocumentFacts(Model):
    """What is known of a document as a whole."""

    id: str
    title: str
    source: str
    media_type: str
    sha256: str
    language: str | None
    created: str | None
    modified: str | None
    notice: str | None


class DocumentEntry(DocumentFacts):
    """A document of the index. `characters`, `sections` and `passages` are their numbers.

    `language` is a code as `en`, declared by the file or detected; `created` and `modified` are
    dates as `2026-03-01`, as the file says; `notice` is what readers of an answer from it should
    know. Each is null if it is not known.
    """

    characters: int
    sections: int
    passages: int

    @classmethod
    def of(cls, snapshot: Snapshot, document: Document) -> DocumentEntry:
        """The document's entry."""
        return cls(
            **dict(DocumentFacts.model_validate(document)),
            characters=len(document.text),
            sections=len(snapshot.sections_of(document.id)),
            passages=len(snapshot.rows_of(document.id)),
        )


class DocumentsResponse(Model):
    """Documents of the index, in its order.

    `next` is what to give as `after` for those that follow; null if none do.
    """

    documents: tuple[DocumentEntry, ...]
    next: str | None

    @classmethod
    def of(cls, snapshot: Snapshot, start: int, limit: int) -> DocumentsResponse:
        """At most `limit` documents from that place on."""
        ids = snapshot.documents.ids[start : start + limit]
        return cls(
            documents=tuple(DocumentEntry.of(snapshot, snapshot.documents[id]) for id in ids),
            next=ids[-1] if start + limit < len(snapshot.documents) else None,
        )


class SectionModel(Model):
    """A headed part of a document: `text[start:end]`."""

    id: str
    heading_path: tuple[str, ...]
    start: int
    end: int
    kind: SectionKind


class DocumentResponse(DocumentFacts):
    """A document's canonical text, into which all offsets point, and its sections in order."""

    text: str
    sections: tuple[SectionModel, ...]

    @classmethod
    def pieces(cls, document: Document, sections: Sequence[Section]) -> Iterator[bytes]:
        """The response as JSON in UTF-8, in pieces that each take a moment to make."""
        facts = dict(DocumentFacts.model_validate(document))
        empty = cls(**facts, text="", sections=()).model_dump_json()
        yield empty.removesuffix('","sections":[]}').encode()
        for at in range(0, len(document.text), PIECE):
            yield json.dumps(document.text[at : at + PIECE], ensure_ascii=False)[1:-1].encode()
        yield b'","sections":['
        for at in range(0, len(sections), PIECE_SECTIONS):
            models = map(SectionModel.model_validate, sections[at : at + PIECE_SECTIONS])
            piece = ",".join(model.model_dump_json() for model in models)
            yield f"{',' if at else ''}{piece}".encode()
        yield b"]}"


class PassageResponse(Model):
    """A passage by its id."""

    passage_id: str
    section_id: str
    text: str
    citation: CitationModel

    @classmethod
    def of(cls, passage: Passage, citation: Citation) -> PassageResponse:
        """The passage, and the citation of all its text."""
        return cls(
            passage_id=passage.id,
            section_id=passage.section_id,
            text=passage.text,
            citation=CitationModel.model_validate(citation),
        )
