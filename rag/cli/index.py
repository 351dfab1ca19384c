"""`rag info`, `report`, `versions`, `rollback`, `diff`, `doctor`: what is in the index folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rag.answering import profile_of
from rag.building import remembered
from rag.checks import diff as diff_snapshots
from rag.checks import examine, faq_questions
from rag.cli.console import encoder_of, origin_line, read_settings, say, show, show_result, summary
from rag.cli.options import IndexOption, JsonOption
from rag.cli.terminal import file_line
from rag.documents import json_lines
from rag.encoders import Encoder
from rag.index import Manifest, Snapshot, check_encoder
from rag.schemas import ReportResponse
from rag.store import (
    current_id,
    find_id,
    list_versions,
    load_snapshot,
    read_manifest,
    roll_back,
)
from rag.types.errors import ModelMismatch, UnusableIndex, UsageError
from rag.types.settings import Settings

_QUESTION = '{"question": "..."}'


def info(as_json: JsonOption = False, index: IndexOption = None) -> None:
    """Show what the index was built from."""
    settings = read_settings(index=index)
    manifest = read_manifest(settings.index)
    sources = remembered(settings.index)
    found = {"id": manifest.id, "sources": asdict(sources) if sources else None}
    lines = (
        summary(manifest, settings.index),
        origin_line(settings.index),
        f"model {manifest.model.name}, sha256 {manifest.model.sha256}",
        *([f"passages by {manifest.model.passages_by}"] if manifest.model.passages_by else []),
        f"profile {profile_of(manifest.model)}",
        f"search {_search(manifest)}",
        f"corpus sha256 {manifest.corpus_sha256}",
    )
    show_result(as_json, {**found, **manifest.to_json()}, lines)


def _search(manifest: Manifest) -> str:
    """How the passages nearest to a question are found."""
    by_signs = manifest.recipe.pooled_bits == 16
    return "by signs, then the nearest exactly" if by_signs else "compares all passages"


def report(
    snapshot: Annotated[
        str | None, typer.Argument(help="a kept snapshot: its id, or how the id begins")
    ] = None,
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """Show what the build made of each file, and why it skipped some."""
    folder = read_settings(index=index).index
    id = find_id(folder, snapshot) if snapshot else current_id(folder)
    found = load_snapshot(folder, id)
    show_result(as_json, ReportResponse.of(found).model_dump(), map(file_line, found.files))


def versions(
    everything: Annotated[bool, typer.Option("--all", help="list removed snapshots too")] = False,
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """List what was published, newest first."""
    settings = read_settings(index=index)
    listed = [
        each for each in list_versions(settings.index) if everything or each.state != "removed"
    ]
    if not listed:
        current_id(settings.index)  # raises NoIndex if nothing has been built
    found = {"versions": [each.to_json() for each in listed]}
    show_result(as_json, found, map(str, listed))


def rollback(
    id: Annotated[
        str | None, typer.Argument(help="a kept snapshot: its id, or how the id begins")
    ] = None,
    index: IndexOption = None,
) -> None:
    """Make an older snapshot live again.

    Without an id it is the one that was live before the current one.
    """
    settings = read_settings(index=index)
    version = roll_back(settings.index, encoder_of(settings), id)
    state = "was live already" if version.id == version.before else "is live again"
    show(f"{settings.index / version.id} {state}")


def diff(
    before: Annotated[str, typer.Argument(help="a kept snapshot: its id, or how the id begins")],
    after: Annotated[str, typer.Argument(help="another")],
    questions: Annotated[
        Path | None,
        typer.Option(help="JSON lines with a `question` each, to ask instead of the FAQ's"),
    ] = None,
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """Show what changed between two snapshots: documents, passages, answers."""
    settings = read_settings(index=index)
    ids = [find_id(settings.index, given) for given in (before, after)]
    old, new = (load_snapshot(settings.index, id) for id in ids)
    asked = _read_questions(questions) if questions else faq_questions(old, new)
    encoder = _common_encoder(settings, old, new) if asked else None
    difference = diff_snapshots(old, new, encoder, asked)
    show_result(as_json, difference.to_json(), difference.lines())


def doctor(as_json: JsonOption = False, index: IndexOption = None) -> None:
    """Check the index, and say what is broken and how to fix it.

    The exit code is 5 if something is broken.
    """
    settings = read_settings(index=index)
    diagnosis = examine(settings.index, lambda: encoder_of(settings))
    show_result(as_json, diagnosis.to_json(), map(str, diagnosis.checks))
    if diagnosis.state == "fail":
        raise typer.Exit(UnusableIndex.exit_code)


def _read_questions(path: Path) -> list[str]:
    """The questions of a JSON-lines file, in order. Raises UsageError."""
    rows = list(json_lines(path, _QUESTION))
    for number, row in rows:
        if "question" not in row:
            raise UsageError(f"{path}:{number}: no `question`; write one {_QUESTION} a line")
    return [str(row["question"]) for _, row in rows]


def _common_encoder(settings: Settings, *snapshots: Snapshot) -> Encoder | None:
    """The encoder if it built all of these; else None, and a message says why."""
    encoder = encoder_of(settings)
    try:
        for snapshot in snapshots:
            check_encoder(settings.index / snapshot.id, snapshot, encoder)
    except ModelMismatch as error:
        say(f"answers are not compared: {error}")
        return None
    return encoder
