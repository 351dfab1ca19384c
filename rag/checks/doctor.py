"""Examines an index: what is sound, what is doubtful, what is broken, and how to fix it."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from rag.encoders import Encoder
from rag.index import Snapshot, check_model, check_probes, software_changes
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
from rag.types.errors import REBUILD, CorruptIndex, ModelError, ModelMismatch, UnusableIndex

# So many passages, spread over the index, are searched by their own text.
SAMPLE = 200
BATCH = 50
# How far apart two cosines of one text may be: by rounding, and by 8 bits, if another encoder made
# the vectors of passages.
TOLERANCE, ROUGH = 1e-4, 0.02
# The loaded index takes a dozen, each connection of the service one.
DESCRIPTORS = 256

Severity = Literal["ok", "warn", "fail"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked and what was found; `warn` and `fail` name the fix."""

    state: Severity
    name: str
    found: str

    def __str__(self) -> str:
        return f"{self.state:<4}  {self.name}: {self.found}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks of an index, in a fixed order."""

    checks: tuple[Check, ...]

    @property
    def state(self) -> Severity:
        """`fail` if any check failed, else `warn` if any warned, else `ok`."""
        return max((check.state for check in self.checks), key=SEVERITIES.index)

    def to_json(self) -> dict[str, Any]:
        """The diagnosis as plain JSON values."""
        return {"state": self.state, "checks": [asdict(check) for check in self.checks]}


def examine(
    index: Path, opening: Callable[[], Encoder], free: Callable[[Path], int] = free_bytes
) -> Diagnosis:
    """All checks of an index folder; nothing in it is changed."""
    return Diagnosis((*_index_checks(index, opening, free), _descriptors(), *_leftovers(index)))


def _index_checks(
    index: Path, opening: Callable[[], Encoder], free: Callable[[Path], int]
) -> Iterator[Check]:
    current = live_id(index)
    yield _tried("current", lambda: f"{index / current_id(index)} is live")
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


def _loaded(index: Path, id: str) -> tuple[Check, Snapshot | None]:
    try:
        snapshot = load_snapshot(index, id)
    except CorruptIndex as error:
        return Check("fail", "snapshot", str(error)), None
    counts = snapshot.manifest.counts
    held = f"{counted(counts.documents, 'document')}, {counted(counts.passages, 'passage')}"
    found = f"{index / id}: every checksum and count agrees, {held}"
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

    def probed() -> str:
        check_probes(folder, snapshot, encoder)
        return "the model gives the vectors of build time"

    yield _tried("probes", probed)
    yield _self_retrieval(folder, snapshot, encoder)


def _self_retrieval(folder: Path, snapshot: Snapshot, encoder: Encoder) -> Check:
    count = len(snapshot.passages)
    rows = sorted({int(row) for row in np.linspace(0, count - 1, min(count, SAMPLE))})
    batches = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
    lost = [row for batch in batches for row in _lost(snapshot, encoder, batch)]
    if lost:
        missed = f"{len(lost)} of {counted(len(rows), 'passage')} not found first by their own text"
        first = snapshot.passages[lost[0]].id
        found = f"{folder / 'dense.faiss'}: {missed}, among them {first}: {REBUILD}"
        return Check("fail", "retrieval", found)
    return Check("ok", "retrieval", f"all of {len(rows)} sampled passages find themselves first")


def _lost(snapshot: Snapshot, encoder: Encoder, rows: list[int]) -> Iterator[int]:
    """The rows whose passage, encoded again, is nearer to another vector than to its own."""
    same = snapshot.manifest.model.passages_by == encoder.passages_by
    passages = [snapshot.passages[row] for row in rows]
    encoded = encoder.encode_passages([p.text for p in passages], [p.context for p in passages])
    for row, vector in zip(rows, encoded.pooled, strict=True):
        _, best = snapshot.dense.nearest(vector, 1)
        own = snapshot.dense.cosines(vector, np.array([row]))
        # Equal texts have equal vectors: which of them comes first says nothing.
        if best[0] - own[0] > (TOLERANCE if same else ROUGH):
            yield row


def _software(snapshot: Snapshot) -> Check:
    if changes := software_changes(snapshot):
        found = f"changed since the build ({', '.join(changes)}): {REBUILD}"
        return Check("warn", "software", found)
    return Check("ok", "software", "as at build time")


def _space(snapshot: Snapshot, free: int, index: Path) -> Check:
    size = sum(entry.size for entry in snapshot.manifest.files.values())
    found = f"{index} has {free / 1e6:.0f} MB free, the snapshot takes {size / 1e6:.1f} MB"
    if free < 2 * size:
        return Check("warn", "disk", f"{found}: free some before the next build")
    return Check("ok", "disk", found)


def _descriptors() -> Check:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return Check("ok", "limits", "any number of files may be open at once")
    found = f"{soft} files may be open at once"
    if soft < DESCRIPTORS:
        return Check("warn", "limits", f"{found}: run `ulimit -n 1024`")
    return Check("ok", "limits", found)


def _leftovers(index: Path) -> list[Check]:
    cause = "of a build that runs, or that died: the next build removes it"
    damaged = "was found damaged: look into it, then remove it"
    found = [f"{path}: {cause}" for path in leftovers(index)]
    found += [f"{path} {damaged}" for path in damaged_paths(index)]
    warnings = [Check("warn", "leftovers", each) for each in found]
    return warnings or [Check("ok", "leftovers", "none")]


def _tried(name: str, finding: Callable[[], str]) -> Check:
    """What is found; `fail` if the index proves unusable."""
    try:
        return Check("ok", name, finding())
    except UnusableIndex as error:
        return Check("fail", name, str(error))
