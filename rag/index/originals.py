"""The files that a snapshot was built from, byte for byte: one after the other in one file."""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

from rag.index.report_table import Reports
from rag.types import FileReport
from rag.types.errors import REBUILD, CorruptIndex

ORIGINALS = "originals.bin"
STEP = 1 << 20

# Given a size and an offset, the bytes there.
ReadRange = Callable[[int, int], bytes | memoryview]


class Originals:
    """The bytes of each file that holds documents, in the order of the reports.

    `read` gives bytes of all of them together.
    """

    def __init__(self, files: Reports, read: ReadRange) -> None:
        self._files, self.read = files, read

    def pieces(self, file: FileReport) -> Iterator[bytes | memoryview]:
        """The bytes of a file, a megabyte at a time.

        They are compared with the file's sha256 before the first is given. Raises CorruptIndex.
        """
        found = hashlib.sha256()
        try:
            for piece in self._pieces(file):
                found.update(piece)
        except OSError as error:
            raise CorruptIndex(f"{ORIGINALS} cannot be read ({error}): {REBUILD}") from error
        if found.hexdigest() != file.sha256:
            raise CorruptIndex(f"{ORIGINALS} is damaged: {REBUILD}")
        return self._pieces(file)

    def at(self, start: int, file: FileReport) -> bytes:
        """The bytes of a file, which begin there, compared with its sha256. Raises CorruptIndex."""
        found = bytes(self.read(file.size, start))
        if hashlib.sha256(found).hexdigest() != file.sha256:
            raise CorruptIndex(f"{ORIGINALS} is damaged: {REBUILD}")
        return found

    def _pieces(self, file: FileReport) -> Iterator[bytes | memoryview]:
        found = self._files.with_documents(file.id)
        start = found[1] if found else 0
        for at in range(start, start + file.size, STEP):
            yield self.read(min(STEP, start + file.size - at), at)


def held_in(content: memoryview) -> ReadRange:
    """Reads from memory."""
    return lambda size, start: content[start : start + size]


def stored_at(path: Path) -> ReadRange:
    """Reads from a file, which stays open as long as the result lives."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(size: int, start: int) -> bytes:
        return os.pread(descriptor, size, start)

    weakref.finalize(read, os.close, descriptor)
    return read
