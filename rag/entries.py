"""The entries of an index folder: which are ours, so that nobody else's are ever touched.

A folder is an index if CURRENT or VERSIONS name a snapshot, or a snapshot stands in it; then other
entries in it are left alone. A folder that is none becomes one only if nothing else is in it.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from rag.errors import UsageError
from rag.intact import MANIFEST
from rag.versions import BAD, CURRENT, VERSIONS, answering, read_versions, snapshot_ids

ASIDE = "tmp-"
LOCK = "LOCK"
SHOWN = 3

_LEFT = re.compile(rf"{ASIDE}(?:[0-9a-f]{{12}}|{CURRENT}|{VERSIONS})")
# Beside what a build writes: vectors that the evaluation keeps, and what tools put everywhere.
_OTHER = {LOCK, CURRENT, VERSIONS, "cache", ".gitignore", ".gitkeep", ".DS_Store", "lost+found"}
_OURS = re.compile(rf"(?:{BAD})?[0-9a-f]{{12}}(?:-\d+)?|{BAD}(?:{CURRENT}|{VERSIONS})(?:-\d+)?")


def leftovers(index: Path) -> list[Path]:
    """What a build that died may have left in the folder, sorted; it is removed by the next."""
    return sorted(path for path in index.glob(f"{ASIDE}*") if _LEFT.fullmatch(path.name))


def check_entries(index: Path) -> None:
    """None if the folder is an index, or may become one. Raises UsageError, and OSError."""
    if _is_index(index):
        return
    foreign = sorted(islice((p.name for p in index.iterdir() if not _is_ours(p.name)), SHOWN + 1))
    if foreign:
        listed = ", ".join(foreign[:SHOWN]) + (", ..." if len(foreign) > SHOWN else "")
        raise UsageError(
            f"{index} is no index and holds other files ({listed}): "
            "choose a new or an empty folder by --index"
        )


def _is_index(index: Path) -> bool:
    if answering(index) is not None or read_versions(index):
        return True
    return any((index / id / MANIFEST).is_file() for id in snapshot_ids(index))


def _is_ours(name: str) -> bool:
    return name in _OTHER or bool(_LEFT.fullmatch(name) or _OURS.fullmatch(name))
