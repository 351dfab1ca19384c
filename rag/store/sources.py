"""What an index was built from, so that it is not replaced by other documents by mistake."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.types import FaqPolicy

# Sources that take more bytes of VERSIONS are not recorded: each version has its own.
LONGEST = 1 << 15
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Sources:
    """The files or folders that were named, absolute, and what became of their FAQ pairs.

    Without paths, the documents were uploaded.
    """

    paths: tuple[str, ...]
    faq: FaqPolicy

    def __str__(self) -> str:
        """The sources for people; paths in the working folder are relative."""
        if not self.paths:
            return "uploaded files"
        shown = [_shown(path) for path in self.paths[:SHOWN]]
        more = len(self.paths) - len(shown)
        listed = ", ".join(shown) + (f" and {more} more" if more else "")
        return f"{listed}, without FAQ pairs" if self.faq == "without" else listed

    @classmethod
    def of(cls, paths: Sequence[Path], faq: FaqPolicy) -> Sources:
        """The sources of a build of these paths."""
        return cls(tuple(os.path.abspath(path) for path in paths), faq)

    def names_same_as(self, other: Sources) -> bool:
        """Whether both name the same files and folders, in whatever order and by whatever links."""
        first, second = ({os.path.realpath(path) for path in each.paths} for each in (self, other))
        return first == second

    @property
    def can_be_kept(self) -> bool:
        """Whether VERSIONS can hold them: not too many paths, and all of them UTF-8."""
        try:
            return len(json.dumps(asdict(self), ensure_ascii=False).encode()) <= LONGEST
        except UnicodeEncodeError:
            return False

    @property
    def gone(self) -> list[str]:
        """The paths that no longer exist, for people."""
        return [_shown(path) for path in self.paths if not os.path.exists(path)]


def _shown(path: str) -> str:
    here = os.getcwd()
    return os.path.relpath(path, here) if path.startswith(f"{here}{os.sep}") else path
