"""Checks a saved citation against the documents as they are now.

`valid`    the quote stands where the citation says
`moved`    it stands elsewhere in that document; or, where there is no such document any more, in
           another one
`changed`  the document is there, but the quote is not in it
`gone`     neither the document nor, anywhere, the quote is there

Texts are compared character by character, without any normalising: what is `valid` or `moved` is
quoted exactly. Where the document is still there, the same words in another one do not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rag.snapshot import Snapshot
from rag.types import Citation, Document
from rag.wording import Edit, edits, most_alike

Status = Literal["valid", "moved", "changed", "gone"]

NO_QUOTE = "without the quote one cannot tell what became of it"


@dataclass(frozen=True, slots=True)
class SavedCitation:
    """What is needed of a citation to check it; `quote` is None where it was not saved."""

    document_id: str
    sha256: str
    char_start: int
    char_end: int
    quote: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a citation, and why in one sentence.

    `citation` is where the quote stands now, if `valid` or `moved`; of `places` places the
    nearest to the old one. If `changed`, `closest` is what is most like the quote near its old
    place, and `diff` leads from the quote to it; None and empty where nothing is like it.
    """

    status: Status
    detail: str
    citation: Citation | None = None
    places: int = 0
    closest: Citation | None = None
    diff: tuple[Edit, ...] = ()


def verify(snapshot: Snapshot, saved: SavedCitation) -> Verdict:
    """What became of the citation in that snapshot's documents."""
    document = snapshot.documents.get(saved.document_id)
    if document is None:
        return _sought_elsewhere(snapshot, saved)
    if saved.quote is None:
        return _by_place(snapshot, document, saved)
    if document.text[saved.char_start : saved.char_end] == saved.quote:
        same = document.sha256 == saved.sha256
        detail = "the quote stands there" + ("" if same else "; the document changed elsewhere")
        return _found("valid", detail, snapshot, document, saved)
    start = nearest(document.text, saved.quote, saved.char_start)
    if start is None:
        return _changed(snapshot, document, saved, saved.quote)
    places = document.text.count(saved.quote)
    detail = "the quote stands elsewhere in the document" + _several(places)
    return Verdict("moved", detail, _cite(snapshot, document, start, saved.quote), places)


def nearest(text: str, quote: str, near: int) -> int | None:
    """Where the quote begins in the text, of several places the nearest; of two the first."""
    after = text.find(quote, near)
    # str.rfind, unlike str.find, can take time by the product of both lengths.
    reversed_head = text[: max(0, near - 1 + len(quote))][::-1]
    at = reversed_head.find(quote[::-1])
    before = len(reversed_head) - at - len(quote) if at >= 0 else -1
    found = [start for start in (before, after) if start >= 0]
    return min(found, key=lambda start: abs(start - near), default=None)


def _by_place(snapshot: Snapshot, document: Document, saved: SavedCitation) -> Verdict:
    """The verdict on a citation without quote: its document must be the same to the last byte."""
    if document.sha256 != saved.sha256:
        return Verdict("changed", f"the document changed, and {NO_QUOTE}")
    if saved.char_end > len(document.text):
        return Verdict("changed", "the document is the same, but ends before that place")
    return _found("valid", "the document is the same", snapshot, document, saved)


def _sought_elsewhere(snapshot: Snapshot, saved: SavedCitation) -> Verdict:
    """The verdict where the document is no more: the same text under another id goes first."""
    found = sorted(_places(snapshot, saved))
    if not found:
        why = "the quote is in no other" if saved.quote else NO_QUOTE
        return Verdict("gone", f"the document is gone, and {why}")
    _, _, id, start, _ = found[0]
    document, places = snapshot.documents[id], sum(count for *_, count in found)
    quote = document.text[start : start + saved.char_end - saved.char_start]
    detail = "the document is gone, the quote stands in another" + _several(places)
    return Verdict("moved", detail, _cite(snapshot, document, start, saved.quote or quote), places)


def _places(snapshot: Snapshot, saved: SavedCitation) -> Iterator[tuple[bool, int, str, int, int]]:
    """The quote's nearest place in each document that has it, to be sorted; and how many it has."""
    for id, document in snapshot.documents.items():
        other = document.sha256 != saved.sha256
        if saved.quote is None:
            if not other and saved.char_end <= len(document.text):
                yield False, 0, id, saved.char_start, 1
            continue
        start = nearest(document.text, saved.quote, saved.char_start)
        if start is not None:
            away = abs(start - saved.char_start)
            yield other, away, id, start, document.text.count(saved.quote)


def _changed(snapshot: Snapshot, document: Document, saved: SavedCitation, quote: str) -> Verdict:
    span = most_alike(document.text, quote, saved.char_start)
    if span is None:
        return Verdict("changed", "the quote is no more in the document, nor anything like it near")
    now = document.text[span.char_start : span.char_end]
    return Verdict(
        "changed",
        "the quote is no more in the document",
        closest=_cite(snapshot, document, span.char_start, now),
        diff=edits(quote, now),
    )


def _found(
    status: Status, detail: str, snapshot: Snapshot, document: Document, saved: SavedCitation
) -> Verdict:
    quote = document.text[saved.char_start : saved.char_end]
    citation = _cite(snapshot, document, saved.char_start, quote)
    return Verdict(status, detail, citation, document.text.count(quote))


def _several(places: int) -> str:
    return f", in {places} places; this is the nearest" if places > 1 else ""


def _cite(snapshot: Snapshot, document: Document, start: int, quote: str) -> Citation:
    end, lines = start + len(quote), snapshot.lines[document.id]
    return Citation(
        document_id=document.id,
        title=document.title,
        heading_path=_heading_path(snapshot, document, start),
        sha256=document.sha256,
        char_start=start,
        char_end=end,
        line_start=lines.line_of(start),
        line_end=lines.line_of(end - 1),
        page=None,
        quote=quote,
    )


def _heading_path(snapshot: Snapshot, document: Document, at: int) -> tuple[str, ...]:
    """The headings above a place; none where it lies in no section, as a lone heading does."""
    for section in snapshot.sections.values():
        if section.document_id == document.id and section.start <= at < section.end:
            return section.heading_path
    return ()
