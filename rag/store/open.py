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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rag.index import (
    MANIFEST,
    Manifest,
    Snapshot,
    check_encoder,
    check_parts,
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
from rag.types.errors import REBUILD, CorruptIndex, ModelMismatch, NoIndex
from rag.types.system_limits import limits_named

if TYPE_CHECKING:  # the child that reads a snapshot back imports no encoder
    from rag.encoders import Encoder

log = logging.getLogger("rag.store.open")


def read_manifest(index: Path) -> Manifest:
    """The current snapshot's manifest, checked against its own id."""
    folder = index / current_id(index)
    try:
        with limits_named():
            return _manifest(folder)
    except (OSError, ValueError) as error:
        raise CorruptIndex(f"{folder / MANIFEST} cannot be read ({error}): {REBUILD}") from error


@dataclass(frozen=True)
class Opened:
    """A snapshot, why each that should be live in its place was refused, and whether the contents
    of its files were verified, not only their sizes."""

    snapshot: Snapshot
    refused: tuple[str, ...]
    verified: bool = True


def open_current(index: Path, encoder: Encoder) -> Snapshot:
    """The snapshot of `open_newest`, with each refusal logged."""
    opened = open_newest(index, encoder)
    for refusal in opened.refused:
        log.warning("%s; %s is live instead", refusal, opened.snapshot.id)
    return opened.snapshot


def open_newest(index: Path, encoder: Encoder, at_once: int | None = None) -> Opened:
    """The current snapshot; if it is damaged, the one before it, then the newest published.

    If the current one has more than `at_once` bytes, its contents are not verified: the caller has
    to do it. Raises NoIndex if nothing has been built, ModelMismatch if the current snapshot was
    built with another model, CorruptIndex if nothing can be loaded, and SystemLimit.
    """
    named, refused = _current_or_why(index)
    if named:
        try:
            snapshot, verified = _load(index, named, at_once)
        except CorruptIndex as error:
            if live_id(index) not in (named, None):
                return open_newest(index, encoder, at_once)  # a build has replaced it meanwhile
            refused = [str(error)]
        else:
            check_encoder(index / named, snapshot, encoder)
            return Opened(snapshot, (), verified)
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


def load_snapshot(index: Path, id: str, at_once: int | None = None) -> Snapshot:
    """The snapshot of that id, verified against all but its model. Raises CorruptIndex.

    If it has more than `at_once` bytes, its contents are not verified. While the object lives,
    builds leave its folder in place.
    """
    return _load(index, id, at_once)[0]


def _load(index: Path, id: str, at_once: int | None = None) -> tuple[Snapshot, bool]:
    """The snapshot of that id, and whether its contents were verified."""
    folder = index / id
    try:
        with limits_named(), ExitStack() as held:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            held.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            # Files of other sizes are refused before any is mapped.
            manifest = check_files(folder, contents=False)
            verified = at_once is None or _size(manifest) <= at_once
            snapshot = read_snapshot(folder, partial(check_files, contents=verified))
            if verified:
                check_parts(snapshot)
            weakref.finalize(snapshot, held.pop_all().close)
            return snapshot, verified
    except (OSError, ValueError) as error:
        raise CorruptIndex(f"{folder} cannot be read ({error}): {REBUILD}") from error


def check_files(folder: Path, contents: bool = True) -> Manifest:
    """The manifest of a snapshot's folder, if all of its files are as the manifest says.

    Without `contents` only their sizes are compared, not the checksums.

    Raises CorruptIndex, which names the first file that is not; OSError if one cannot be read;
    ValueError if the manifest is whole but of another format.
    """
    manifest = _manifest(folder)
    for found in damage(folder, manifest, contents=contents):
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


def _size(manifest: Manifest) -> int:
    return sum(entry.size for entry in manifest.files.values())


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
