"""A citation, as every response gives it."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import computed_field

from rag.schemas.base import Model
from rag.types import PlaceKind


class PlaceModel(Model):
    """A place in the source file: a slide or row by its number from 1, an anchor by its name.

    The name of a row is that of its sheet.
    """

    kind: PlaceKind
    number: int
    name: str


class CitationModel(Model):
    """The place of a passage: `text[char_start:char_end]` of the document is its text.

    Lines and pages are 1-based; lines are those of the document's text. `page` is set for files
    that have pages, and `place` for those with slides, rows or anchors: that of the first
    highlight, or of where the passage begins. `sha256` is of the document's canonical text in
    UTF-8. `url` opens the document at that place.
    """

    document_id: str
    title: str
    heading_path: tuple[str, ...]
    sha256: str
    char_start: int
    char_end: int
    line_start: int
    line_end: int
    page: int | None
    place: PlaceModel | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def url(self) -> str:
        """The page of this service that shows the document, scrolled to the passage."""
        document = quote(self.document_id, safe="")
        return f"/?document={document}#c{self.char_start}-{self.char_end}"
