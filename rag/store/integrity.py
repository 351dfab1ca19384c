"""Whether a snapshot's files are as its manifest says: the same names, sizes and checksums."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.index import MANIFEST, Manifest, id_of
from rag.store.regular import read_regular

STEP = 1 << 20
# A manifest takes some 4 KB; what is far longer was not written here.
MANIFEST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Damage:
    """A file of a snapshot that is not as it was written, and what is wrong with it."""

    name: str
    what: str


def damage(
    folder: Path, manifest: Manifest, fresh: bool = False, contents: bool = True
) -> Iterator[Damage | None]:
    """Each damage, by name of file; None after each megabyte, so that the caller may pause.

    `fresh` reads from the disk, not from the system's cache. Without `contents` only the sizes are
    compared, not the checksums. Raises OSError if a file cannot be read.
    """
    present = {path.name for path in folder.iterdir()}
    for name in sorted(present ^ {MANIFEST, *manifest.files}):
        yield Damage(name, "does not belong there" if name in present else "is missing")
    if MANIFEST in present:
        found = id_of(read_regular(folder / MANIFEST, MANIFEST_BYTES))
        if found != folder.name:
            yield Damage(MANIFEST, f"was altered: expected id {folder.name}, found {found}")
    for name in sorted(present & set(manifest.files)):
        path = folder / name
        if path.is_symlink() or not path.is_file():
            yield Damage(name, "is not a regular file")
        else:
            yield from _changed(path, manifest, fresh, contents)


def _changed(
    path: Path, manifest: Manifest, fresh: bool, contents: bool
) -> Iterator[Damage | None]:
    entry = manifest.files[path.name]
    whole = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size != entry.size:
            yield Damage(path.name, f"is damaged: expected {entry.size} bytes, found {size}")
            return
        if not contents:
            return
        if fresh:
            _forget(file.fileno())
        while step := file.read(STEP):
            whole.update(step)
            yield None
    if whole.hexdigest() != entry.sha256:
        yield Damage(
            path.name,
            f"is damaged: expected sha256 {entry.sha256[:12]}, found {whole.hexdigest()[:12]}",
        )


def _forget(descriptor: int) -> None:
    """Drops the system's cache of an open file, except for mapped pages."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
