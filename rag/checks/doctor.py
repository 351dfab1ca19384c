"""Looks an index over: what is sound, what is doubtful, what is broken, and the cure of each."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rag.encoders import Encoder
from rag.errors import REBUILD, CorruptIndex, ModelError, ModelMismatch, UnusableIndex
from rag.index import PROBE_TOLERANCE, Snapshot, check_model, check_probes, software
from rag.index import vectors as dense
from rag.store import (
    current_id,
    damaged_paths,
    free_bytes,
    leftovers,
    live_id,
    load_snapshot,
    read_record,
    snapshot_ids,
)
from rag.text import counted

SAMPLE = 200
BATCH = 50
# The loaded index takes a dozen, each connection of the service one.
DESCRIPTORS = 256

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and what was found; with `warn` and `fail` the cure is named."""

    state: State
    name: str
    found: str

    def to_json(self) -> dict[str, Any]:
        """The check as plain JSON values."""
        return asdict(self)


def examine(
    index: Path, opening: Callable[[], Encoder], free: Callable[[Path], int] = free_bytes
) -> list[Check]:
    """All checks of an index folder, in a fixed order; nothing in it is changed."""
    return [*_index_checks(index, opening, free), _descriptors(), *_leftovers(index)]


def worst(checks: Iterable[Check]) -> State:
    """`fail` where any check failed, else `warn` where any warned, else `ok`."""
    states: set[State] = {check.state for check in checks}
    return "fail" if "fail" in states else "warn" if "warn" in states else "ok"


def check_lines(checks: Iterable[Check]) -> list[str]:
    """A line for each check, for people."""
    return [f"{check.state:<4}  {check.name}: {check.found}" for check in checks]


def _index_checks(
    index: Path, opening: Callable[[], Encoder], free: Callable[[Path], int]
) -> Iterator[Check]:
    current = live_id(index)
    yield _named(index)
    if current:
        yield _versions(index, current)
        check, snapshot = _loaded(index, current)
        yield check
        if snapshot:
            yield _software(snapshot)
            yield _space(snapshot, free(index), index)
            yield from _encoder_checks(index / current, snapshot, opening)
    for id in snapshot_ids(index):
        if id != current:
            older, _ = _loaded(index, id)
            yield older if older.state == "ok" else replace(older, state="warn")


def _named(index: Path) -> Check:
    try:
        return Check("ok", "current", f"{index / current_id(index)} answers")
    except UnusableIndex as error:
        return Check("fail", "current", str(error))


def _loaded(index: Path, id: str) -> tuple[Check, Snapshot | None]:
    try:
        snapshot = load_snapshot(index, id)
    except CorruptIndex as error:
        return Check("fail", "snapshot", str(error)), None
    counts = snapshot.manifest.counts
    said = f"{counted(counts.documents, 'document')}, {counted(counts.passages, 'passage')}"
    found = f"{index / id}: every checksum and count agrees, {said}"
    return Check("ok", "snapshot", found), snapshot


def _versions(index: Path, current: str) -> Check:
    try:
        record = read_record(index)
    except OSError as error:
        return Check("warn", "versions", f"the record cannot be read ({error}): {REBUILD}")
    path, number = record.path, len(record.versions)
    if record.unread:
        lines = counted(record.unread + number, "line")
        found = f"{record.unread} of {lines} of {path} cannot be read: remove them"
        return Check("warn", "versions", found)
    if current not in {version.id for version in record.versions}:
        return Check("warn", "versions", f"{path} does not record {current}: {REBUILD}")
    return Check("ok", "versions", f"{path} records {counted(number, 'publication')}")


def _encoder_checks(
    folder: Path, snapshot: Snapshot, opening: Callable[[], Encoder]
) -> Iterator[Check]:
    try:
        encoder = opening()
        check_model(folder, snapshot, encoder)
    except (ModelError, ModelMismatch) as error:
        yield Check("fail", "model", str(error))
        return
    yield Check("ok", "model", f"{encoder.name}, sha256 {encoder.sha256[:12]}, as at build time")
    try:
        check_probes(folder, snapshot, encoder)
        yield Check("ok", "probes", "the model gives the vectors of build time")
    except ModelMismatch as error:
        yield Check("fail", "probes", str(error))
    yield _self_retrieval(folder, snapshot, encoder)


def _self_retrieval(folder: Path, snapshot: Snapshot, encoder: Encoder) -> Check:
    count = len(snapshot.passages)
    rows = sorted({int(row) for row in np.linspace(0, count - 1, min(count, SAMPLE))})
    batches = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
    lost = [row for batch in batches for row in _lost(snapshot, encoder, batch)]
    if lost:
        said = f"{len(lost)} of {counted(len(rows), 'passage')} not found first by their own text"
        first = snapshot.passages[lost[0]].id
        found = f"{folder / 'dense.faiss'}: {said}, among them {first}: {REBUILD}"
        return Check("fail", "retrieval", found)
    return Check("ok", "retrieval", f"all of {len(rows)} sampled passages find themselves first")


def _lost(snapshot: Snapshot, encoder: Encoder, rows: list[int]) -> Iterator[int]:
    """The rows whose passage, encoded anew, is nearer to another's vector than to its own."""
    passages = [snapshot.passages[row] for row in rows]
    encoded = encoder.encode_passages([p.text for p in passages], [p.context for p in passages])
    for row, vector in zip(rows, encoded.pooled, strict=True):
        _, best = dense.nearest(snapshot.dense, vector, 1)
        own = dense.cosines_of(snapshot.dense, vector, np.array([row]))
        # Equal texts have equal vectors: which of them comes first says nothing.
        if best[0] - own[0] > PROBE_TOLERANCE:
            yield row


def _software(snapshot: Snapshot) -> Check:
    built, now = snapshot.manifest.software, software()
    moved = [
        f"{name} {built.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in sorted({*built, *now})
        if built.get(name) != now.get(name)
    ]
    if moved:
        return Check("warn", "software", f"changed since the build ({', '.join(moved)}): {REBUILD}")
    return Check("ok", "software", "as at build time")


def _space(snapshot: Snapshot, free: int, index: Path) -> Check:
    size = sum(entry.size for entry in snapshot.manifest.files.values())
    said = f"{index} has {free / 1e6:.0f} MB free, the snapshot takes {size / 1e6:.1f} MB"
    if free < 2 * size:
        return Check("warn", "disk", f"{said}: free some before the next build")
    return Check("ok", "disk", said)


def _descriptors() -> Check:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return Check("ok", "limits", "any number of files may be open at once")
    if soft < DESCRIPTORS:
        return Check("warn", "limits", f"{soft} files may be open at once: run `ulimit -n 1024`")
    return Check("ok", "limits", f"{soft} files may be open at once")


def _leftovers(index: Path) -> list[Check]:
    aside, bad = leftovers(index), damaged_paths(index)
    if not aside and not bad:
        return [Check("ok", "leftovers", "none")]
    running = "a build is running, or one that died has left it: the next build removes it"
    return [
        *(Check("warn", "leftovers", f"{path}: {running}") for path in aside),
        *(
            Check("warn", "leftovers", f"{path} was found damaged: look into it, then remove it")
            for path in bad
        ),
    ]
