"""Feedback as the service stores it."""

from __future__ import annotations

import uuid

from rag.index.snapshot import Snapshot
from rag.types import Feedback, Opinion

CREATED = "2026-03-01T10:00:00+00:00"


def missing(question: str) -> Feedback:
    """A reader says that the documents do not answer."""
    return Feedback(uuid.uuid4().hex, CREATED, question, "missing", "0" * 12)


def helpful(snapshot: Snapshot, question: str, quote: str) -> Feedback:
    """A reader calls the first place of the quote helpful."""
    return _on(snapshot, question, "helpful", quote)


def wrong(snapshot: Snapshot, question: str, quote: str) -> Feedback:
    """A reader calls the first place of the quote wrong."""
    return _on(snapshot, question, "wrong", quote)


def _on(snapshot: Snapshot, question: str, verdict: Opinion, quote: str) -> Feedback:
    [document, *_] = [each for each in snapshot.documents.values() if quote in each.text]
    start = document.text.index(quote)
    return Feedback(
        uuid.uuid4().hex,
        CREATED,
        question,
        verdict,
        snapshot.id,
        document_id=document.id,
        sha256=document.sha256,
        char_start=start,
        char_end=start + len(quote),
        quote=quote,
    )
