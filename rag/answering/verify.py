"""Checks a saved citation against the documents as they are now.

`valid`    the quote is where the citation says
`moved`    it is elsewhere in that document or, if that document is gone, in another one
`changed`  the document exists, but does not hold the quote
`gone`     the document is gone, and no other one holds the quote

Texts are compared character by character, without normalisation: a `valid` or `moved` quote is
exact. While the document exists, the same words in another one do not count.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence

from rag.answering.citations import cite_span
from rag.answering.edits import edits, most_alike
from rag.index import Snapshot
from rag.types import Citation, Document, SavedCitation, Verdict
from rag.types.errors import TookTooLong

NO_QUOTE = "without the quote one cannot tell what became of it"

# How many characters are searched at a time, so that other threads are let in between.
STEP = 1 << 20

# Called now and then during a search; raises TookTooLong when the time is over.
InTime = Callable[[], None]


def verify(
    snapshot: Snapshot,
    citations: Sequence[SavedCitation],
    seconds: float = math.inf,
    now: Callable[[], float] = time.monotonic,
) -> list[Verdict]:
    """What became of each citation in that snapshot's documents, in order.

    Raises TookTooLong if it takes longer than `seconds`, and CorruptIndex if a file of the index
    was altered, in place, before or meanwhile.
    """
    end = now() + seconds

    def in_time() -> None:
        if now() > end:
            raise TookTooLong(f"it took over {seconds:g} seconds: verify fewer citations at once")

    snapshot.check()
    try:
        return [_verdict(snapshot, saved, in_time) for saved in citations]
    finally:
        snapshot.check()


def _verdict(snapshot: Snapshot, saved: SavedCitation, in_time: InTime) -> Verdict:
    in_time()
    document = snapshot.document(saved.document_id)
    if document is None:
        return _sought_elsewhere(snapshot, saved, in_time)
    if saved.quote is None:
        return _by_place(snapshot, document, saved, in_time)
    if document.text[saved.char_start : saved.char_end] == saved.quote:
        same = document.sha256 == saved.sha256
        detail = "the quote stands there" + ("" if same else "; the document changed elsewhere")
        return _valid(detail, snapshot, document, saved, in_time)
    start = nearest_start(document.text, saved.quote, saved.char_start)
    if start is None:
        return _changed(snapshot, document, saved, saved.quote)
    places = occurrences(document.text, saved.quote, in_time)
    detail = "the quote stands elsewhere in the document" + _several(places)
    return Verdict("moved", detail, _cited(snapshot, document, start, saved.quote), places)


def nearest_start(text: str, quote: str, near: int) -> int | None:
    """Where the quote begins, nearest to `near`; of two equally near places the first."""
    found = (_last_start(text, quote, near), first_start(text, quote, near))
    starts = [start for start in found if start is not None]
    return min(starts, key=lambda start: abs(start - near), default=None)


def first_start(text: str, quote: str, start: int = 0) -> int | None:
    """Where the quote begins first, not before `start`; None if it does not occur."""
    for at in range(start, len(text) - len(quote) + 1, STEP):
        found = text.find(quote, at, at + STEP + len(quote) - 1)
        if found >= 0:
            return found
    return None


def _last_start(text: str, quote: str, stop: int) -> int | None:
    """Where the quote begins last, before `stop`; None if it does not occur."""
    for high in range(min(stop, len(text)), 0, -STEP):
        low = max(0, high - STEP)
        # str.rfind, unlike str.find, can take time by the product of both lengths.
        backwards = text[low : high - 1 + len(quote)][::-1]
        found = backwards.find(quote[::-1])
        if found >= 0:
            return low + len(backwards) - found - len(quote)
    return None


def occurrences(text: str, quote: str, in_time: InTime) -> int:
    """How often the quote is in the text, as str.count counts."""
    if len(text) <= STEP:
        return text.count(quote)
    found, at = 0, first_start(text, quote)
    while at is not None:
        in_time()
        found, at = found + 1, first_start(text, quote, at + len(quote))
    return found


def _by_place(
    snapshot: Snapshot, document: Document, saved: SavedCitation, in_time: InTime
) -> Verdict:
    """The verdict on a citation without quote: its document must have the same text."""
    if document.sha256 != saved.sha256:
        return Verdict("changed", f"the document changed, and {NO_QUOTE}")
    if saved.char_end > len(document.text):
        return Verdict("changed", "the document is the same, but ends before that place")
    return _valid("the document is the same", snapshot, document, saved, in_time)


def _sought_elsewhere(snapshot: Snapshot, saved: SavedCitation, in_time: InTime) -> Verdict:
    """The verdict if the document is gone: the same text under another id goes first."""
    found = sorted(_places(snapshot, saved, in_time))
    if not found:
        why = "the quote is in no other" if saved.quote else NO_QUOTE
        return Verdict("gone", f"the document is gone, and {why}")
    _, _, id, start, _ = found[0]
    document, places = snapshot.documents[id], sum(count for *_, count in found)
    quote = saved.quote or document.text[start : start + saved.char_end - saved.char_start]
    detail = "the document is gone, the quote stands in another" + _several(places)
    return Verdict("moved", detail, _cited(snapshot, document, start, quote), places)


def _places(
    snapshot: Snapshot, saved: SavedCitation, in_time: InTime
) -> Iterator[tuple[bool, int, str, int, int]]:
    """The quote's nearest place in each document that has it, as a sort key with the count."""
    if saved.quote is None:
        for id in snapshot.documents.with_text(saved.sha256):
            if saved.char_end <= len(snapshot.documents[id].text):
                yield False, 0, id, saved.char_start, 1
        return
    for id, document in snapshot.documents.items():
        in_time()
        if _holds(document.text, saved.quote):
            start = nearest_start(document.text, saved.quote, saved.char_start)
            assert start is not None
            away, other = abs(start - saved.char_start), document.sha256 != saved.sha256
            yield other, away, id, start, occurrences(document.text, saved.quote, in_time)


def _holds(text: str, quote: str) -> bool:
    return quote in text if len(text) <= STEP else first_start(text, quote) is not None


def _changed(snapshot: Snapshot, document: Document, saved: SavedCitation, quote: str) -> Verdict:
    span = most_alike(document.text, quote, saved.char_start)
    if span is None:
        return Verdict("changed", "the quote is no more in the document, nor anything like it near")
    now = document.text[span.char_start : span.char_end]
    return Verdict(
        "changed",
        "the quote is no more in the document",
        closest=_cited(snapshot, document, span.char_start, now),
        diff=edits(quote, now),
    )


def _valid(
    detail: str,
    snapshot: Snapshot,
    document: Document,
    saved: SavedCitation,
    in_time: InTime,
) -> Verdict:
    quote = document.text[saved.char_start : saved.char_end]
    citation = _cited(snapshot, document, saved.char_start, quote)
    return Verdict("valid", detail, citation, occurrences(document.text, quote, in_time))


def _several(places: int) -> str:
    return f", in {places} places; this is the nearest" if places > 1 else ""


def _cited(snapshot: Snapshot, document: Document, start: int, quote: str) -> Citation:
    return cite_span(snapshot, document.id, start, start + len(quote))
