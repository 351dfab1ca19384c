"""A backup: the live snapshot and what people have added beside it, in one checksummed file.

The file is a tar archive. Its first member is named by its own sha256 and lists size and sha256 of
all others, so that no byte can change unnoticed. Nothing is compressed: vectors do not shrink.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import mmap
import os
import re
import sqlite3
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal
from urllib.parse import quote

import msgspec

from rag import __version__
from rag.index import MANIFEST, Count, Manifest, Sha256
from rag.store.disk import DISK, Files
from rag.store.entries import ASIDE
from rag.store.open import load_snapshot, open_snapshot
from rag.store.publish import go_live, unchanged, writing
from rag.store.readback import Verifier, in_child
from rag.store.regular import read_regular
from rag.store.versions import (
    LARGEST,
    Clock,
    Version,
    current_id,
    live_id,
    live_version,
    restored,
    snapshot_ids,
    utc_now,
    version_of,
)
from rag.types.errors import CorruptIndex, IndexNotWritable, UsageError

if TYPE_CHECKING:  # as in `open`
    from rag.encoders import Encoder

# What people have added, by its name in a backup, and where it is; databases end with `.sqlite`.
Beside = Mapping[str, Path]
NOTHING: Beside = {}

_LIST = re.compile(r"backup-[0-9a-f]{64}\.json")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a backup."""

    size: Count
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds: the version that was live, and each file by its name.

    `made_with` is the version of the program.
    """

    format: Literal[1]
    made_with: str
    version: Version
    files: dict[str, Member]

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(member.size for member in self.files.values())

    @property
    def beside(self) -> list[str]:
        """The names of the files beside the snapshot."""
        return sorted(name for name in self.files if "/" not in name)


def back_up(index: Path, target: Path, beside: Beside = NOTHING) -> Contents:
    """Writes the live snapshot, and what there is of `beside`, to a new file.

    Builds and the service go on meanwhile. Raises NoIndex, CorruptIndex if the live snapshot is
    damaged, UsageError if the file exists, and IndexNotWritable if it cannot be written.
    """
    id = current_id(index)
    snapshot = load_snapshot(index, id)  # while it lives, no build removes its folder
    version = live_version(index)
    if version is None or version.id != id:
        version = version_of(snapshot.manifest, utc_now(), None)
    added = dict(_added(beside))
    contents = Contents(1, __version__, version, _members(id, snapshot.manifest, added))
    try:
        with _new(target) as file, tarfile.open(fileobj=file, mode="w") as archive:
            listed = _to_bytes(contents)
            _add(archive, _name(listed), len(listed), io.BytesIO(listed))
            for name, member in contents.files.items():
                if name in added:
                    _add(archive, name, member.size, io.BytesIO(added[name]))
                else:
                    with (index / name).open("rb") as content:
                        _add(archive, name, member.size, content)
    except FileExistsError as error:
        taken = error.filename2 or error.filename
        raise UsageError(
            f"{taken} exists already: name a new file, or remove what a killed backup has left"
        ) from None
    except OSError as error:
        raise IndexNotWritable(f"{target} cannot be written ({error}): choose another") from error
    return contents


def restore(
    source: Path,
    index: Path,
    encoder: Encoder,
    beside: Beside = NOTHING,
    files: Files = DISK,
    *,
    verify: Verifier = in_child,
    clock: Clock = utc_now,
) -> Contents:
    """Makes an index of a backup, in a folder in which nothing is live, and what is beside it.

    Raises UsageError if the file is no backup or the folder holds an index, CorruptIndex if the
    file is damaged, ModelMismatch if the snapshot was built with another model, and
    IndexNotWritable. After an error nothing is live in the folder.
    """
    content = _mapped(source)
    with writing(index, files):
        contents, members = _read(source, content)
        id, added = contents.version.id, _placed(source, contents, beside)
        _check_free(index, id, added.values())
        with _put_back(index, [index / id, *added.values()], files):
            with unchanged(index, files):
                # A restore that was cut off may have left the snapshot.
                files.remove(index / id)
                _write_snapshot(index, id, members, files)
            verify(index, id)
            open_snapshot(index, id, encoder)
            with unchanged(index, files):
                for name, path in added.items():
                    files.write(path, members[name])
            go_live(index, restored(contents.version, clock()), files)
    return contents


def _placed(source: Path, contents: Contents, beside: Beside) -> dict[str, Path]:
    """Where to put what is beside the snapshot."""
    foreign = [name for name in contents.beside if name not in beside]
    if foreign:
        raise CorruptIndex(f"{source} holds what no backup does: {foreign[0]!r}")
    return {name: beside[name] for name in contents.beside}


def _check_free(index: Path, id: str, added: Iterable[Path]) -> None:
    if live_id(index) is not None or set(snapshot_ids(index)) - {id}:
        raise UsageError(f"{index} holds an index: restore to a new folder by --index")
    for path in added:
        if os.path.lexists(path):
            raise UsageError(f"{path} exists: move it, or restore to a new folder by --index")


def _write_snapshot(index: Path, id: str, members: Mapping[str, memoryview], files: Files) -> None:
    aside = index / f"{ASIDE}{id}"
    files.make_dir(aside)
    for name, content in members.items():
        if "/" in name:
            files.write(index / f"{ASIDE}{name}", content)
    files.sync_dir(aside)
    files.rename(aside, index / id)
    files.sync_dir(index)


@contextmanager
def _put_back(index: Path, written: Sequence[Path], files: Files) -> Iterator[None]:
    """Removes what a failed restore has written."""
    try:
        yield
    except BaseException:
        if live_id(index) is None:
            with suppress(OSError):
                for path in written:
                    files.remove(path)
        raise


def _added(beside: Beside) -> Iterator[tuple[str, bytes]]:
    """What people have added, as it is at this moment."""
    for name, path in beside.items():
        if os.path.lexists(path):
            yield name, _database(path) if name.endswith(".sqlite") else _text(path)


def _text(path: Path) -> bytes:
    try:
        return read_regular(path, LARGEST)
    except OSError as error:
        raise CorruptIndex(f"{path} cannot be read ({error}): move it elsewhere") from error


def _database(path: Path) -> bytes:
    """A database as one transaction sees it, whoever writes meanwhile."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
            return database.serialize()
    except sqlite3.Error as error:
        raise CorruptIndex(f"{path} cannot be read ({error}): move it elsewhere") from error


