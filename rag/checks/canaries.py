"""Canaries: questions that every snapshot must answer, or it is not published."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from rag.answering import ask
from rag.encoders import Encoder
from rag.errors import UsageError
from rag.index import Snapshot
from rag.text import counted
from rag.types import Citation

# What answers must be among so many passages.
TOP = 3
LISTED = 3


@dataclass(frozen=True, slots=True)
class Canary:
    """A question that must be answered; where given, from that document, under that heading."""

    question: str
    document_id: str | None = None
    section: str | None = None


def read_canaries(path: Path) -> tuple[Canary, ...]:
    """The canaries of a JSON-lines file, in order. Raises UsageError where it holds none."""
    try:
        rows = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error}): give a JSON-lines file") from error
    found = tuple(_canary(path, number, row) for number, row in enumerate(rows, 1) if row.strip())
    if not found:
        raise UsageError(f"{path} holds no canary: write one, or leave the file out")
    return found


def broken_canaries(
    before: Snapshot | None, after: Snapshot, encoder: Encoder, canaries: Sequence[Canary]
) -> Iterator[str]:
    """The reason that speaks against `after` where a canary is not answered; else nothing."""
    failed = [
        f"{canary.question!r} {fault}"
        for canary in canaries
        if (fault := _fault(after, encoder, canary))
    ]
    if not failed:
        return
    was = [canary for canary in canaries if before and not _fault(before, encoder, canary)]
    yield (
        f"of {counted(len(canaries), 'canary', 'canaries')}, {len(was)} answered before and "
        f"{len(canaries) - len(failed)} now: {first_of(failed)}: see that what answers them is "
        "there, or correct the file of canaries"
    )


def first_of(items: Sequence[str]) -> str:
    """The first few of the items, and how many more there are."""
    more = [f"{len(items) - LISTED} more"] if len(items) > LISTED else []
    return ", ".join([*items[:LISTED], *more])


def _fault(snapshot: Snapshot, encoder: Encoder, canary: Canary) -> str | None:
    """What is wrong with the answer to a canary, or None."""
    answer = ask(snapshot, encoder, canary.question, top_k=TOP)
    if answer.abstained:
        return f"has no answer (confidence {answer.confidence:.2f})"
    citations = [cited.citation for cited in answer.passages]
    if any(_is_wanted(canary, citation) for citation in citations):
        return None
    wanted = ", ".join(filter(None, (canary.document_id, canary.section)))
    found = " and ".join(dict.fromkeys(f"{c.document_id}:{c.line_start}" for c in citations))
    return f"is answered by {found}, not from {wanted}"


def _is_wanted(canary: Canary, citation: Citation) -> bool:
    headings = [heading.casefold() for heading in citation.heading_path]
    return canary.document_id in (None, citation.document_id) and (
        canary.section is None or canary.section.casefold() in headings
    )


def _canary(path: Path, number: int, row: str) -> Canary:
    try:
        canary = Canary(**json.loads(row))
    except (ValueError, TypeError):
        canary = Canary("")
    question, *others = (getattr(canary, field.name) for field in fields(Canary))
    if not _is_text(question) or not all(value is None or _is_text(value) for value in others):
        raise UsageError(
            f"{path}:{number} is no canary: each line must be like "
            '{"question": "...", "document_id": "...", "section": "a heading"}, '
            "of which the last two may be left out"
        )
    return canary


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
