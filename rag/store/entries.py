"""The entries of an index folder: which are ours, so that no others are ever touched.

A folder is an index if CURRENT or VERSIONS name a snapshot, or it holds one; its other entries are
left alone. Any other folder becomes an index only if nothing else is in it. A name of ours is not
enough for removal: a folder that a build left holds only files of a snapshot.
"""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

from rag.index import MANIFEST
from rag.store.feedback import FEEDBACK
from rag.store.versions import BAD, CURRENT, VERSIONS, live_id, read_versions, snapshot_ids
from rag.types.errors import UsageError

ASIDE = "tmp-"
LOCK = "LOCK"
# What the build that runs, or one that was killed, has encoded.
JOURNAL = "ENCODED"
# The stamps of the files that the last build read.
STAMPS = "STAMPS"
SHOWN = 3

_LEFT = re.compile(rf"{ASIDE}(?:[0-9a-f]{{12}}|{CURRENT}|{VERSIONS})")
# The files of a snapshot, as every version has named them.
_FILE = re.compile(r"[a-z0-9_]+\.(?:bin|faiss|json|jsonl|npy)")
# Besides a build's own files: feedback, vectors that the evaluation keeps, and what common tools
# create.
_OTHER = {
    *(LOCK, JOURNAL, STAMPS, CURRENT, VERSIONS, FEEDBACK, f"{FEEDBACK}-journal"),
    *("cache", ".gitignore", ".gitkeep", ".DS_Store", "lost+found"),
}
_OURS = re.compile(rf"(?:{BAD})?[0-9a-f]{{12}}(?:-\d+)?|{BAD}(?:{CURRENT}|{VERSIONS})(?:-\d+)?")


def leftovers(index: Path) -> list[Path]:
    """What dead builds left in the folder, sorted; the next build removes it."""
    return sorted(filter(_is_left, index.glob(f"{ASIDE}*")))


def damaged_paths(index: Path) -> list[Path]:
    """What was found damaged and set aside, sorted; it is never removed."""
    return sorted(index.glob(f"{BAD}*"))


def is_ours(folder: Path) -> bool:
    """Whether it is a folder that holds nothing but files of a snapshot, or is empty."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(_FILE.fullmatch(path.name) and _is_file(path) for path in folder.iterdir())


def is_foreign(path: Path) -> bool:
    """Whether a path with the name of a snapshot was not made by a build."""
    return not (path / MANIFEST).is_file() and not is_ours(path)


def check_entries(index: Path) -> None:
    """None if the folder is an index, or may become one. Raises UsageError, and OSError."""
    if _is_index(index):
        _check_free(index)
        return
    # A build makes LOCK before it writes anything.
    was_begun = _is_file(index / LOCK)
    foreign = sorted(
        islice((p.name for p in index.iterdir() if not _is_expected(p, was_begun)), SHOWN + 1)
    )
    if foreign:
        listed = ", ".join(foreign[:SHOWN]) + (", ..." if len(foreign) > SHOWN else "")
        raise UsageError(
            f"{index} is no index and holds other files ({listed}): "
            "choose a new or an empty folder by --index"
        )


def _check_free(index: Path) -> None:
    for path in (index / f"{ASIDE}{CURRENT}", index / f"{ASIDE}{VERSIONS}"):
        if os.path.lexists(path) and not _is_left(path):
            raise UsageError(f"{path} is in the way, and no build made it: move it elsewhere")


def _is_index(index: Path) -> bool:
    if live_id(index) is not None or read_versions(index):
        return True
    return any((index / id / MANIFEST).is_file() for id in snapshot_ids(index))


def _is_expected(path: Path, was_begun: bool) -> bool:
    """Whether a folder with this entry may become an index: a build or a common tool made it."""
    if _LEFT.fullmatch(path.name):
        return was_begun and _is_left(path)
    return path.name in _OTHER or bool(_OURS.fullmatch(path.name))


def _is_left(path: Path) -> bool:
    if not _LEFT.fullmatch(path.name):
        return False
    named = path.name in (f"{ASIDE}{CURRENT}", f"{ASIDE}{VERSIONS}")
    return _is_file(path) if named else is_ours(path)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
