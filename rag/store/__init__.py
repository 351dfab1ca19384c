"""The index folder: atomic, verified, versioned."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.store.backup import back_up, restore
    from rag.store.disk import DISK, free_bytes
    from rag.store.entries import JOURNAL, STAMPS, damaged_paths, leftovers
    from rag.store.feedback import FEEDBACK, UnknownFeedback, add_feedback, read_feedback
    from rag.store.integrity import Damage, damage
    from rag.store.open import load_snapshot, open_current, open_newest, read_manifest
    from rag.store.publish import publish, roll_back, sweep_if_idle, writing
    from rag.store.readback import waiting_child
    from rag.store.sources import Sources
    from rag.store.versions import (
        CURRENT,
        Listed,
        Remarks,
        SnapshotState,
        Version,
        current_id,
        find_id,
        list_versions,
        live_id,
        live_version,
        read_record,
        snapshot_ids,
        utc_now,
    )
else:
    show_late(__name__)
