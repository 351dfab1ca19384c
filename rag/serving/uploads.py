"""Folders that hold what was uploaded for as long as it is built from.

A folder is locked by the service and by the build that reads it. The system frees the lock when
both have ended, however they did; so a folder of ours without a holder is one that nobody wants.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("rag.serving.uploads")

PREFIX = "rag-upload-"
# What tells our folders from others of such a name. It is written when the lock is held.
MARKER = ".rag-upload"


@dataclass(frozen=True, slots=True)
class Upload:
    """A folder of uploaded files, and the descriptor that holds its lock."""

    folder: Path
    lock: int


@contextmanager
def uploaded(texts: Iterable[tuple[str, str]]) -> Iterator[Upload]:
    """A folder that holds each text as the file of that name; removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        write_texts(folder, [(MARKER, ""), *texts])
        yield Upload(folder, lock)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def are_uploaded(paths: Sequence[Path]) -> bool:
    """Whether these are a folder of uploaded files."""
    return any((path / MARKER).is_file() for path in paths)


def write_texts(folder: Path, texts: Iterable[tuple[str, str]]) -> None:
    """Writes each text to the file of that name in the folder, which must not be there yet."""
    for name, text in texts:
        with (folder / name).open("x", encoding="utf-8", newline="") as file:
            file.write(text)


def sweep_uploads(parent: Path | None = None) -> None:
    """Removes the folders that were left by services that were killed.

    Only real folders of this user with our marker, which no process holds. `parent` is the folder
    for temporary files, as the system has it if left out.
    """
    for folder in sorted((parent or Path(tempfile.gettempdir())).glob(f"{PREFIX}*")):
        try:
            _remove_if_left(folder)
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
            if (folder / MARKER).is_file():
                shutil.rmtree(folder)
    finally:
        os.close(lock)