def _members(id: str, manifest: Manifest, beside: Mapping[str, bytes]) -> dict[str, Member]:
    """All files of a backup, by name."""
    raw = manifest.to_bytes()
    return {
        f"{id}/{MANIFEST}": Member(len(raw), _sha256(raw)),
        **{f"{id}/{name}": Member(e.size, e.sha256) for name, e in manifest.files.items()},
        **{name: Member(len(content), _sha256(content)) for name, content in beside.items()},
    }


@contextmanager
def _new(target: Path) -> Iterator[IO[bytes]]:
    """A file that appears whole or not at all, for its owner alone. Raises OSError."""
    part = target.with_name(f"{target.name}.part")
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "it exists", str(target))
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.link(part, target)  # unlike a rename, it replaces no file
        finally:
            os.unlink(part)


def _add(archive: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    """Adds a file; of two backups of one index, all bytes but the list's are equal."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    archive.addfile(member, content)


def _mapped(source: Path) -> mmap.mmap:
    """The bytes of a file. Raises UsageError if it cannot be a backup."""
    try:
        with source.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise UsageError(f"{source} cannot be read as a backup ({error})") from error


def _read(source: Path, content: mmap.mmap) -> tuple[Contents, dict[str, memoryview]]:
    """What a backup holds, each byte checked. Raises UsageError, CorruptIndex."""
    found = dict(_found(source, content))
    listed = [name for name in found if _LIST.fullmatch(name)]
    if len(listed) != 1:
        raise UsageError(f"{source} is no backup: name a file that `rag backup` has written")
    raw = bytes(found.pop(listed[0]))
    if listed[0] != _name(raw):
        raise CorruptIndex(f"{source} is damaged: its list of files was altered")
    contents = _parse(source, raw)
    if sorted(found) != sorted(contents.files):
        raise CorruptIndex(f"{source} is damaged: files are missing, or others were added")
    for name, member in contents.files.items():
        if member != Member(len(found[name]), _sha256(found[name])):
            raise CorruptIndex(f"{source} is damaged: {name} was altered")
    return contents, found


def _found(source: Path, content: mmap.mmap) -> Iterator[tuple[str, memoryview]]:
    """The regular files of an archive; nothing else has been put into one. Raises CorruptIndex."""
    try:
        with tarfile.open(source, mode="r:") as archive:
            for member in archive:
                if member.type != tarfile.REGTYPE:
                    raise CorruptIndex(f"{source} is damaged: {member.name!r} is no regular file")
                if member.size < 0:
                    # The next header would be an earlier one, for ever.
                    raise CorruptIndex(f"{source} is damaged: {member.name!r} has no size")
                start = member.offset_data
                yield member.name, memoryview(content)[start : start + member.size]
    except (tarfile.TarError, OSError, ValueError, OverflowError, RecursionError) as error:
        raise CorruptIndex(
            f"{source} is damaged, or no backup ({error}): name one that `rag backup` wrote"
        ) from error


def _parse(source: Path, raw: bytes) -> Contents:
    try:
        contents = msgspec.json.decode(raw, type=Contents)
    except ValueError as error:
        raise UsageError(
            f"{source} was made by another version of this program ({error}): restore it with that"
        ) from error
    known = re.compile(rf"{contents.version.id}/[a-z0-9_]+\.[a-z]+")
    foreign = [name for name in contents.files if "/" in name and not known.fullmatch(name)]
    if foreign:
        raise CorruptIndex(f"{source} holds what no backup does: {foreign[0]!r}")
    return contents


def _to_bytes(contents: Contents) -> bytes:
    return json.dumps(asdict(contents), ensure_ascii=False, sort_keys=True).encode()


def _name(raw: bytes) -> str:
    """The name of the list of files."""
    return f"backup-{_sha256(raw)}.json"


def _sha256(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()
