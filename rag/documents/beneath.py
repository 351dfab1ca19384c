"""Opens files and folders below a trusted folder, and follows no link on the way down.

A path is checked first and opened later. Whoever exchanges one of its folders for a link in between
would have something else opened; here that is an error.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

EntryKind = Literal["folder", "link", "file"]
# Device, inode, size, and the times of the last change of content and of anything, in ns. The
# system sets the last of these, and no program can set it back.
FileStamp = tuple[int, int, int, int, int]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Opening a pipe or a terminal neither waits nor takes it over.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 16


class NotRegular(Exception):
    """What should be a file is a pipe, a socket, a device or a link."""


class TooLarge(Exception):
    """A file has more bytes than are wanted, `size` at least."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


def folder_entries(anchor: Path, folder: Path) -> list[tuple[str, EntryKind]]:
    """The name and kind of each entry of a folder in the anchor, by name. Raises OSError.

    A pipe or a device counts as a file: `read_beneath` tells.
    """
    with _opened(anchor, folder) as descriptor, os.scandir(descriptor) as found:
        return sorted((entry.name, _kind(entry)) for entry in found)


def stamp_of(anchor: Path, path: Path) -> FileStamp | None:
    """The stamp of a file in the anchor; None if it has none.

    Each change gives another one, but for writes to a memory mapping.
    """
    try:
        with _opened(anchor, path.parent) as folder:
            found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def read_beneath(anchor: Path, path: Path, limit: int) -> bytes:
    """The bytes of a file in the anchor. Raises OSError, NotRegular, and TooLarge over the limit.

    The limit holds for what is read, whatever size the file says it has.
    """
    with _opened(anchor, path.parent) as folder:
        # Some devices act when they are merely opened.
        _check(os.stat(path.name, dir_fd=folder, follow_symlinks=False), limit)
        descriptor = os.open(path.name, _FILE, dir_fd=folder)
        try:
            _check(os.fstat(descriptor), limit)
            return _read(descriptor, limit)
        finally:
            os.close(descriptor)


@contextmanager
def _opened(anchor: Path, folder: Path) -> Iterator[int]:
    """A descriptor of the folder, reached from the anchor through real folders alone."""
    descriptor = os.open(anchor, _FOLDER)
    try:
        for part in folder.relative_to(anchor).parts:
            inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _kind(entry: os.DirEntry[str]) -> EntryKind:
    if entry.is_symlink():
        return "link"
    return "folder" if entry.is_dir(follow_symlinks=False) else "file"


def _check(status: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular
    if status.st_size > limit:
        raise TooLarge(status.st_size)


def _read(descriptor: int, limit: int) -> bytes:
    content = bytearray()
    while chunk := os.read(descriptor, _CHUNK):
        content += chunk
        if len(content) > limit:
            raise TooLarge(len(content))
    return bytes(content)
