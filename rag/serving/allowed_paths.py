"""Which files a rebuild over HTTP may read: those in folders that the settings name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rag.types.errors import UsageError


def roots_of(roots: str, corpus: Path, built_from: Sequence[str]) -> tuple[Path, ...]:
    """The folders that the setting names, resolved.

    If it names none, those that the index was built from, and the corpus folder.
    """
    named = [Path(part) for part in roots.split(os.pathsep) if part]
    return tuple(path.resolve() for path in named or [corpus, *map(Path, built_from)])


def allowed_path(path: str, roots: Sequence[Path]) -> Path:
    """The path without links or dots, if it is in one of the roots, whether it exists or not.

    Raises UsageError otherwise; the message does not reveal whether the path exists.
    """
    try:
        found = Path(path).resolve()
    except (OSError, RuntimeError, ValueError):
        found = None
    if found is None or not any(found.is_relative_to(root) for root in roots):
        raise UsageError(
            "the service may not read this path: start it again with the folder in RAG_ROOTS "
            "(folders are separated by `:`)"
        )
    return found


def root_of(path: Path, roots: Sequence[Path]) -> Path:
    """The first of the roots that holds the path, or the path itself if it is in none."""
    return next((root for root in roots if path.is_relative_to(root)), path)
