"""Arrays in numpy's files: how they are read, and a mapped file that still is what was verified."""

from __future__ import annotations

import hashlib
import math
import mmap
import os
import re
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.index.columns import Buffer
from rag.types.errors import REBUILD, CorruptIndex

STEP = 1 << 20
# The pages of larger files are let go after so many checks: a question touches pages all over them,
# and each brings its neighbours. They stay in the system's cache.
LARGE = 1 << 28
LET_GO = 8
# What numpy 1.0 format writes before the numbers of an array of rows. Stricter than `np.load`, so
# that a damaged header raises ValueError and nothing else, and costs no memory.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([^']{3})', 'fortran_order': False, 'shape': "
    rb"\((\d{1,15},|\d{1,15}, \d{1,15})\), \} *\n",
    re.DOTALL,
)

# Device, inode, size, and the times of the last change of content and of anything, in ns. The
# system sets the last of these, and no program can set it back.
FileStamp = tuple[int, int, int, int, int]


def stamp_at(path: Path) -> FileStamp | None:
    """The stamp of the file at the path, another one after each change; None without a file."""
    try:
        return _stamp(path.stat())
    except OSError:
        return None


def array_in(raw: Buffer, kind: type[np.generic], dimensions: int) -> npt.NDArray[Any]:
    """The array in the content of a file that numpy saved: read-only, its rows in a piece.

    Raises ValueError unless it is of that kind, has that many dimensions (1 or 2) and fills the
    file.
    """
    found = _HEADER.match(raw)
    shape = tuple(int(n) for n in found[2].split(b",") if n) if found else ()
    dtype = np.dtype(kind)
    if found is None or found[1].decode("latin-1") != dtype.str or len(shape) != dimensions:
        raise ValueError(f"not an array of {dtype.name} with {dimensions} dimensions")
    if found.end() + math.prod(shape) * dtype.itemsize != len(raw):
        raise ValueError(f"not as long as an array of shape {shape}")
    return np.frombuffer(raw, dtype, offset=found.end()).reshape(shape)


class MappedFile:
    """An open file, and the stamp that it had when its content had this sha256, if known."""

    def __init__(
        self, path: Path, sha256: str, stamp: FileStamp | None, large: int = LARGE
    ) -> None:
        self._path, self._sha256, self._stamp = path, sha256, stamp
        self._altered = False
        self._large, self._checks = large, 0
        self._map: mmap.mmap | None = None
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._descriptor)

    def content(self) -> memoryview:
        """What the file holds, read from disk as it is used. Raises ValueError if it is empty."""
        self._map = mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ)
        return memoryview(self._map)

    def check(self) -> None:
        """Raises CorruptIndex, and always from then on, unless the file holds what was verified.

        The file is read again only if its stamp has changed.
        """
        self._checks += 1
        if self._map and self._checks % LET_GO == 0 and len(self._map) > self._large:
            self._map.madvise(mmap.MADV_DONTNEED)
        stamp = _stamp(os.fstat(self._descriptor))
        if stamp == self._stamp and not self._altered:
            return
        self._altered = self._altered or self._hash() != self._sha256
        if self._altered:
            raise CorruptIndex(f"{self._path} was altered after it had been verified: {REBUILD}")
        self._stamp = stamp

    def _hash(self) -> str:
        whole, at = hashlib.sha256(), 0
        while step := os.pread(self._descriptor, STEP, at):
            whole.update(step)
            at += len(step)
        return whole.hexdigest()


def _stamp(found: os.stat_result) -> FileStamp:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
