"""The versions of an index: which snapshot is live, and which were published before it.

    <index>/CURRENT     the id of the live snapshot
    <index>/VERSIONS    a line of JSON for each publication, oldest first

Dates are kept here and in no snapshot, so that the same corpus gives the same snapshot.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rag.index import Count, Counts, Manifest, Sha256, SnapshotId
from rag.store.regular import read_regular
from rag.store.sources import Sources
from rag.text import counted
from rag.types.errors import REBUILD, CorruptIndex, NoIndex, UsageError
from rag.types.system_limits import limits_named

CURRENT = "CURRENT"
VERSIONS = "VERSIONS"
BAD = "bad-"

# A watched folder is published every few seconds; this many lines are still read at once.
REMEMBERED = 1000
# A line takes some 700 bytes; what is far longer was not written here.
LONGEST_LINE = 1 << 16
# At most this many bytes are read of CURRENT and of VERSIONS.
LARGEST = 1 << 24

_ID = re.compile(r"[0-9a-f]{12}")

Action = Literal["build", "rollback"]
Timestamp = Annotated[
    str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
]
Number = Annotated[int, Meta(ge=-(2**53), le=2**53)] | float
SnapshotState = Literal["current", "kept", "bad", "removed"]
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Remarks:
    """What is recorded of a build: its evaluation figures by measure, whether the gate was
    overruled, a note, and what it was built from."""

    eval: Mapping[str, float] | None = None
    forced: bool = False
    note: str = ""
    sources: Sources | None = None


NO_REMARKS = Remarks()


@dataclass(frozen=True, slots=True)
class Version:
    """One publication of a snapshot.

    `published` is in UTC, ISO 8601, to the second. `before` is the id that was live until then.
    `size` is the bytes of all its files.
    """

    id: SnapshotId
    published: Timestamp
    action: Action
    before: SnapshotId | None
    corpus_sha256: Sha256
    counts: Counts
    size: Count
    eval: Mapping[str, Number] | None
    forced: bool
    note: str
    # Not known of an index that an older version has built.
    sources: Sources | None = None

    def to_json(self) -> dict[str, Any]:
        """The version as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Listed:
    """A snapshot's last publication, and the snapshot's state now."""

    version: Version
    state: SnapshotState

    def to_json(self) -> dict[str, Any]:
        """The version with its state, as plain JSON values."""
        return {"state": self.state, **self.version.to_json()}

    def __str__(self) -> str:
        """The same on one line, for people."""
        version, counts = self.version, self.version.counts
        parts = [
            counted(counts.documents, "document"),
            counted(counts.passages, "passage"),
            f"{version.size / 1e6:.1f} MB",
            f"corpus {version.corpus_sha256[:12]}",
            ", ".join(_figure(*item) for item in sorted((version.eval or {}).items()))
            or "not evaluated",
            "forced" if version.forced else "",
            version.note,
        ]
        said = ", ".join(part for part in parts if part)
        return f"{version.id}  {version.published}  {self.state:<7}  {said}"


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def version_of(
    manifest: Manifest, at: datetime, before: str | None, remarks: Remarks = NO_REMARKS
) -> Version:
    """The version that a build of this snapshot makes, published at that time (UTC)."""
    raw = manifest.to_bytes()
    return Version(
        id=manifest.id,
        published=_stamp(at),
        action="build",
        before=before,
        corpus_sha256=manifest.corpus_sha256,
        counts=manifest.counts,
        size=len(raw) + sum(entry.size for entry in manifest.files.values()),
        eval=remarks.eval,
        forced=remarks.forced,
        note=remarks.note,
        sources=remarks.sources,
    )


def rolled_back(version: Version, at: datetime, before: str | None) -> Version:
    """The same snapshot published once more, in place of `before`."""
    note = f"rolled back from {before}" if before else "rolled back"
    return replace(
        version, published=_stamp(at), action="rollback", before=before, forced=False, note=note
    )


def restored(version: Version, at: datetime) -> Version:
    """The same snapshot published in a folder where nothing was live before."""
    note = f"restored from a backup of the version of {version.published}"
    return replace(version, published=_stamp(at), before=None, note=note)


def current_id(index: Path) -> str:
    """The id that CURRENT names. Raises NoIndex if it is missing or the index is no folder,
    CorruptIndex if it is not an id, and SystemLimit."""
    try:
        with limits_named():
            name = read_regular(index / CURRENT, LARGEST).decode().strip()
    except (FileNotFoundError, NotADirectoryError):
        raise no_index(index) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptIndex(f"{index / CURRENT} cannot be read ({error}): {REBUILD}") from error
    if not _ID.fullmatch(name):
        raise CorruptIndex(f"{index / CURRENT} names no snapshot (found {name[:40]!r}): {REBUILD}")
    return name


