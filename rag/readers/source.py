"""Finds the files of a corpus and gives them their ids."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rag.errors import CorpusError


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a corpus. Its document's id is its POSIX path below the folder that was given."""

    path: Path
    document_id: str


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """The files at and below the paths, in the order given, each folder sorted by name.

    Names that begin with a dot are passed over, and a file reached twice is taken once. Links and
    files of unknown type are among them; `read_source` refuses those. Raises CorpusError for a path
    that is missing, closed or holds no files, and for two files with one id.
    """
    found: dict[Path, Source] = {}
    # Without links in its folders; a link itself is kept, to be refused by name.
    real = cache(Path.resolve)
    for path in paths:
        for source in _sources(path):
            found.setdefault(real(source.path.parent) / source.path.name, source)
    _check_ids(list(found.values()))
    return list(found.values())


def shown(path: Path | str) -> str:
    """A path for a message: on one line, whatever its name holds."""
    name = str(path)
    return name if name.isprintable() else ascii(name)


def reason(error: OSError) -> str:
    """What the system says about a failed call, in its own words."""
    return error.strerror or type(error).__name__


def _sources(path: Path) -> list[Source]:
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            return [Source(path.resolve(), path.name)]
        sources = list(_below(path))
    except FileNotFoundError as error:
        raise CorpusError(f"{shown(path)}: no such file or folder; give one that exists") from error
    except (OSError, RuntimeError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise CorpusError(f"{shown(path)}: cannot be opened ({why}); check its rights") from error
    if not sources:
        raise CorpusError(f"{shown(path)}: the folder holds no files; put documents into it")
    return sources


def _below(root: Path) -> Iterator[Source]:
    """The files below a folder, in order of their paths."""
    waiting = [(root, "")]
    while waiting:
        folder, prefix = waiting.pop()
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
        folders = []
        for entry in sorted(visible, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                folders.append((folder / entry.name, f"{prefix}{entry.name}/"))
            else:
                yield Source(folder / entry.name, f"{prefix}{entry.name}")
        waiting += reversed(folders)


def _check_ids(sources: list[Source]) -> None:
    first: dict[str, Source] = {}
    for source in sources:
        other = first.setdefault(source.document_id, source)
        if other is not source:
            raise CorpusError(
                f"{shown(other.path)} and {shown(source.path)} would both be the document"
                f" {shown(source.document_id)}; give the folder that holds both, or rename one"
            )
