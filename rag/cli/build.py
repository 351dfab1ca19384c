"""`rag build` and `rag watch`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from rag.building import (
    Built,
    Listener,
    Origin,
    changes,
    gate_of,
    memory_limit,
    origin_of,
    rebuild,
    rebuilds,
)
from rag.cli.console import (
    ask_user,
    build_encoder_of,
    origin_line,
    read_settings,
    say,
    show,
    summary,
)
from rag.cli.listening import as_events, emit, on_terminal, told_changes
from rag.cli.options import DocumentsArgument, IndexOption, ReplaceOption, StrictOption
from rag.documents import Cage, ReadOptions
from rag.store import snapshot_ids
from rag.types import Caution
from rag.types.errors import PARTIAL, CorpusError, NotReplaced, RagError, UsageError
from rag.types.settings import Settings

# A file that takes at least this many seconds to read is named.
SLOW = 1.0

WithinOption = Annotated[
    Path | None, typer.Option(help="open nothing outside this folder", hidden=True)
]
IfStaleOption = Annotated[
    bool, typer.Option("--if-stale", help="do nothing if the index is up to date")
]
FullOption = Annotated[bool, typer.Option("--full", help="reuse nothing of the present index")]
GateOption = Annotated[
    bool | None,
    typer.Option("--gate/--no-gate", help="publish only if the answers are no worse than before"),
]
CanariesOption = Annotated[
    Path | None,
    typer.Option(help="JSON lines with a `question` each that must be answered; requires --gate"),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="publish even if the gate refuses, and record that")
]
EventsOption = Annotated[bool, typer.Option("--json", help="print each event as a line of JSON")]


def build(
    paths: DocumentsArgument = None,
    index: IndexOption = None,
    no_faq: Annotated[bool, typer.Option("--no-faq", help="leave FAQ pairs out")] = False,
    strict: StrictOption = False,
    skip_unreadable: Annotated[bool, typer.Option("--skip-unreadable", hidden=True)] = False,
    within: WithinOption = None,
    if_stale: IfStaleOption = False,
    full: FullOption = False,
    gate: GateOption = None,
    canaries: CanariesOption = None,
    force: ForceOption = False,
    replace: ReplaceOption = False,
    as_json: EventsOption = False,
) -> None:
    """Build the index from documents.

    Without paths the same documents are read as before; for a first index, the folder RAG_CORPUS.
    The new index goes live when it is complete. If anything fails, the old one stays live. The exit
    code is 3 if the index is live but some files could not be read; `rag report` names them.
    """
    settings = read_settings(index=index, gate=gate, canaries=canaries)
    if canaries and not (settings.gate or force):
        raise UsageError("--canaries requires --gate: add it, or leave --canaries out")
    named = _named(paths, settings)
    with ExitStack() as stack:
        listener = as_events() if as_json else stack.enter_context(on_terminal())
        try:
            origin = origin_of(settings.index, named, settings.corpus, no_faq)
            cage = stack.enter_context(Cage(workers=settings.readers))
            if not if_stale:
                cage.start()
            options = ReadOptions(
                cage.each, settings.max_file_mb, strict, within, listener.progress
            )
            run = _rebuilding(settings, origin, options, listener, force)
            consent = _consent(replace, asks=bool(named) or not if_stale)
            with memory_limit(settings.memory):
                built = run(if_stale=if_stale, full=full, consent=consent)
        except RagError as error:
            if if_stale and not named and _can_be_served(error, settings.index):
                listener.note(f"not rebuilt: {error}")
                return
            if as_json:
                emit("error", message=str(error))
            raise
    if as_json:
        emit("built", **built.to_json()) if built else emit("up_to_date")
    elif built:
        _show(built, settings.index)
    else:
        say(f"{settings.index} is up to date, {origin_line(settings.index)}")
    # With --if-stale the question is whether there is an index to serve, and there is.
    if built and built.is_partial and not if_stale:
        raise typer.Exit(PARTIAL)


def watch(
    paths: DocumentsArgument = None,
    strict: StrictOption = False,
    replace: ReplaceOption = False,
    index: IndexOption = None,
) -> None:
    """Build the index again whenever the documents change.

    It runs until it is interrupted. Without paths it watches the documents of the index.
    """
    settings = read_settings(index=index)
    origin = origin_of(settings.index, _named(paths, settings), settings.corpus, no_faq=False)
    with Cage(workers=settings.readers) as cage, on_terminal() as listener:
        options = ReadOptions(cage.each, settings.max_file_mb, strict, progress=listener.progress)
        run = _rebuilding(settings, origin, options, told_changes(listener))
        update = functools.partial(run, if_stale=True, consent=_consent(replace))
        if first := update():
            _show(first, settings.index)
        say(f"watching {', '.join(map(str, origin.paths))}")
        for built in rebuilds(update, changes(origin.paths), listener):
            _show(built, settings.index)


def _rebuilding(
    settings: Settings,
    origin: Origin,
    options: ReadOptions,
    listener: Listener,
    force: bool = False,
) -> Callable[..., Built | None]:
    """`rebuild` with what the settings and the origin of the documents decide."""
    return functools.partial(
        rebuild,
        settings.index,
        origin,
        build_encoder_of(settings),
        options=options,
        gate=gate_of(settings, force),
        caution=Caution(settings.risk, settings.answerable),
        use_feedback=settings.feedback,
        listener=listener,
    )


def _can_be_served(error: RagError, index: Path) -> bool:
    """Whether there is an index that the error says nothing against."""
    return isinstance(error, CorpusError | NotReplaced) and bool(snapshot_ids(index))


def _named(paths: Sequence[Path] | None, settings: Settings) -> list[Path]:
    """The paths given as arguments, else by the environment."""
    return list(paths or ([settings.corpus] if "corpus" in settings.model_fields_set else []))


def _consent(replaces: bool, asks: bool = True) -> Callable[[str], bool]:
    """Whether an index of other documents may be replaced: by --replace, or as the user says."""
    if replaces or not asks:
        return lambda question: replaces
    return ask_user


def _show(built: Built, index: Path) -> None:
    show(summary(built.manifest, index))
    if taken := built.reused:
        say(
            f"reused {taken.passages} of {taken.of_passages} passages "
            f"({taken.documents} of {taken.of_documents} documents unchanged)"
        )
    if slow := [f"{id} {took:.1f} s" for id, took in built.slowest if took >= SLOW]:
        say(f"slowest to read: {', '.join(slow)}")
    if built.gate:
        say(str(built.gate))
