"""The journal of a build: the vectors of what has been encoded, on disk.

A build that is killed leaves it, and the next one encodes only what it does not hold. It is no part
of an index: each record has a checksum, and what follows a record that was not written whole is cut
off. A journal of another model or other software is emptied.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np

from rag.building.reuse import Content, PassageVectors
from rag.encoders import Encoder
from rag.index import encoding_key, quantise
from rag.types.errors import IndexNotWritable, RagError, UsageError

# Of each record: its checksum, the key of its content, and how many tokens it has.
_HEAD = struct.Struct("<16s16sI")
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Journal:
    """Vectors by content, in a file that the caller closes.

    The file has no buffer: what cannot be written would fail once more when it is closed, and hide
    the first error.
    """

    def __init__(self, file: BinaryIO, encoder: Encoder) -> None:
        self._file = file
        self._pooled = 4 * encoder.dim
        self._width = quantise(np.zeros((0, encoder.token_dim), np.float32)).shape[1]
        self._places: dict[bytes, tuple[int, int]] = {}
        key = encoding_key(encoder)
        with _writing():
            self._end = self._recovered(key)

    def __contains__(self, content: Content) -> bool:
        return _key(content) in self._places

    def add(self, contents: Sequence[Content], vectors: Sequence[PassageVectors]) -> None:
        """Writes the vectors of these contents. Raises IndexNotWritable."""
        records, at = [], self._end
        for content, (pooled, tokens) in zip(contents, vectors, strict=True):
            key, body = _key(content), pooled.tobytes() + tokens.tobytes()
            records += [_HEAD.pack(_checksum(key, len(tokens), body), key, len(tokens)), body]
            self._places[key] = (at + _HEAD.size, len(tokens))
            at += _HEAD.size + len(body)
        with _writing():
            self._file.seek(self._end)
            self._write(b"".join(records))
        self._end = at

    def read(self, content: Content) -> PassageVectors:
        """The vectors of a content that it holds."""
        start, count = self._places[_key(content)]
        self._file.seek(start)
        raw = self._file.read(self._pooled + count * self._width)
        pooled = np.frombuffer(raw, np.float32, self._pooled // 4)
        tokens = np.frombuffer(raw, np.uint8, offset=self._pooled)
        return pooled, tokens.reshape(count, self._width)

    def tokens(self, content: Content) -> int:
        """How many tokens a content has that it holds."""
        return self._places[_key(content)][1]

    def _recovered(self, key: bytes) -> int:
        """Where the next record goes: after the records that are whole."""
        whole = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        end = len(key)
        if self._file.read(len(key)) == key:
            while record := self._record(whole):
                self._places[record[0]] = (end + _HEAD.size, record[1])
                end = self._file.tell()
        else:
            self._file.seek(0)
            self._write(key)
        self._file.truncate(end)
        return end

    def _write(self, content: bytes) -> None:
        """Writes all of it; a file without a buffer may take a part at a time."""
        left = memoryview(content)
        while left:
            left = left[self._file.write(left) :]

    def _record(self, whole: int) -> tuple[bytes, int] | None:
        """The key and the number of tokens of the next record; None if it is not whole."""
        head = self._file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return None
        checksum, key, count = _HEAD.unpack(head)
        size = self._pooled + count * self._width
        if size > whole - self._file.tell():
            return None
        return (key, count) if _checksum(key, count, self._file.read(size)) == checksum else None


@contextmanager
def journal_at(path: Path, encoder: Encoder) -> Iterator[Journal]:
    """The journal in that file, which is made if it is missing.

    It is removed when the build is done or refused, and stays if the process is killed or
    interrupted.
    """
    try:
        descriptor = os.open(path, _OPEN, 0o600)
    except OSError as error:
        raise IndexNotWritable(f"{path} cannot be written ({error}): remove it") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{path} is in the way, and no build made it: move it elsewhere")
    with open(descriptor, "r+b", buffering=0) as file:
        try:
            yield Journal(file, encoder)
        except RagError:
            path.unlink(missing_ok=True)
            raise
    path.unlink(missing_ok=True)


@contextmanager
def temporary_journal(encoder: Encoder) -> Iterator[Journal]:
    """A journal that goes with the build."""
    with TemporaryFile(buffering=0) as file:
        yield Journal(file, encoder)


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise IndexNotWritable(
            f"what was encoded cannot be kept ({error}): free some space"
        ) from error


def _key(content: Content) -> bytes:
    context, text = content
    # Surrogates occur in no document, but a key must not fail.
    raw = f"{len(context)}\n{context}{text}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(raw).digest()[:16]


def _checksum(key: bytes, tokens: int, body: bytes) -> bytes:
    return hashlib.sha256(key + tokens.to_bytes(4, "little") + body).digest()[:16]
