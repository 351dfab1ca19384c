"""Canaries: questions that a new snapshot must answer before it is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rag.answering import ask
from rag.documents import json_lines
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.text import counted
from rag.types import Citation
from rag.types.errors import UsageError

# A passage counts as an answer if it is among the first three.
TOP = 3
LISTED = 3

_FORM = '{"question": "...", "document_id": "...", "section": "a heading"}'


@dataclass(frozen=True, slots=True)
class Canary:
    """A question that must be answered; if given, from that document and under that heading."""

    question: str
    document_id: str | None = None
    section: str | None = None


def read_canaries(path: Path) -> tuple[Canary, ...]:
    """The canaries of a JSON-lines file, in order. Raises UsageError, also if there are none."""
    found = tuple(_canary(f"{path}:{number}", row) for number, row in json_lines(path, _FORM))
    if not found:
        raise UsageError(f"{path} holds no canary: write one {_FORM} a line")
    return found


def broken_canaries(
    before: Snapshot | None, after: Snapshot, encoder: Encoder, canaries: Sequence[Canary]
) -> Iterator[str]:
    """The reason against publishing `after` if it fails a canary; else nothing."""
    faults = {canary: _fault(after, encoder, canary) for canary in canaries}
    failed = [f"{canary.question!r} {faults[canary]}" for canary in canaries if faults[canary]]
    if not failed:
        return
    was = [canary for canary in canaries if before and not _fault(before, encoder, canary)]
    yield (
        f"of {counted(len(canaries), 'canary', 'canaries')}, {len(was)} answered before and "
        f"{len(canaries) - len(failed)} now: {first_of(failed)}: check that their documents are "
        "there, or correct the canaries"
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


def _canary(place: str, row: Mapping[str, Any]) -> Canary:
    names = {field.name for field in fields(Canary)}
    given = {name: value for name, value in row.items() if value is not None}
    filled = all(isinstance(value, str) and value.strip() for value in given.values())
    if "question" not in given or not filled or not row.keys() <= names:
        raise UsageError(
            f"{place} is no canary: write one {_FORM} a line; document_id and section may be "
            "left out"
        )
    return Canary(**given)
