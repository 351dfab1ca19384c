"""What a build reports: its progress, and what it made of each file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rag.types.documents import HiddenKind

# Called with what is being done, how much is done, and how much there is.
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Reports nothing."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that happened when a file was read: a code, and a sentence for people.

    `is_loss`: the file, or a part of it that was meant to be read, could not be read.
    """

    code: str
    text: str
    is_loss: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Lines of a text file, from 1, that are in no passage because its readers do not see them."""

    kind: HiddenKind
    first_line: int
    last_line: int

    def __str__(self) -> str:
        first, last = self.first_line, self.last_line
        return f"{f'line {first}' if first == last else f'lines {first}-{last}'} ({self.kind})"


@dataclass(frozen=True, slots=True)
class FileReport:
    """What a build made of a file.

    `id` is its path below the folder that was given. `documents` is 0 for a file that was skipped;
    `size` and `sha256` are of its bytes, 0 and "" for one that was skipped. `pages` counts pages or
    slides. `sections` and `faq_pairs` are those that the index holds.
    """

    id: str
    media_type: str = ""
    size: int = 0
    sha256: str = ""
    documents: int = 0
    pages: int = 0
    characters: int = 0
    sections: int = 0
    tables: int = 0
    faq_pairs: int = 0
    remarks: tuple[Remark, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def verdict(self) -> str:
        """`indexed`, `indexed_with_warning:<codes>` or `skipped:<code>`; codes joined by commas."""
        codes = ",".join(dict.fromkeys(remark.code for remark in self.remarks))
        if not self.documents:
            return f"skipped:{codes}"
        return f"indexed_with_warning:{codes}" if codes else "indexed"

    @property
    def has_loss(self) -> bool:
        """Whether the file or a part of it could not be read."""
        return any(remark.is_loss for remark in self.remarks)


@dataclass(frozen=True, slots=True)
class Reused:
    """How many passages kept their vectors and how many documents did not change, of how many."""

    passages: int
    of_passages: int
    documents: int
    of_documents: int