def no_index(index: Path) -> NoIndex:
    """The error that nothing has been built in that folder."""
    where = index.absolute()
    if where.is_file():
        return NoIndex(f"{where} is a file, and an index is a folder: name one by --index")
    return NoIndex(f"no index in {where}: run `rag build`, or name the folder of one by --index")


def live_id(index: Path) -> str | None:
    """The id that CURRENT names, or None if it names none. Raises SystemLimit."""
    try:
        return current_id(index)
    except (NoIndex, CorruptIndex):
        return None


@dataclass(frozen=True, slots=True)
class Record:
    """The versions in VERSIONS, oldest first, and how many of its lines cannot be read."""

    path: Path
    versions: tuple[Version, ...]
    unread: int


def read_record(index: Path) -> Record:
    """The record of what was published; empty if VERSIONS is missing. Raises OSError."""
    path = index / VERSIONS
    lines = _content(path).splitlines()
    versions = tuple(version for line in lines if (version := _parse(line)))
    return Record(path, versions, len(lines) - len(versions))


def read_versions(index: Path) -> tuple[Version, ...]:
    """All recorded versions that can be read, oldest first. Raises SystemLimit."""
    try:
        with limits_named():
            return read_record(index).versions
    except OSError:
        return ()


def live_version(index: Path) -> Version | None:
    """The last record of the live snapshot; if CURRENT is damaged, the last of all."""
    live = live_id(index)
    return next((v for v in reversed(read_versions(index)) if live in (None, v.id)), None)


def raw_versions(index: Path) -> bytes:
    """The content of VERSIONS; empty if it is missing or damaged. Raises OSError if it may not be
    read."""
    try:
        return _content(index / VERSIONS)
    except OSError as error:
        if error.errno in (errno.EIO, errno.EINVAL, errno.EFBIG):
            return b""
        raise


def appended(raw: bytes, version: Version) -> bytes:
    """The content of VERSIONS with one more version; of the oldest lines, some may be dropped."""
    line = json.dumps(version.to_json(), ensure_ascii=False, sort_keys=True).encode()
    kept = [old for old in raw.splitlines() if len(old) <= LONGEST_LINE]
    return b"\n".join([*kept, line][-REMEMBERED:]) + b"\n"


def predecessor(versions: Sequence[Version], id: str) -> str | None:
    """What was live before that snapshot was last built, or None if that is not known.

    A rollback goes back along this line, so two in a row go back twice.
    """
    builds = [version for version in versions if version.id == id and version.action == "build"]
    before = builds[-1].before if builds else None
    return None if before == id else before


def newest_first(versions: Iterable[Version]) -> list[Version]:
    """The last publication of each snapshot, newest first."""
    last: dict[str, Version] = {}
    for version in versions:
        last.pop(version.id, None)
        last[version.id] = version
    return list(reversed(last.values()))


def snapshot_ids(index: Path) -> list[str]:
    """The ids of the snapshots whose folders are there, sorted."""
    return sorted(path.name for path in index.glob("?" * 12) if _ID.fullmatch(path.name))


def list_versions(index: Path) -> tuple[Listed, ...]:
    """Each snapshot's last publication and its state, newest first."""
    current, there = live_id(index), set(snapshot_ids(index))
    return tuple(
        Listed(version, _state(index, version.id, current, there))
        for version in newest_first(read_versions(index))
    )


def find_id(index: Path, given: str) -> str:
    """The id of the one snapshot there that begins so. Raises UsageError, and NoIndex if there is
    none at all."""
    there = snapshot_ids(index)
    if not there:
        raise no_index(index)
    found = [id for id in there if given and id.startswith(given)]
    if len(found) != 1:
        number = "several" if found else "no"
        raise UsageError(
            f"{index} holds {number} snapshots with the id {given!r}: "
            f"choose one of {', '.join(there)}"
        )
    return found[0]


def _content(path: Path) -> bytes:
    """The content of a file of ours; empty if it is missing. Raises OSError."""
    try:
        return read_regular(path, LARGEST)
    except FileNotFoundError:
        return b""


def _figure(name: str, value: float) -> str:
    return f"{name} {value}" if isinstance(value, int) else f"{name} {value:.3f}"


def _state(index: Path, id: str, current: str | None, there: set[str]) -> SnapshotState:
    if id in there:
        return "current" if id == current else "kept"
    return "bad" if next(index.glob(f"{BAD}{id}*"), None) else "removed"


def _parse(line: bytes) -> Version | None:
    if len(line) > LONGEST_LINE:
        return None
    try:
        return _VERSION.decode(line)
    except (ValueError, RecursionError):
        return None


_VERSION = msgspec.json.Decoder(Version)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
