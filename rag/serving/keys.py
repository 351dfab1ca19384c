"""The keys of the service: who may do what, kept hashed in a file beside the index.

A key is `rag_<id>_<secret>`. Its secret has 256 random bits, so nobody can guess it from its hash,
however fast that is computed: a slow hash, which passwords need, would only cost time at each
request. The file has the hash alone.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import translate
from pathlib import Path
from typing import Literal, get_args

import msgspec
from filelock import FileLock

from rag.store import DISK, utc_now
from rag.types.errors import UsageError

log = logging.getLogger("rag.serving.keys")

# Each may do what the ones before it may.
KeyScope = Literal["read", "build", "admin"]
SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)

MAX_DAYS = 3650
_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_TOKEN = re.compile(rb"rag_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
# Compared with if no key has the id, so that it takes the same time.
_NO_HASH = "0" * 64

# Tells one state of the file from the next.
KeysStamp = tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is stored. `paths` are patterns of document ids (`guides/*`), none for all."""

    id: str
    sha256: str
    scope: KeyScope
    created: datetime
    expires: datetime
    name: str = ""
    paths: tuple[str, ...] = ()

    def may(self, scope: KeyScope) -> bool:
        """Whether the key has that scope."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)

    def sees(self, document_id: str) -> bool:
        """Whether the key may see the document of that id."""
        return not self.paths or any(_pattern(each).match(document_id) for each in self.paths)

    def has_expired(self, now: datetime) -> bool:
        """Whether the key is no longer valid."""
        return now >= self.expires


@functools.lru_cache(1024)
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(translate(path))


def keys_beside(index: Path) -> Path:
    """The default place of the keys of an index."""
    return index.absolute().with_name(f"{index.absolute().name}.keys.json")


def lasting(expires: str) -> timedelta:
    """How long `90d`, `12h` or `30m` is. Raises UsageError for anything else."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", expires)
    if match is None or int(match[1]) * _SECONDS[match[2]] > MAX_DAYS * _SECONDS["d"]:
        raise UsageError(
            f"a key cannot expire after {expires!r}: give a number with d, h or m, as in 90d, "
            f"and at most {MAX_DAYS} days"
        )
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def add_key(
    file: Path,
    scope: KeyScope,
    expires: timedelta,
    *,
    name: str = "",
    paths: Sequence[str] = (),
    now: Callable[[], datetime] = utc_now,
) -> tuple[Key, str]:
    """Adds a key to the file, and returns it with its token, which is stored nowhere.

    Raises UsageError if a limited key would get a scope that reaches beyond its documents.
    """
    if paths and scope != "read":
        raise UsageError(f"a key with paths cannot have the scope {scope}: give it read")
    id, created = secrets.token_hex(4), now().replace(microsecond=0)
    token = f"rag_{id}_{secrets.token_urlsafe(32)}"
    key = Key(id, _hash(token.encode()), scope, created, created + expires, name, tuple(paths))
    with _changing(file):
        _write(file, [*_read_if_any(file), key])
    return key, token


def revoke_key(file: Path, id: str) -> Key:
    """Removes a key from the file; a running service refuses it from then on."""
    with _changing(file):
        keys = _read_if_any(file)
        found = [key for key in keys if key.id == id]
        if not found:
            known = ", ".join(key.id for key in keys) or "none"
            raise UsageError(f"no key has the id {id!r}: {file} has {known}")
        _write(file, [key for key in keys if key.id != id])
    return found[0]


def read_keys(file: Path) -> tuple[Key, ...]:
    """All keys of the file, in the order in which they were made.

    Raises UsageError if others may read or write the file, or if it is not one of keys; OSError if
    it cannot be read.
    """
    if file.stat().st_mode & 0o077:
        raise UsageError(f"{file} is open to other users: chmod 600 {file}")
    try:
        return msgspec.json.decode(file.read_bytes(), type=tuple[Key, ...])
    except msgspec.DecodeError as error:
        raise UsageError(f"{file} is no file of keys ({error}): restore it, or remove it") from None


class Keys:
    """The keys that are valid now. The file is read again when it is changed.

    A service that has seen the file requires keys from then on. While it cannot be read, nobody has
    one. Without a file no key is required. The processes of one service share a `mark`, a file that
    is there once any of them has seen keys.
    """

    def __init__(
        self,
        file: Path | None = None,
        now: Callable[[], datetime] = utc_now,
        mark: Path | None = None,
    ) -> None:
        self._file = file
        self._path = None if file is None else str(file)
        self._now = now
        self._mark = mark
        self._stamp: KeysStamp = None
        self._keys: dict[str, Key] = {}
        self._required = False

    @property
    def required(self) -> bool:
        """Whether a request needs a key."""
        self._catch_up()
        if not self._required and self._mark is not None:
            self._required = self._mark.exists()
        return self._required

    def find(self, token: bytes) -> Key | None:
        """The key whose token this is, even if it has expired; None if there is none."""
        self._catch_up()
        match = _TOKEN.fullmatch(token)
        key = self._keys.get(match[1].decode()) if match else None
        same = hmac.compare_digest(_hash(token), key.sha256 if key else _NO_HASH)
        return key if same else None

    def of_id(self, id: str) -> Key | None:
        """The key of that id, even if it has expired."""
        self._catch_up()
        return self._keys.get(id)

    def has_expired(self, key: Key) -> bool:
        """Whether the key is no longer valid."""
        return key.has_expired(self._now())

    def any_valid(self) -> bool:
        """Whether somebody could use the service."""
        self._catch_up()
        return any(not self.has_expired(key) for key in self._keys.values())

    def _catch_up(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp or self._file is None:
            return
        self._stamp, self._required = stamp, True
        try:
            self._keys = {key.id: key for key in read_keys(self._file)}
        except (UsageError, OSError) as error:
            log.error("no key is accepted: %s", error)
            self._keys = {}
        if self._mark is not None:
            self._mark.touch(0o600)


def _stamp(file: str | None) -> KeysStamp:
    try:
        # Asked at each request: Path.stat takes twice as long.
        found = None if file is None else os.stat(file)
    except OSError:
        return None
    return found and (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)


def _hash(token: bytes) -> str:
    return hashlib.sha256(token).hexdigest()


@contextmanager
def _changing(file: Path) -> Iterator[None]:
    """Holds the right to change the file; makes its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", mode=0o600):
        yield


def _read_if_any(file: Path) -> tuple[Key, ...]:
    return read_keys(file) if file.exists() else ()


def _write(file: Path, keys: Sequence[Key]) -> None:
    """Replaces the file in one step."""
    new = file.with_name(f"{file.name}.new")
    DISK.remove(new)
    DISK.write(new, msgspec.json.format(msgspec.json.encode(keys), indent=1))
    DISK.rename(new, file)
    DISK.sync_dir(file.parent)
