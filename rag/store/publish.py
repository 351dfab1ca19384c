"""The index folder: one writer at a time, and a new snapshot that appears whole or not at all.

    <index>/LOCK       held by the one process that writes; the system frees it when that dies
    <index>/tmp-<id>   being written or removed, as are tmp-CURRENT and tmp-VERSIONS; the next
                       holder of the lock removes what is left of them
    <index>/bad-<id>   found damaged, as are bad-CURRENT and bad-VERSIONS; never removed here

A snapshot is written to a temporary folder, synced, renamed into place, read back, and only then
named in CURRENT. When that is on disk the build is acknowledged, and only then are older ones
removed.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from rag.index import MANIFEST, Snapshot, check_encoder
from rag.store.disk import DISK, Files
from rag.store.entries import ASIDE, LOCK, check_entries, is_foreign, is_ours, leftovers
from rag.store.open import check_files, open_snapshot
from rag.store.readback import Verifier, in_child
from rag.store.versions import (
    BAD,
    CURRENT,
    LARGEST,
    NO_REMARKS,
    VERSIONS,
    Clock,
    Remarks,
    Version,
    appended,
    find_id,
    live_id,
    newest_first,
    no_index,
    predecessor,
    raw_versions,
    read_versions,
    rolled_back,
    snapshot_ids,
    utc_now,
    version_of,
)
from rag.text import counted
from rag.types.errors import BusyError, CorruptIndex, IndexNotWritable, UsageError

if TYPE_CHECKING:  # the child that reads a snapshot back imports no encoder
    from rag.encoders import Encoder

log = logging.getLogger("rag.store.publish")

KEEP = 3
# If the only snapshot were damaged, nothing would be left.
LEAST = 2


@contextmanager
def writing(index: Path, files: Files = DISK) -> Iterator[None]:
    """Holds the folder's lock, after removing what dead builds left behind.

    Makes the folder if it is missing. Raises BusyError at once if another process builds,
    UsageError if it is a file or holds other things than an index, and IndexNotWritable.
    """
    if index.is_file():
        raise UsageError(f"{index} is a file, and an index is a folder: choose another --index")
    try:
        _make(index, files)
        check_entries(index)
        lock = FileLock(index / LOCK, blocking=False)
        lock.acquire()
    except Timeout:
        raise BusyError(f"another build is writing {index}: wait until it is done") from None
    except OSError as error:
        raise IndexNotWritable(
            f"{index} cannot be written ({error}): make it writable, or choose another --index"
        ) from error
    try:
        with unchanged(index, files):
            sweep(index, files)
        yield
    finally:
        lock.release()


def publish(
    index: Path,
    snapshot: Snapshot,
    encoder: Encoder,
    files: Files = DISK,
    *,
    keep: int = KEEP,
    verify: Verifier = in_child,
    clock: Clock = utc_now,
    remarks: Remarks = NO_REMARKS,
) -> str:
    """Writes a snapshot that was just built, reads it back, and makes it live; returns its id.

    The caller holds `writing(index)`. The old snapshot is live until the last rename, and stays so
    after an error. `keep` snapshots are kept, this one included. Raises CorruptIndex if what was
    written cannot be read back, and IndexNotWritable.
    """
    if keep < LEAST:
        raise UsageError(f"to keep {counted(keep, 'snapshot')} is too few: keep at least {LEAST}")
    check_encoder(index / snapshot.id, snapshot, encoder)
    with unchanged(index, files):
        if not _is_there(index, snapshot.id, files):
            _write_aside(index, snapshot, files)
            files.rename(index / f"{ASIDE}{snapshot.id}", index / snapshot.id)
            files.sync_dir(index)
            _read_back(index, snapshot.id, files, verify)
        elif snapshot.id not in {live_id(index), *(each.id for each in read_versions(index))}:
            _write_over(index, snapshot, files)
            verify(index, snapshot.id)
    version = version_of(snapshot.manifest, clock(), live_id(index), remarks)
    go_live(index, version, files)
    collect(index, keep, files)
    return snapshot.id


def roll_back(
    index: Path,
    encoder: Encoder,
    id: str | None = None,
    files: Files = DISK,
    *,
    verify: Verifier = in_child,
    clock: Clock = utc_now,
) -> Version:
    """Makes a kept snapshot live again: `id`, or the one that was live before the current one.

    It holds `writing(index)` meanwhile, and verifies the snapshot first. Raises NoIndex if there is
    none, CorruptIndex if it is damaged, and ModelMismatch if it was built with another model; the
    index is then unchanged.
    """
    if not snapshot_ids(index):
        raise no_index(index)
    with writing(index, files):
        current, versions = live_id(index), read_versions(index)
        target = find_id(index, id) if id else _one_before(index, current, versions)
        verify(index, target)
        snapshot = open_snapshot(index, target, encoder)
        recorded = {version.id: version for version in versions}.get(target)
        now = clock()
        version = rolled_back(recorded or version_of(snapshot.manifest, now, None), now, current)
        go_live(index, version, files)
    return version


def sweep(index: Path, files: Files) -> None:
    """Removes what dead builds left behind. The caller holds `writing(index)`."""
    for path in leftovers(index):
        files.remove(path)


def sweep_if_idle(index: Path, files: Files = DISK) -> None:
    """Sweeps, unless a build is running, the folder is no index, or it cannot be written."""
    if leftovers(index):
        with suppress(BusyError, IndexNotWritable, UsageError), writing(index, files):
            pass


def collect(index: Path, keep: int, files: Files) -> None:
    """Removes all but the newest `keep` snapshots; never the live one, the one that was live
    before it, one that is in use, or what no build has made.

    Damaged ones do not count and are set aside as `bad-<id>`; ones that cannot be read do not
    count either. The caller holds `writing(index)`. An error is only logged: the build is
    acknowledged.
    """
    try:
        old = _old(index, keep, files)
        _remove(index, [id for id in old if not _in_use(index / id)], files)
    except OSError as error:
        log.warning("old snapshots in %s cannot be removed (%s)", index, error)


def _make(index: Path, files: Files) -> None:
    """Makes the folder, synced, so that it outlasts a power cut."""
    made = [folder for folder in (index, *index.parents) if not folder.exists()]
    for folder in reversed(made):
        with suppress(FileExistsError):
            files.make_dir(folder)
    if not (index / CURRENT).exists():
        for folder in made or [index]:
            files.sync_dir(folder.parent)


@contextmanager
def unchanged(index: Path, files: Files) -> Iterator[None]:
    """Turns an error of the file system into IndexNotWritable, and makes room again."""
    try:
        yield
    except OSError as error:
        with suppress(OSError):
            sweep(index, files)
        raise IndexNotWritable(
            f"{index} cannot be written ({error}): the index is unchanged"
        ) from error


def _one_before(index: Path, current: str | None, versions: Sequence[Version]) -> str:
    before = predecessor(versions, current) if current else None
    if before is None or before not in snapshot_ids(index):
        others = ", ".join(id for id in snapshot_ids(index) if id != current)
        raise UsageError(
            f"{index} keeps nothing that was live before {current or 'the damaged CURRENT'}: "
            + (f"give one of {others}" if others else "there is nothing else to go back to")
        )
    return before


def _is_there(index: Path, id: str, files: Files) -> bool:
    """Whether the snapshot is there and sound; a damaged one is set aside."""
    return (index / id).exists() and not _set_bad_if_damaged(index, id, files)


def _write_aside(index: Path, snapshot: Snapshot, files: Files) -> None:
    written = snapshot.content
    _check_space(index, sum(len(content) for content in written.values()), files)
    aside = index / f"{ASIDE}{snapshot.id}"
    files.make_dir(aside)
    for name, content in written.items():
        files.write(aside / name, content)
    files.write(aside / MANIFEST, snapshot.manifest.to_bytes())
    files.sync_dir(aside)


def _write_over(index: Path, snapshot: Snapshot, files: Files) -> None:
    """Writes a sound snapshot that was never published again, file by file.

    Its build may have failed to sync it. It may also be all that is left, so it stays whole at
    every moment: each file is replaced by the same content.
    """
    _write_aside(index, snapshot, files)
    aside, folder = index / f"{ASIDE}{snapshot.id}", index / snapshot.id
    for name in sorted([*snapshot.manifest.files, MANIFEST]):
        files.rename(aside / name, folder / name)
    files.sync_dir(folder)
    files.sync_dir(index)
    files.remove(aside)


def _check_space(index: Path, needed: int, files: Files) -> None:
    free = files.free(index)
    if free < needed:
        raise OSError(errno.ENOSPC, f"{free} bytes are free, {needed} are needed: free some")


def _read_back(index: Path, id: str, files: Files, verify: Verifier) -> None:
    try:
        verify(index, id)
    except CorruptIndex as error:
        _set_bad(index, id, files, str(error))
        raise CorruptIndex(f"the new snapshot is refused, the old one is live: {error}") from error


def _name_current(index: Path, version: Version, files: Files) -> None:
    """Records the version and names it in CURRENT; the caller syncs the folder."""
    for name in (VERSIONS, CURRENT):
        _set_aside_irregular(index, name, files)
    raw = raw_versions(index)
    if version.before != version.id or not _is_recorded(index, version):
        raw = appended(raw, version)
    files.write(index / f"{ASIDE}{VERSIONS}", raw)
    files.write(index / f"{ASIDE}{CURRENT}", f"{version.id}\n".encode())
    files.rename(index / f"{ASIDE}{VERSIONS}", index / VERSIONS)
    files.rename(index / f"{ASIDE}{CURRENT}", index / CURRENT)


def _is_recorded(index: Path, version: Version) -> bool:
    """Whether VERSIONS has the snapshot with these sources, or none are given."""
    recorded = {each.id: each for each in read_versions(index)}.get(version.id)
    return recorded is not None and version.sources in (None, recorded.sources)


def go_live(index: Path, version: Version, files: Files) -> None:
    """Names the version in CURRENT, and returns when that is on disk."""
    with unchanged(index, files):
        _name_current(index, version, files)
    try:
        files.sync_dir(index)
    except OSError as error:
        raise IndexNotWritable(
            f"{index} cannot be synced ({error}): {version.id} is live, but may not outlast a "
            "power cut; repeat the command"
        ) from error


def _old(index: Path, keep: int, files: Files) -> list[str]:
    """The ids of the snapshots beyond the newest `keep` sound ones; damaged ones make room."""
    versions, live = read_versions(index), live_id(index)
    there = [id for id in snapshot_ids(index) if not is_foreign(index / id)]
    before = predecessor(versions, live) if live else None
    known = [live, before, *(version.id for version in newest_first(versions)), *there]
    kept, old = 0, []
    for id in dict.fromkeys(id for id in known if id in there):
        if kept >= keep and is_ours(index / id):
            old.append(id)
        elif id == live or _is_sound(index, id, files):
            kept += 1
    return old


def _is_sound(index: Path, id: str, files: Files) -> bool:
    """Whether a snapshot counts as kept: it can be read, and is not damaged."""
    try:
        return not _set_bad_if_damaged(index, id, files)
    except OSError as error:
        log.warning("%s cannot be read (%s): it is not counted", index / id, error)
        return False


def _set_bad_if_damaged(index: Path, id: str, files: Files) -> bool:
    """Whether a snapshot is damaged; then it is set aside. Raises OSError."""
    damage = _damage(index / id)
    if damage:
        _set_bad(index, id, files, damage)
    return damage is not None


def _damage(folder: Path) -> str | None:
    """What is wrong with a snapshot's files, or None; another format is no damage.

    Raises OSError if rights or descriptors are missing to read them.
    """
    try:
        check_files(folder)
    except CorruptIndex as error:
        return str(error)
    except ValueError:
        return None
    except OSError as error:
        if error.errno in (errno.EIO, errno.EINVAL, errno.EFBIG, errno.ENOTDIR, errno.ELOOP):
            return f"{folder} cannot be read ({error})"
        raise
    return None


def _set_bad(index: Path, id: str, files: Files, reason: str) -> None:
    """Renames what is damaged: it is never served, and can be examined."""
    number = len(list(index.glob(f"{BAD}{id}*")))
    bad = index / (f"{BAD}{id}-{number + 1}" if number else f"{BAD}{id}")
    files.rename(index / id, bad)
    log.warning("%s; set aside as %s", reason, bad.name)


def _set_aside_irregular(index: Path, name: str, files: Files) -> None:
    """Sets aside what has the name of one of our files and was not written by a build."""
    path = index / name
    with suppress(FileNotFoundError):
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            _set_bad(index, name, files, f"{path} is not what a build writes")


def _in_use(folder: Path) -> bool:
    """Whether a process has the snapshot loaded."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _remove(index: Path, ids: Sequence[str], files: Files) -> None:
    """Removes snapshots; a folder that is named by an id is whole at every moment."""
    for id in ids:
        files.rename(index / id, index / f"{ASIDE}{id}")
    if ids:
        files.sync_dir(index)
    for id in ids:
        files.remove(index / f"{ASIDE}{id}")
