"""A citation, as every response gives it."""

from __future__ import annotations

from operator import not_
from typing import Annotated
from urllib.parse import quote

from pydantic import Field, computed_field

from rag.schemas.base import Model
from rag.types import Box, Citation, PlaceKind


class PlaceModel(Model):
    """A place in the source file: a slide or row by its number from 1, an anchor by its name.

    The name of a row is that of its sheet.
    """

    kind: PlaceKind
    number: int
    name: str


class PageBoxesModel(Model):
    """Where a quote is on a page: a rectangle `[x0, y0, x1, y1]` for each line, in its order.

    In tables, each line of a cell has its own.

    All in points (1/72 inch), from the top left corner of the page as it is displayed: rotated, and
    cut to its crop box.
    """

    page: int
    width: float
    height: float
    lines: tuple[Box, ...]


Boxes = Annotated[
    tuple[PageBoxesModel, ...],
    Field(exclude_if=not_, description="for PDF; left out if there are none"),
]


class CitationModel(Model):
    """The place of a passage: `text[char_start:char_end]` of the document is its text.

    Lines and pages are 1-based; lines are those of the document's text. `page` is set for files
    that have pages, and `place` for those with slides, rows or anchors: that of the first
    highlight, or of where the passage begins. `sha256` is of the document's canonical text in
    UTF-8; `media_type` is that of its file. `boxes` say where the passage is on the pages of a
    PDF. `url` opens the document at that place.
    """

    document_id: str
    title: str
    media_type: str
    heading_path: tuple[str, ...]
    sha256: str
    char_start: int
    char_end: int
    line_start: int
    line_end: int
    page: int | None
    place: PlaceModel | None
    boxes: Boxes = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def url(self) -> str:
        """The page of this service that shows the document, scrolled to the passage."""
        return page_url(self.document_id, self.char_start, self.char_end)


def citation_json(citation: Citation) -> dict[str, object]:
    """The fields of a `CitationModel`, as values of JSON."""
    place = citation.place
    boxes = {"boxes": citation.boxes} if citation.boxes else {}
    return {
        "document_id": citation.document_id,
        "title": citation.title,
        "media_type": citation.media_type,
        "heading_path": citation.heading_path,
        "sha256": citation.sha256,
        "char_start": citation.char_start,
        "char_end": citation.char_end,
        "line_start": citation.line_start,
        "line_end": citation.line_end,
        "page": citation.page,
        "place": place and {"kind": place.kind, "number": place.number, "name": place.name},
        **boxes,
        "url": page_url(citation.document_id, citation.char_start, citation.char_end),
    }


def page_url(document_id: str, start: int, end: int) -> str:
    """The page of this service that shows the document, at that part of it."""
    return f"/?document={quote(document_id, safe='')}#c{start}-{end}"
