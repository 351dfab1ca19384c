"""What became of each file of a corpus: its report, and reports in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from rag.documents.skipped import shown
from rag.text import LineIndex, counted
from rag.types import Document, FileReport, LeftOut, ParsedDocument, Remark

# At most this many files are named; the others are counted.
NAMED = 10
# At most this many types are counted one by one.
TYPES = 8
# At most this many files are listed for programs.
LISTED = 50
LINES_OF_JSON = "application/jsonl"


def file_report(
    id: str, raw: bytes, sha256: str, documents: Sequence[ParsedDocument], remarks: Iterable[Remark]
) -> FileReport:
    """The report of a file with these documents, without sections and FAQ pairs."""
    whole = documents[0].document if documents and documents[0].document.id == id else None
    return FileReport(
        id=id,
        media_type=whole.media_type if whole else LINES_OF_JSON if documents else "",
        size=len(raw) if documents else 0,
        sha256=sha256 if documents else "",
        documents=len(documents),
        pages=pages_of(whole) if whole else 0,
        characters=sum(len(parsed.document.text) for parsed in documents),
        tables=sum(
            max(len(block.tables), block.kind == "table")
            for parsed in documents
            for block in parsed.blocks
        ),
        remarks=tuple(remarks),
        left_out=tuple(part for parsed in documents for part in _left_out(parsed)),
    )


def report_lines(files: Sequence[FileReport]) -> list[str]:
    """The files that are not plainly indexed, as lines for people: many are counted.

    No line if each file was indexed and nothing was left out of it.
    """
    lost = [file for file in files if not file.documents]
    noted = [file for file in files if file.documents and file.remarks]
    left_out = [file for file in files if file.left_out]
    whole = len(files) - len(lost) - len(noted)
    counts = [
        f"{whole} indexed",
        *([f"{len(noted)} indexed with warnings ({_codes(noted)})"] if noted else []),
        *([f"{len(lost)} skipped ({_codes(lost)})"] if lost else []),
    ]
    return [
        *([f"{_files(files)}: {', '.join(counts)}"] if lost or noted else []),
        *_skipped_lines(lost),
        *_named("note on", noted, _said),
        *_named("left out of", left_out, _ranges),
    ]


def report_json(files: Sequence[FileReport]) -> dict[str, Any]:
    """How many files have each verdict, and the first 50 that are not plainly indexed."""
    verdicts = Counter(file.verdict for file in files)
    others = [file for file in files if file.remarks][:LISTED]
    return {
        "verdicts": dict(sorted(verdicts.items())),
        "files": [
            {"id": file.id, "verdict": file.verdict, "reasons": list(map(str, file.remarks))}
            for file in others
        ],
    }


def refused(skipped: Sequence[FileReport]) -> str:
    """Why nothing is left of a corpus: how many files were refused, by type, and the first."""
    were = "was" if len(skipped) == 1 else "were"
    said = f"{len(skipped)} of {_files(skipped)} {were} refused: {_by_type(skipped)}"
    first = next((file for file in skipped if not file.verdict.endswith(":unsupported")), None)
    return f"{said} ({shown(first.id)}: {_said(first)})" if first else said


def pages_of(document: Document) -> int:
    """How many pages or slides a document has; 0 without any."""
    numbers = (place.number for place in document.places if place.kind in ("page", "slide"))
    return max(numbers, default=0)


def _left_out(parsed: ParsedDocument) -> Iterable[LeftOut]:
    if not parsed.hidden:
        return
    index = LineIndex.of(parsed.document.text)
    for hidden in parsed.hidden:
        if hidden.kind == "metadata":
            continue
        last = max(hidden.start, hidden.end - 1)
        yield LeftOut(hidden.kind, index.line_of(hidden.start), index.line_of(last))


def _skipped_lines(files: Sequence[FileReport]) -> list[str]:
    """Files with the same reason share a line; too many of them are counted by type."""
    groups: dict[str, list[FileReport]] = defaultdict(list)
    for file in files:
        groups[_said(file)].append(file)
    lines = []
    for reason, group in list(groups.items())[:NAMED]:
        names = ", ".join(shown(file.id) for file in group)
        many = f"{_files(group)} ({_by_type(group)})"
        lines.append(f"skipped {names if len(group) <= NAMED else many}: {reason}")
    if more := [file for group in list(groups.values())[NAMED:] for file in group]:
        lines.append(f"skipped {_files(more)} more: {_by_type(more)}")
    return lines


def _named(what: str, files: Sequence[FileReport], say: Callable[[FileReport], str]) -> list[str]:
    lines = [f"{what} {shown(file.id)}: {say(file)}" for file in files[:NAMED]]
    if (more := len(files) - NAMED) > 0:
        lines += [f"{what} {counted(more, 'file')} more: see `rag report`"]
    return lines


def _codes(files: Iterable[FileReport]) -> str:
    """How many files have each code: `hidden_text 12, running_heads 3`."""
    counts = Counter(code for file in files for code in {each.code for each in file.remarks})
    return ", ".join(f"{code} {count}" for code, count in sorted(counts.items()))


def _said(file: FileReport) -> str:
    return "; ".join(map(str, file.remarks))


def _ranges(file: FileReport) -> str:
    return ", ".join(map(str, file.left_out))


def _files(files: Sequence[FileReport]) -> str:
    return counted(len(files), "file")


def _by_type(files: Iterable[FileReport]) -> str:
    """The counts of the types, the most frequent first: `.png 12, .docx 2`."""
    ends = (PurePosixPath(file.id).suffix.lower() for file in files)
    counts = Counter(shown(end) or "no type" for end in ends)
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    listed = [f"{name} {count}" for name, count in ordered[:TYPES]]
    if rest := sum(count for _, count in ordered[TYPES:]):
        listed.append(f"other types {rest}")
    return ", ".join(listed)
