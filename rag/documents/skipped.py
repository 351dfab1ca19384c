"""What a corpus was read without: each file named with the reason, many of a kind counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rag.errors import CorpusError
from rag.text import LineIndex, counted
from rag.types import ParsedDocument

# So many files are named; of more than these, the rest is counted by type.
NAMED = 10
# So many types are counted one by one, and so many files are listed for programs.
TYPES = 8
LISTED = 50


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, link or folder that was skipped, wholly or in part, and why.

    `id` is the path below the folder that was given, printable on one line. `type` is how the name
    ends; `is_unread_type` says that this is the reason. A note `is_read`: nothing was skipped.
    """

    id: str
    reason: str
    type: str
    is_unread_type: bool = False
    is_read: bool = False


class Skips:
    """Collects what is skipped; if `strict`, the first thing to skip raises CorpusError instead."""

    def __init__(self, strict: bool) -> None:
        self.found: list[Skipped] = []
        self._strict = strict

    def add(self, path: Path, id: str, reason: str, is_unread_type: bool = False) -> None:
        """Notes the reason. Raises CorpusError if strict."""
        if self._strict:
            raise CorpusError(f"{shown(path)}: {reason}")
        self.found.append(Skipped(shown(id), reason, _type(id), is_unread_type))

    def note(self, id: str, remark: str) -> None:
        """Notes a remark about a file that was read."""
        self.found.append(Skipped(shown(id), remark, _type(id), is_read=True))


def _type(id: str) -> str:
    return shown(PurePosixPath(id).suffix.lower())


def shown(path: Path | str) -> str:
    """A path for a message: printable and on one line, whatever its name holds."""
    name = str(path)
    return name if name.isprintable() else ascii(name)


def skip_lines(skipped: Sequence[Skipped]) -> list[str]:
    """What was skipped, and notes, as lines for a person: up to ten are named, the rest counted."""
    unread = [each for each in skipped if each.is_unread_type]
    notes = [each for each in skipped if each.is_read]
    others = [each for each in skipped if not each.is_unread_type and not each.is_read]
    lines = [f"skipped {each.id}: {each.reason}" for each in others[:NAMED]]
    if more := others[NAMED:]:
        lines.append(f"skipped {files_of(len(more))} more: {by_type(more)}")
    if len(unread) > NAMED:
        lines.append(f"skipped {files_of(len(unread))} of other types: {by_type(unread)}")
    elif unread:
        names = ", ".join(each.id for each in unread)
        lines.append(f"skipped {names}: {unread[0].reason}")
    lines += [f"note on {each.id}: {each.reason}" for each in notes[:NAMED]]
    if more := notes[NAMED:]:
        lines.append(f"notes on {files_of(len({each.id for each in more}))} more: {_codes(more)}")
    return lines


def _codes(notes: Sequence[Skipped]) -> str:
    """How often each kind of note was made: `hidden_text 12, running_heads 3`."""
    counts = Counter(note.reason.partition(":")[0] for note in notes)
    return ", ".join(f"{code} {count}" for code, count in sorted(counts.items()))


def hidden_lines(documents: Iterable[ParsedDocument]) -> list[str]:
    """Where the documents hold what is in no passage, as lines for a person.

    Up to ten documents are named with all lines; of the rest, those of each kind are counted.
    """
    found = [each for each in documents if each.hidden]
    lines = [f"left out of {shown(each.document.id)}: {_ranges(each)}" for each in found[:NAMED]]
    if more := found[NAMED:]:
        kinds = Counter(kind for each in more for kind in {hidden.kind for hidden in each.hidden})
        counts = ", ".join(f"{kind} in {count}" for kind, count in sorted(kinds.items()))
        lines.append(f"left out of {counted(len(more), 'more document')}: {counts}")
    return lines


def _ranges(parsed: ParsedDocument) -> str:
    index = LineIndex(parsed.document.text)
    named = []
    for hidden in parsed.hidden:
        first = index.line_of(hidden.start)
        last = index.line_of(max(hidden.start, hidden.end - 1))
        lines = f"line {first}" if first == last else f"lines {first}-{last}"
        named.append(f"{lines} ({hidden.kind})")
    return ", ".join(named)


def skipped_json(skipped: Sequence[Skipped]) -> dict[str, Any]:
    """How many files were skipped, and the first 50 of them and of the notes, as JSON values."""
    files = [each for each in skipped if not each.is_read]
    notes = [each for each in skipped if each.is_read]
    return {"count": len(files), "files": _listed(files), "notes": _listed(notes)}


def _listed(skipped: Sequence[Skipped]) -> list[dict[str, str]]:
    return [{"id": each.id, "reason": each.reason} for each in skipped[:LISTED]]


def refused(skipped: Sequence[Skipped]) -> str:
    """Why nothing is left of a corpus: the count of what was refused, by type."""
    count = len(skipped)
    were = "was" if count == 1 else "were"
    said = f"{count} of {files_of(count)} {were} refused: {by_type(skipped)}"
    first = next((each for each in skipped if not each.is_unread_type), None)
    return f"{said} ({first.id}: {first.reason})" if first else said


def files_of(count: int) -> str:
    """The number of files, in words that fit one."""
    return counted(count, "file")


def by_type(skipped: Iterable[Skipped]) -> str:
    """The counts of the types, the most frequent first: `.png 12, .docx 2`."""
    counts = Counter(each.type or "no type" for each in skipped)
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    listed = [f"{name} {count}" for name, count in ordered[:TYPES]]
    if rest := sum(count for _, count in ordered[TYPES:]):
        listed.append(f"other types {rest}")
    return ", ".join(listed)
