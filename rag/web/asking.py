"""Asks what is live, for every route that answers questions."""

from __future__ import annotations

from dataclasses import replace

from rag.index import Snapshot
from rag.schemas import AskRequest
from rag.serving import Serving
from rag.types import Answer


def answered(serving: Serving, asked: AskRequest) -> tuple[Answer, Snapshot, str | None]:
    """The answer and the snapshot that gave it.

    A note says how many ids of the filter name no document, if any do.
    """
    filters = asked.filters.filters()
    if filters.document_id:
        # The system ends a process that reads where a file was cut. `ask` checks for itself.
        serving.snapshot.check()
    found = [serving.snapshot.document(id) for id in filters.document_id]
    known = tuple(document.id for document in found if document)
    answer = serving.ask(
        asked.question,
        top_k=asked.top_k,
        mode=asked.mode,
        filters=replace(filters, document_id=known) if known else filters,
        explained=asked.explain,
    )
    unknown = found.count(None)
    note = f"{unknown} of {len(found)} ids in filters.document_id name no document of the index."
    return answer, serving.snapshot, note if unknown else None
