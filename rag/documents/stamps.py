"""Which files are as they were: their stamps and digests, kept from one build to the next.

A file whose stamp has not changed is not read again. The clock of a file system may be coarse, so a
stamp is kept only if the file had not been changed for `SETTLED` when it was read: a later change
gives another one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import msgspec

from rag.documents.beneath import FileStamp

# Nanoseconds. The coarsest clocks of file systems have steps of two seconds.
SETTLED = 3_000_000_000

# The stamp and the sha256 of each file, by its path.
Stamps = Mapping[str, tuple[FileStamp, str]]
NO_STAMPS: Stamps = MappingProxyType({})

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(dict[str, tuple[FileStamp, str]])


def settled(stamp: FileStamp | None, now: int) -> FileStamp | None:
    """The stamp, if a change from now on, in ns since 1970, would give another one."""
    return stamp if stamp and max(stamp[3:]) < now - SETTLED else None


def read_stamps(path: Path) -> Stamps:
    """The stamps in that file; none if there is no such file, or it was not written whole."""
    with suppress(OSError, ValueError):
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            raw = file.read()
        if hashlib.sha256(raw[32:]).digest() == raw[:32]:
            return _DECODER.decode(raw[32:])
    return {}


def write_stamps(path: Path, stamps: Stamps) -> None:
    """Writes the stamps, unless a path is not UTF-8 or the file cannot be written: that costs the
    next build time, so it is no error."""
    with suppress(OSError, UnicodeEncodeError):
        raw = _ENCODER.encode(stamps)
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(hashlib.sha256(raw).digest() + raw)
