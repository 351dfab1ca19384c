"""A citation, as every response gives it."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import computed_field

from rag.schemas.base import Model


class CitationModel(Model):
    """The place of a passage: `text[char_start:char_end]` of the document is its text.

    Lines and pages are 1-based. `sha256` is of the document's canonical text in UTF-8. `url` opens
    the document at that place.
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

    @computed_field  # type: ignore[prop-decorator]
    @property
    def url(self) -> str:
        """The page of this service that shows the document, scrolled to the passage."""
        document = quote(self.document_id, safe="")
        return f"/?document={document}#c{self.char_start}-{self.char_end}"
