"""Reads a small file that anybody may have tampered with."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises OSError for anything else: a link, a folder, a device, a pipe (without waiting for it),
    a longer file.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise _irregular(path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _irregular(path)
    with open(descriptor, "rb", buffering=0) as file:
        found = bytearray()
        # One byte more than is allowed shows that the file is too long.
        while step := file.read(most + 1 - len(found)):
            found += step
    if len(found) > most:
        raise OSError(errno.EFBIG, f"longer than {most} bytes", str(path))
    return bytes(found)


def _irregular(path: Path) -> OSError:
    return OSError(errno.EINVAL, "not a regular file", str(path))
