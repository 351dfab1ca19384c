"""The figures of an evaluation run, as its results file has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from rag.index import Manifest
from rag.schemas.base import Model

MAX_BYTES = 64 << 20


class FigureModel(Model):
    """A mean over `n` questions, and the ends of its interval."""

    mean: float
    low: float
    high: float
    n: int


class SystemModel(Model):
    """A system's figures by measure; the last system of a group is the one that is served."""

    system: str
    title: str
    figures: dict[str, FigureModel]


class GroupModel(Model):
    """Questions of one kind, and what their figures mean."""

    name: str
    title: str
    note: str
    rows: tuple[SystemModel, ...]


class FactsModel(Model):
    """What was measured, and how."""

    commit: str
    command: str
    corpus_sha256: str


class EvaluationResponse(Model):
    """The figures of the last `rag eval run`.

    `is_current` says that the corpus was that of the live index.
    """

    name: str
    facts: FactsModel
    groups: tuple[GroupModel, ...]
    is_current: bool = False

    @classmethod
    def of(cls, folder: Path, manifest: Manifest) -> EvaluationResponse | None:
        """Those of the newest results file, of one on this corpus if there is any; None if none."""
        found = [result for path in newest(folder) if (result := cls._read(path))]
        for result in found:
            if result.facts.corpus_sha256 == manifest.corpus_sha256:
                return result.model_copy(update={"is_current": True})
        return found[0] if found else None

    @classmethod
    def _read(cls, path: Path) -> EvaluationResponse | None:
        """The figures of the file; None for a file that is no result, as others may lie there."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (ValidationError, OSError):
            return None


def newest(folder: Path, most: int = 5) -> Iterator[Path]:
    """The files of results in the folder, the newest first."""
    files = [path for path in folder.glob("*.json") if path.stat().st_size <= MAX_BYTES]
    yield from sorted(files, key=lambda path: (path.stat().st_mtime, path.name))[: -most - 1 : -1]
