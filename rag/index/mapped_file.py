"""A file that is mapped into memory, and whether it still holds what was verified."""

from __future__ import annotations

import hashlib
import io
import math
import mmap
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.errors import CorruptIndex

STEP = 1 << 20
# What comes before the numbers in a file that numpy saves is shorter.
HEADER = 4096

# Device, inode, size, and the times of the last change of content and of anything, in ns. The
# system sets the last of these, and no program can set it back.
Stamp = tuple[int, int, int, int, int]


def stamp_at(path: Path) -> Stamp | None:
    """The stamp of the file that stands there now, which tells it from itself after a change."""
    try:
        return _stamp(path.stat())
    except OSError:
        return None


class MappedFile:
    """An open file whose content had this sha256 when its stamp was this one; None: not yet."""

    def __init__(self, path: Path, sha256: str, stamp: Stamp | None) -> None:
        self._path, self._sha256, self._stamp = path, sha256, stamp
        self._altered = False
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._descriptor)

    def array(self) -> npt.NDArray[Any]:
        """The array that numpy has saved in the file, mapped and read-only. Raises ValueError."""
        mapped = mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ)
        header = io.BytesIO(mapped[:HEADER])
        version = np.lib.format.read_magic(header)
        if version != (1, 0):
            raise ValueError(f"{self._path} is of numpy's format {version}, not (1, 0)")
        shape, by_columns, kind = np.lib.format.read_array_header_1_0(header)
        if by_columns or kind.hasobject:
            raise ValueError(f"{self._path} is not an array of rows of numbers")
        numbers = np.frombuffer(mapped, kind, math.prod(shape), header.tell())
        return numbers.reshape(shape)

    def check(self) -> None:
        """None if the file holds what was verified; it is read again only if its stamp is another.

        Raises CorruptIndex, from then on always.
        """
        stamp = _stamp(os.fstat(self._descriptor))
        if stamp == self._stamp and not self._altered:
            return
        self._altered = self._altered or self._hash() != self._sha256
        if self._altered:
            raise CorruptIndex(
                f"{self._path} was altered after it had been verified: run `rag build`"
            )
        self._stamp = stamp

    def _hash(self) -> str:
        whole, at = hashlib.sha256(), 0
        while step := os.pread(self._descriptor, STEP, at):
            whole.update(step)
            at += len(step)
        return whole.hexdigest()


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
