"""Temporary folders for uploaded documents, which last as long as they are built from.

A folder is locked by the service and by the build that reads it. The system frees the lock when
both have ended, however they ended. A folder without a lock is left over and can be removed.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rag.building import UPLOAD_MARKER

log = logging.getLogger("rag.serving.uploads")

PREFIX = "rag-upload-"


@dataclass(frozen=True, slots=True)
class Upload:
    """A folder of uploaded files, and the descriptor that holds its lock."""

    folder: Path
    lock: int


@contextmanager
def upload_folder() -> Iterator[Upload]:
    """A temporary folder, with our marker alone."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Another process that sweeps may hold the lock for a moment, until it finds no marker.
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / UPLOAD_MARKER).touch()
        yield Upload(folder, lock)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def write_files(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Writes each file of that name and content into the folder, which must not have it yet."""
    for name, content in files:
        with (folder / name).open("xb") as file:
            file.write(content)


def sweep_uploads(parent: Path | None = None) -> None:
    """Removes the folders that killed services have left in `parent`, the system's by default.

    Only real folders of this user, with our marker, that no process has locked.
    """
    for folder in sorted((parent or Path(tempfile.gettempdir())).glob(f"{PREFIX}*")):
        try:
            _remove_if_left(folder)
        except FileNotFoundError:
            # Another process has just removed it.
            continue
        except OSError as error:
            log.warning("the upload folder %s cannot be removed (%s)", folder, error.strerror)


def _remove_if_left(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if (folder / UPLOAD_MARKER).is_file():
                shutil.rmtree(folder)
    finally:
        os.close(lock)
