"""The index folder: atomic, verified, versioned."""

from rag.store.disk import DISK, Files
from rag.store.entries import leftovers
from rag.store.integrity import Damage, damage
from rag.store.open import load_snapshot, open_current, open_logged, open_newest, read_manifest
from rag.store.publish import publish, roll_back, sweep_if_idle, writing
from rag.store.readback import in_process
from rag.store.sources import Sources, are_same, can_be_kept, sources_of
from rag.store.versions import (
    BAD,
    CURRENT,
    NO_REMARKS,
    VERSIONS,
    Clock,
    Listed,
    Remarks,
    State,
    Version,
    current_id,
    find_id,
    list_versions,
    live_id,
    no_index,
    read_versions,
    snapshot_ids,
    stored_versions,
    utc_now,
    version_lines,
)

__all__ = [
    "BAD",
    "CURRENT",
    "DISK",
    "NO_REMARKS",
    "VERSIONS",
    "Clock",
    "Damage",
    "Files",
    "Listed",
    "Remarks",
    "Sources",
    "State",
    "Version",
    "are_same",
    "can_be_kept",
    "current_id",
    "damage",
    "find_id",
    "in_process",
    "leftovers",
    "list_versions",
    "live_id",
    "load_snapshot",
    "no_index",
    "open_current",
    "open_logged",
    "open_newest",
    "publish",
    "read_manifest",
    "read_versions",
    "roll_back",
    "snapshot_ids",
    "sources_of",
    "stored_versions",
    "sweep_if_idle",
    "utc_now",
    "version_lines",
    "writing",
]
