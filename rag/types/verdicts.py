"""Saved citations, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rag.types.answers import Citation

Status = Literal["valid", "moved", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class SavedCitation:
    """What is needed of a citation to check it; `quote` is None if it was not saved."""

    document_id: str
    sha256: str
    char_start: int
    char_end: int
    quote: str | None

    @classmethod
    def of(cls, citation: Citation | SavedCitation) -> SavedCitation:
        """What is needed of this citation."""
        c = citation
        return cls(c.document_id, c.sha256, c.char_start, c.char_end, c.quote)


@dataclass(frozen=True, slots=True)
class Edit:
    """A run of text: in both wordings, in the old one only, or in the new one only."""

    kind: Literal["same", "removed", "added"]
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a citation, and why in one sentence.

    If `valid` or `moved`, `citation` is where the quote is now: of its `places` places, the one
    nearest to the old place. If `changed`, `closest` is the most similar text near the old place
    and `diff` leads from the quote to it; None and empty if nothing is similar.
    """

    status: Status
    detail: str
    citation: Citation | None = None
    places: int = 0
    closest: Citation | None = None
    diff: tuple[Edit, ...] = ()
