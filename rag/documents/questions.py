"""The questions that a document asks: its FAQ pairs, and headings that are questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rag.documents.readers.labels import asks
from rag.types import Document, FaqPair, Section

# A longer question is cut here: no encoder reads more.
LONGEST = 4000


def faq_pairs(documents: Mapping[str, Document], sections: Iterable[Section]) -> list[FaqPair]:
    """The FAQ pairs among the sections, in their order; `documents` by id."""
    return [
        FaqPair(
            section.heading_path[-1],
            documents[section.document_id].text[section.body_start : section.end].strip(),
            section.id,
        )
        for section in sections
        if section.kind == "faq"
    ]


def question_above(document: Document, section: Section) -> str:
    """The question above a section's text, "" if its heading is no question.

    Without a heading it is the document's title, unless that is only the id. A section that is only
    a heading has no text that could answer.
    """
    if section.kind == "body" and section.heading_path and section.body_start == section.start:
        return ""
    title = "" if document.title == document.id else document.title
    heading = [title, *section.heading_path][-1].strip()
    return heading[:LONGEST] if section.kind == "faq" or asks(heading) else ""
