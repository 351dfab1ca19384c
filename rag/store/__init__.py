"""The index folder: atomic, verified, versioned."""

from rag.store.disk import free_bytes
from rag.store.entries import damaged_paths, leftovers
from rag.store.integrity import Damage, damage
from rag.store.open import load_snapshot, open_current, open_newest, read_manifest
from rag.store.publish import publish, roll_back, sweep_if_idle, writing
from rag.store.readback import in_process
from rag.store.sources import Sources
from rag.store.versions import (
    CURRENT,
    Listed,
    Remarks,
    State,
    Version,
    current_id,
    find_id,
    list_versions,
    live_id,
    live_version,
    no_index,
    read_record,
    snapshot_ids,
    utc_now,
    version_lines,
)

__all__ = [
    "CURRENT",
    "Damage",
    "Listed",
    "Remarks",
    "Sources",
    "State",
    "Version",
    "current_id",
    "damage",
    "damaged_paths",
    "find_id",
    "free_bytes",
    "in_process",
    "leftovers",
    "list_versions",
    "live_id",
    "live_version",
    "load_snapshot",
    "no_index",
    "open_current",
    "open_newest",
    "publish",
    "read_manifest",
    "read_record",
    "roll_back",
    "snapshot_ids",
    "sweep_if_idle",
    "utc_now",
    "version_lines",
    "writing",
]
