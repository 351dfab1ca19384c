"""A published index, and its snapshot."""

from __future__ import annotations

from pathlib import Path

from rag.encoders.base import Encoder
from rag.index.snapshot import Snapshot
from rag.store.disk import DISK
from rag.store.publish import publish, writing
from support.builds import build_snapshot


def published(index: Path, path: Path, encoder: Encoder) -> Snapshot:
    """The snapshot of those documents, which is live from now on."""
    snapshot = build_snapshot([path], encoder)
    with writing(index):
        publish(index, snapshot, encoder, DISK)
    return snapshot
