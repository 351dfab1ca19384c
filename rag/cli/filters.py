"""The filters of `rag ask`: their options, what completes them, and what is wrong with one."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, replace
from datetime import date
from itertools import islice
from pathlib import PurePosixPath
from typing import Annotated, Any

import typer

from rag.answering import unmatched
from rag.cli.console import read_settings
from rag.index import Snapshot
from rag.store import current_id, load_snapshot
from rag.types import Filters
from rag.types.errors import RagError, UsageError

# The options, by the fields of `Filters`.
OPTIONS = {
    "document_id": "document",
    **{name: name for name in ("section", "folder", "type", "since", "until")},
}
DAYS = ("since", "until")
# Of so many values that the index has, the nearest to a wrong one is proposed.
COMPARED = 10_000
# What is wrong with a value that no document has.
WRONG = {
    "document_id": "is no document of the index: {near}`rag report` lists them",
    "section": "is no heading of the index: {near}give a whole heading, not a title",
    "folder": "is a folder without documents: {near}give it as `rag report` lists it",
    "type": "ends the name of no document: {near}give an ending such as md",
    "since": "is later than the date of every document: give an earlier day",
    "until": "is before the date of every document: give a later day",
}


def _documents(snapshot: Snapshot) -> Iterable[str]:
    return snapshot.documents


def _folders(snapshot: Snapshot) -> Iterable[str]:
    paths = {folder for id in snapshot.documents for folder in PurePosixPath(id).parents}
    return sorted(map(str, paths - {PurePosixPath(".")}))


def _endings(snapshot: Snapshot) -> Iterable[str]:
    suffixes = {PurePosixPath(id).suffix.lower() for id in snapshot.documents}
    return sorted(suffix.lstrip(".") for suffix in suffixes - {""})


def _headings(snapshot: Snapshot) -> Iterable[str]:
    paths = (section.heading_path for section in snapshot.sections.values())
    return dict.fromkeys(heading for path in paths for heading in path)


# The values of a filter that an index has.
VALUES: dict[str, Callable[[Snapshot], Iterable[str]]] = {
    "document_id": _documents,
    "section": _headings,
    "folder": _folders,
    "type": _endings,
}


def _completing(name: str) -> Callable[[typer.Context, str], list[str]]:
    """What completes the value of a filter: those that the index has."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        try:
            index = read_settings(index=context.params.get("index")).index
            # Nothing is answered from it, so its checksums are not compared.
            snapshot = load_snapshot(index, current_id(index), at_once=0)
            return [value for value in VALUES[name](snapshot) if value.startswith(incomplete)]
        except (RagError, ValueError, LookupError):
            # There is no index, or its files were altered: `rag ask` will say so.
            return []

    return complete


def _option(flag: str, metavar: str, help: str, completed: str | None = None) -> Any:
    complete = _completing(completed) if completed else None
    return typer.Option(flag, metavar=metavar, help=help, autocompletion=complete)


DocumentOption = Annotated[
    list[str] | None,
    _option("--document", "ID", "search only this document; repeat for more", "document_id"),
]
SectionOption = Annotated[
    str | None, _option("--section", "HEADING", "search only below a heading of this text")
]
FolderOption = Annotated[
    str | None, _option("--folder", "FOLDER", "search only this folder of the corpus", "folder")
]
TypeOption = Annotated[
    list[str] | None,
    _option(
        "--type", "ENDING", "search only files of this type, such as pdf; repeat for more", "type"
    ),
]
SinceOption = Annotated[
    str | None,
    _option("--since", "DAY", "search only documents changed on this day (2026-03-01) or later"),
]
UntilOption = Annotated[
    str | None,
    _option("--until", "DAY", "search only documents changed on this day (2026-03-01) or before"),
]


def refined(filters: Filters, name: str, value: str) -> Filters:
    """The filters and one more, by the name of its option. Raises UsageError if there is none."""
    field = next((field for field, option in OPTIONS.items() if option == name), None)
    if field is None:
        raise UsageError(f"{name} is no filter: choose {', '.join(OPTIONS.values())}")
    given = getattr(filters, field)
    added: Any = (*given, value) if isinstance(given, tuple) else value
    return replace(filters, **{field: added})


def checked(snapshot: Snapshot, filters: Filters) -> Filters:
    """The filters, with documents by the ids of the index.

    Raises UsageError for a value that is empty or no day, or that no document has.
    """
    for name, given in asdict(filters).items():
        if "" in _values(given):
            raise UsageError(f"--{OPTIONS[name]} is empty: give a value, or leave it out")
    for name in DAYS:
        _check_day(name, getattr(filters, name))
    if filters.since and filters.until and filters.since > filters.until:
        raise UsageError(f"--since {filters.since} is after --until {filters.until}: swap them")
    found = [(id, snapshot.document(id)) for id in filters.document_id]
    for id, document in found:
        if document is None:
            raise _wrong(snapshot, "document_id", id)
    known = tuple(document.id for _, document in found if document)
    filters = replace(filters, document_id=known)
    for name in unmatched(snapshot, filters):
        raise _wrong(snapshot, name, *_values(getattr(filters, name)))
    return filters


def described(filters: Filters) -> str:
    """The filters in words: `folder guides, type pdf`; empty if there are none."""
    given = {name: _values(value) for name, value in asdict(filters).items()}
    return ", ".join(f"{OPTIONS[name]} {value}" for name in given for value in given[name])


def _values(given: str | Collection[str] | None) -> list[str]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else list(given)


def _check_day(name: str, day: str | None) -> None:
    try:
        right = day is None or date.fromisoformat(day).isoformat() == day
    except ValueError:
        right = False
    if not right:
        raise UsageError(f"--{name} {day!r} is no day: write it as 2026-03-01")


def _wrong(snapshot: Snapshot, name: str, *values: str) -> UsageError:
    """The error for values of a filter that no document has."""
    near = ""
    if name in VALUES:
        compared = list(islice(VALUES[name](snapshot), COMPARED))
        found = difflib.get_close_matches(values[0], compared, n=1)
        near = f"did you mean {found[0]!r}? " if found else ""
    listed = ", ".join(map(repr, values))
    return UsageError(f"--{OPTIONS[name]} {listed} {WRONG[name].format(near=near)}")
