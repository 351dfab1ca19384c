"""Opens an index: the snapshot that CURRENT names, or the one before it if that is damaged.

A snapshot is loaded only if every checksum, the model, the counts and the probe vectors agree. If
it was built with another model, nothing is opened: that is no damage, and an older snapshot would
hide it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import weakref
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import REBUILD, CorruptIndex, ModelMismatch, NoIndex
from rag.index import (
    MANIFEST,
    Manifest,
    Snapshot,
    check,
    check_encoder,
    id_of,
    parse_manifest,
    read_snapshot,
)
from rag.store.integrity import MANIFEST_BYTES, damage
from rag.store.regular import read_regular
from rag.store.versions import (
    CURRENT,
    current_id,
    live_id,
    newest_first,
    predecessor,
    read_versions,
    snapshot_ids,
)

if TYPE_CHECKING:  # the child that reads a snapshot back imports no encoder
    from rag.encoders import Encoder

log = logging.getLogger("rag.store.open")


def read_manifest(index: Path) -> Manifest:
    """The current snapshot's manifest, checked against its own id."""
    folder = index / current_id(index)
    try:
        return _manifest(folder)
    except (OSError, ValueError) as error:
        raise CorruptIndex(f"{folder / MANIFEST} cannot be read ({error}): {REBUILD}") from error


@dataclass(frozen=True)
class Opened:
    """A snapshot, and why each that should be live in its place was refused."""

    snapshot: Snapshot
    refused: tuple[str, ...]


def open_current(index: Path, encoder: Encoder) -> Snapshot:
    """The snapshot of `open_newest`, with each refusal logged."""
    opened = open_newest(index, encoder)
    for refusal in opened.refused:
        log.warning("%s; %s is live instead", refusal, opened.snapshot.id)
    return opened.snapshot


def open_newest(index: Path, encoder: Encoder) -> Opened:
    """The current snapshot; if it is damaged, the one before it, then the newest published.

    Raises NoIndex if nothing has been built, ModelMismatch if the current snapshot was built with
    another model, and CorruptIndex if nothing can be loaded.
    """
    named, refused = _current_or_why(index)
    if named:
        try:
            snapshot = load_snapshot(index, named)
        except CorruptIndex as error:
            if live_id(index) not in (named, None):
                return open_newest(index, encoder)  # a build has replaced it meanwhile
            refused = [str(error)]
        else:
            check_encoder(index / named, snapshot, encoder)
            return Opened(snapshot, ())
    for id in _fallbacks(index, named):
        try:
            return Opened(open_snapshot(index, id, encoder), tuple(refused))
        except (CorruptIndex, ModelMismatch) as error:
            refused.append(str(error))
    raise CorruptIndex("; ".join(refused))


def open_snapshot(index: Path, id: str, encoder: Encoder) -> Snapshot:
    """The snapshot of that id, loaded and verified. Raises CorruptIndex, ModelMismatch."""
    snapshot = load_snapshot(index, id)
    check_encoder(index / id, snapshot, encoder)
    return snapshot


def load_snapshot(index: Path, id: str) -> Snapshot:
    """The snapshot of that id, verified against all but its model. Raises CorruptIndex.

    While the object lives, builds leave its folder in place.
    """
    folder = index / id
    try:
        with ExitStack() as held:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            held.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            snapshot = read_snapshot(folder, check_files)
            check(snapshot)
            weakref.finalize(snapshot, held.pop_all().close)
            return snapshot
    except (OSError, ValueError) as error:
        raise CorruptIndex(f"{folder} cannot be read ({error}): {REBUILD}") from error


def check_files(folder: Path) -> Manifest:
    """The manifest of a snapshot's folder, if all of its files are as the manifest says.

    Raises CorruptIndex, which names the first file that is not; OSError if one cannot be read;
    ValueError if the manifest is whole but of another format.
    """
    manifest = _manifest(folder)
    for found in damage(folder, manifest):
        if found:
            raise CorruptIndex(f"{folder / found.name} {found.what}: {REBUILD}")
    return manifest


def _current_or_why(index: Path) -> tuple[str | None, list[str]]:
    """The id that CURRENT names, or why it names none. Raises NoIndex if nothing was built."""
    try:
        return current_id(index), []
    except NoIndex:
        if not _fallbacks(index, None):
            raise
        return None, [f"{index / CURRENT} is missing: {REBUILD}"]
    except CorruptIndex as error:
        return None, [str(error)]


def _fallbacks(index: Path, named: str | None) -> list[str]:
    """The other published snapshots that are there: the one before, then newest first.

    Without a record of what was published, all that are there, newest first.
    """
    versions, there = read_versions(index), snapshot_ids(index)
    known = [version.id for version in newest_first(versions)]
    before = predecessor(versions, named) if named else None
    order = [before, *known] if versions else sorted(there, key=lambda id: _age(index / id))
    return [id for id in dict.fromkeys(order) if id in there and id != named]


def _age(folder: Path) -> tuple[float, str]:
    return -folder.stat().st_mtime, folder.name


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        raw = read_regular(path, MANIFEST_BYTES)
    except FileNotFoundError:
        raise CorruptIndex(f"{path} is missing: {REBUILD}") from None
    if id_of(raw) != folder.name:
        raise CorruptIndex(
            f"{path} was altered: expected id {folder.name}, found {id_of(raw)}: {REBUILD}"
        )
    return parse_manifest(raw)
