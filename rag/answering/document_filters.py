"""Which documents a search is restricted to."""

from __future__ import annotations

from dataclasses import asdict

from rag.index import Snapshot
from rag.types import Filters


def documents_within(snapshot: Snapshot, filters: Filters) -> list[str] | None:
    """The ids of the documents that the filters let through, in order; None for all of them."""
    if not (
        filters.document_id or filters.folder or filters.type or filters.since or filters.until
    ):
        return None
    ids = filters.document_id or tuple(snapshot.documents)
    folder = filters.folder and f"{filters.folder.strip('/')}/"
    endings = tuple(f".{each.lower().lstrip('.')}" for each in filters.type)
    return [
        id
        for id in ids
        if (not folder or id.startswith(folder))
        and (not endings or id.lower().endswith(endings))
        and _is_dated(snapshot, id, filters)
    ]


def unmatched(snapshot: Snapshot, filters: Filters) -> list[str]:
    """The names of the filters that, each alone, let nothing through, in order."""
    given = {name: value for name, value in asdict(filters).items() if value not in (None, ())}
    return [name for name, value in given.items() if _is_empty(snapshot, Filters(**{name: value}))]


def _is_empty(snapshot: Snapshot, alone: Filters) -> bool:
    if alone.section is not None:
        return not len(snapshot.passages.under(alone.section))
    return documents_within(snapshot, alone) == []


def _is_dated(snapshot: Snapshot, id: str, filters: Filters) -> bool:
    """Whether the document was changed, or else written, in the time that is asked for."""
    if not filters.since and not filters.until:
        return True
    dated = snapshot.documents.dated(id)
    return dated is not None and (filters.since or dated) <= dated <= (filters.until or dated)
