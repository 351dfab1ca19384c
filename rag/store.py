"""The index folder: one writer at a time, and a new snapshot that appears whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from rag.encoder import Encoder
from rag.errors import BusyError, UsageError
from rag.files import Files
from rag.snapshot import CURRENT, MANIFEST, Snapshot, contents, open_snapshot

LOCK = "LOCK"
ASIDE = "tmp-"


@contextmanager
def writing(index: Path) -> Iterator[None]:
    """Holds the folder's lock, which the system frees when the holder dies.

    Makes the folder where it is missing. Raises BusyError at once where another process builds,
    and UsageError where the folder cannot be written.
    """
    try:
        index.mkdir(parents=True, exist_ok=True)
        lock = FileLock(index / LOCK, blocking=False)
        lock.acquire()
    except Timeout:
        raise BusyError(f"another build is writing {index}: wait until it is done") from None
    except OSError as error:
        raise UsageError(f"{index} cannot be written ({error}): choose another --index") from error
    try:
        yield
    finally:
        lock.release()


def publish(index: Path, snapshot: Snapshot, encoder: Encoder, files: Files) -> str:
    """Writes the snapshot, reads it back, and makes it the current one; returns its id.

    The caller holds `writing(index)`. Until the last rename the old snapshot answers, and after
    an error it goes on to.
    """
    sweep(index, files)
    written = contents(snapshot)
    _check_space(index, sum(len(content) for content in written.values()))
    target = index / snapshot.id
    try:
        if not target.exists():
            _write_aside(index, snapshot, written, files)
        open_snapshot(index, snapshot.id, encoder)
        _point(index, snapshot.id, files)
    except OSError as error:
        raise UsageError(f"{index} cannot be written ({error}): the index is as before") from error
    return snapshot.id


def sweep(index: Path, files: Files) -> None:
    """Removes what builds that died have left behind."""
    for path in sorted(index.glob(f"{ASIDE}*")):
        files.remove(path)


def _write_aside(
    index: Path, snapshot: Snapshot, written: dict[str, bytes | memoryview], files: Files
) -> None:
    aside = index / f"{ASIDE}{snapshot.id}"
    files.make_dir(aside)
    for name, content in written.items():
        files.write(aside / name, content)
    files.write(aside / MANIFEST, snapshot.manifest.to_bytes())
    files.sync_dir(aside)
    files.rename(aside, index / snapshot.id)
    files.sync_dir(index)


def _point(index: Path, id: str, files: Files) -> None:
    """Names the snapshot in CURRENT, in one step."""
    aside = index / f"{ASIDE}{CURRENT}"
    files.write(aside, f"{id}\n".encode())
    files.rename(aside, index / CURRENT)
    files.sync_dir(index)


def _check_space(index: Path, needed: int) -> None:
    free = shutil.disk_usage(index).free
    if free < needed:
        raise UsageError(f"{index} has {free} bytes free, the index needs {needed}: free some")
