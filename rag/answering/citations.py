"""Citations: the exact place of a passage or of a quote in its document."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

from rag.documents import boxes_of
from rag.index import Snapshot
from rag.types import Citation, Passage, Span


def cite(snapshot: Snapshot, passage: Passage, answering: Sequence[Span] = ()) -> Citation:
    """The passage's citation. Page and place are those of the first of the `answering` spans."""
    at = answering[0].char_start if answering else passage.start
    return cite_span(snapshot, passage.document_id, passage.start, passage.end, at)


def cite_span(
    snapshot: Snapshot, document_id: str, start: int, end: int, at: int | None = None
) -> Citation:
    """The citation of `text[start:end]` of a document, which must not be empty.

    Page and place are those of the character `at`, by default of the first.
    """
    document, lines = snapshot.documents[document_id], snapshot.lines(document_id)
    place = document.place_at(start if at is None else at)
    is_page = place is not None and place.kind == "page"
    return Citation(
        document_id=document.id,
        title=document.title,
        media_type=document.media_type,
        heading_path=_heading_path(snapshot, document_id, start),
        sha256=document.sha256,
        char_start=start,
        char_end=end,
        line_start=lines.line_of(start),
        line_end=lines.line_of(end - 1),
        page=place.number if place and is_page else None,
        place=None if is_page else place,
        quote=document.text[start:end],
        boxes=boxes_of(document, start, end),
    )


def located(snapshot: Snapshot, document_id: str, spans: Sequence[Span]) -> Iterator[Span]:
    """The spans of a document, with where they stand on the pages of a PDF."""
    document = snapshot.documents[document_id]
    for span in spans:
        boxes = boxes_of(document, span.char_start, span.char_end)
        yield replace(span, boxes=boxes) if boxes else span


def _heading_path(snapshot: Snapshot, document_id: str, at: int) -> tuple[str, ...]:
    """The headings above a place; none if it is in no section, as a heading without text is."""
    sections = snapshot.sections_of(document_id)
    before = bisect_right(sections, at, key=attrgetter("start"))
    found = sections[before - 1] if before else None
    return found.heading_path if found and at < found.end else ()
