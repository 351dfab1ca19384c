"""The bytes of the files of a corpus, kept outside memory until they are written to the index."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from tempfile import SpooledTemporaryFile

from rag.types.errors import RagError

STEP = 1 << 20
# Up to this size the bytes are kept in memory.
SMALL = 1 << 24

TemporaryFile = SpooledTemporaryFile[bytes]


class Spool:
    """Keeps each content once, in a temporary file that the caller closes."""

    def __init__(self, file: TemporaryFile) -> None:
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}

    def add(self, sha256: str, content: bytes) -> None:
        """Keeps the content, unless it is there already. Raises RagError if there is no space."""
        if sha256 in self._places:
            return
        with writing_temporary():
            self._places[sha256] = self._file.seek(0, os.SEEK_END), len(content)
            self._file.write(content)

    def joined(self, digests: Sequence[str]) -> memoryview:
        """The contents of these sha256, one after the other; valid for as long as it is used."""
        with writing_temporary(), temporary() as joined:
            for digest in digests:
                for part in self._parts(*self._places[digest]):
                    joined.write(part)
            if joined.tell() > SMALL:
                joined.flush()
                return memoryview(mmap.mmap(joined.fileno(), 0, access=mmap.ACCESS_READ))
            joined.seek(0)
            return memoryview(joined.read())

    def _parts(self, start: int, size: int) -> Iterator[bytes]:
        for at in range(0, size, STEP):
            self._file.seek(start + at)
            yield self._file.read(min(STEP, size - at))


@contextmanager
def opened_spool() -> Iterator[Spool]:
    """A spool whose file goes with the `with`."""
    file = temporary()
    try:
        yield Spool(file)
    finally:
        # What cannot be written fails once more; that would hide the first error.
        with suppress(OSError):
            file.close()


def temporary() -> TemporaryFile:
    """A file without a name, in memory while it is small."""
    return SpooledTemporaryFile(max_size=SMALL)


@contextmanager
def writing_temporary() -> Iterator[None]:
    """Turns an error of the file system into RagError."""
    try:
        yield
    except OSError as error:
        raise RagError(
            f"a temporary file cannot be written ({error}): free some space, or set TMPDIR"
        ) from error
