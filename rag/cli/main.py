"""The `rag` command. Results go to stdout, messages to stderr.

Exit codes: 0 done; 1 failed; 2 wrong usage, setting, corpus or file; 3 a citation does not stand
where it says; 4 the documents do not answer; 5 no usable index; 6 the gate refuses the new
snapshot; 74 the index cannot be written; 75 busy (another build, or the port is taken); 130
interrupted.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console

from rag import __version__
from rag.answering import Status, Verdict
from rag.answering import ask as answer_question
from rag.answering import verify as verify_citation
from rag.building import (
    Built,
    Check,
    NotReplaced,
    Origin,
    changes,
    check_replaces,
    gate_of,
    origin_of,
    read_options,
    rebuild,
    rebuilds,
    recorded,
    refused,
    remembered,
    summary,
    told_changes,
    unchecked,
)
from rag.checks import check_lines, diff_lines, examine, faq_questions, read_questions, worst
from rag.checks import diff as diff_snapshots
from rag.cli.console import ask_user, encoder_of, read_settings, run, say, show
from rag.cli.listening import emit, events, terminal
from rag.cli.terminal import printable, show_answer, verdict_line
from rag.documents import Cage
from rag.encoders import Encoder
from rag.errors import CorpusError, ModelMismatch, RagError, UnusableIndex, UsageError
from rag.index import Snapshot, check_encoder
from rag.schemas import AskResponse, VerifyResponse, read_saved
from rag.serving import are_uploaded
from rag.settings import Settings
from rag.store import (
    current_id,
    find_id,
    in_process,
    list_versions,
    load_snapshot,
    no_index,
    open_current,
    read_manifest,
    roll_back,
    snapshot_ids,
    version_lines,
    writing,
)
from rag.text import counted
from rag.types import Mode

EXIT_NOT_VALID = 3
EXIT_NO_ANSWER = 4

app = typer.Typer(
    name="rag",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"rag {__version__}")
        raise typer.Exit


IndexOption = Annotated[Path | None, typer.Option("--index", help="folder of the index")]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="replace an index that was built from other documents")
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="stop at the first file that cannot be read")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON object")]


@app.callback()
def default(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Ask your own documents: the passages that answer, each cited to the character.

    Results go to stdout, messages to stderr. `rag COMMAND -h` explains a command.
    """


@app.command()
def build(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="files or folders of documents")
    ] = None,
    index: IndexOption = None,
    no_faq: Annotated[bool, typer.Option("--no-faq", help="leave FAQ pairs out")] = False,
    strict: StrictOption = False,
    skip_unreadable: Annotated[bool, typer.Option("--skip-unreadable", hidden=True)] = False,
    within: Annotated[
        Path | None, typer.Option(help="open nothing outside this folder", hidden=True)
    ] = None,
    if_stale: Annotated[
        bool, typer.Option("--if-stale", help="do nothing where the index is up to date")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="take nothing over from the index as it is")
    ] = False,
    gate: Annotated[
        bool | None,
        typer.Option("--gate/--no-gate", help="publish only what is no worse than before"),
    ] = None,
    canaries: Annotated[
        Path | None,
        typer.Option(help="JSON lines with a `question` each, that the gate wants answered"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="publish in spite of the gate, and have it recorded")
    ] = False,
    replace: ReplaceOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="print each event as a line of JSON")
    ] = False,
) -> None:
    """Build the index from documents.

    Without paths it is built again from what it was built from; a first one, from the folder that
    RAG_CORPUS names. The new index answers from then on; if anything fails, the old one does.
    """
    settings = read_settings(index=index, gate=gate, canaries=canaries)
    if canaries and not (settings.gate or force):
        raise UsageError("--canaries are asked by the gate: add --gate, or leave them out")
    named = _named(paths, settings)
    with ExitStack() as stack:
        listener = events() if as_json else stack.enter_context(terminal())
        try:
            origin = _origin(settings, named, no_faq)
            cage = stack.enter_context(Cage())
            built = rebuild(
                settings.index,
                origin.paths,
                encoder_of(settings),
                faq=origin.faq,
                options=read_options(settings, cage.parse, strict=strict, within=within),
                if_stale=if_stale,
                full=full,
                gate=gate_of(settings, force),
                risk=settings.risk,
                listener=listener,
                check=_check(settings.index, origin, replace, asks=bool(named) or not if_stale),
                sources=recorded(origin),
            )
        except RagError as error:
            if not _can_be_served(error, settings.index, named, if_stale):
                if as_json:
                    emit("error", message=str(error))
                raise
            listener.note(f"not rebuilt: {error}")
            return
    if as_json:
        emit("built", **built.to_json()) if built else emit("up_to_date")
    elif built:
        _show(built, settings.index)
    else:
        say(f"{settings.index} is up to date, {_from(settings.index)}")


def _can_be_served(error: RagError, index: Path, named: Sequence[Path], if_stale: bool) -> bool:
    """Whether what is there will do, as nothing else was asked for than an index that is up to
    date."""
    is_about_corpus = isinstance(error, CorpusError | NotReplaced)
    return bool(is_about_corpus and if_stale and not named and snapshot_ids(index))


@app.command()
def watch(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="files or folders of documents")
    ] = None,
    strict: StrictOption = False,
    replace: ReplaceOption = False,
    index: IndexOption = None,
) -> None:
    """Build the index again whenever the documents change.

    It ends when it is interrupted. Without paths it watches what the index was built from.
    """
    settings = read_settings(index=index)
    origin = _origin(settings, _named(paths, settings))
    watched = origin.paths
    with Cage() as cage, terminal() as listener:
        build = functools.partial(
            rebuild,
            settings.index,
            watched,
            encoder_of(settings),
            faq=origin.faq,
            check=_check(settings.index, origin, replace),
            sources=recorded(origin),
            options=read_options(settings, cage.parse, strict=strict),
            if_stale=True,
            gate=gate_of(settings),
            risk=settings.risk,
            listener=told_changes(listener),
        )
        if first := build():
            _show(first, settings.index)
        say(f"watching {', '.join(map(str, watched))}")
        for built in rebuilds(build, changes(watched), listener):
            _show(built, settings.index)


@app.command()
def ask(
    words: Annotated[
        list[str], typer.Argument(metavar="QUESTION", help="in quotes, or word by word")
    ],
    top_k: Annotated[int, typer.Option(min=1, max=50, help="passages at most")] = 5,
    mode: Annotated[Mode, typer.Option(help="signals to use")] = "hybrid",
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """Ask the documents a question.

    Exit code 4 says that they do not seem to answer it.
    """
    settings = read_settings(index=index)
    question = " ".join(words)
    if not question.strip():
        raise UsageError("the question is empty: write one")
    encoder = encoder_of(settings)
    snapshot = open_current(settings.index, encoder)
    started = time.perf_counter()
    answer = answer_question(snapshot, encoder, question, top_k=top_k, mode=mode)
    if as_json:
        took_ms = (time.perf_counter() - started) * 1000
        print(AskResponse.of(answer, snapshot, took_ms).model_dump_json(indent=1))
    else:
        show_answer(answer, Console(highlight=False))
    if answer.abstained:
        raise typer.Exit(EXIT_NO_ANSWER)


@app.command()
def verify(
    file: Annotated[
        str, typer.Argument(help="answers saved as JSON, or their citations; - reads stdin")
    ],
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """Check whether saved citations still stand.

    Exit code 3 says that some do not stand where they say.
    """
    settings = read_settings(index=index)
    saved = read_saved(_content(file), printable(file))
    snapshot = open_current(settings.index, encoder_of(settings))
    verdicts = [verify_citation(snapshot, citation) for citation in saved]
    if as_json:
        print(VerifyResponse.of(verdicts, snapshot).model_dump_json(indent=1))
    else:
        for citation, verdict in zip(saved, verdicts, strict=True):
            show(verdict_line(citation, verdict))
        show(_counted(verdicts))
    if any(verdict.status != "valid" for verdict in verdicts):
        raise typer.Exit(EXIT_NOT_VALID)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to bind")] = None,
    port: Annotated[int | None, typer.Option(help="port to bind")] = None,
    index: IndexOption = None,
) -> None:
    """Serve the page and the HTTP API."""
    settings = read_settings(index=index, host=host, port=port)
    if remembered(settings.index):
        say(f"{settings.index} answers, {_from(settings.index)}")
    # Late: the web framework takes a while to import, and only this command needs it.
    from rag.web import serve as serve_index

    serve_index(settings)


@app.command()
def info(as_json: JsonOption = False, index: IndexOption = None) -> None:
    """Show what the index was built from."""
    settings = read_settings(index=index)
    manifest = read_manifest(settings.index)
    if as_json:
        sources = remembered(settings.index)
        found = {"id": manifest.id, "sources": asdict(sources) if sources else None}
        print(json.dumps({**found, **manifest.to_json()}, indent=1))
    else:
        show(summary(manifest, settings.index))
        show(_from(settings.index))
        show(f"model {manifest.model.name}, sha256 {manifest.model.sha256}")
        show(f"corpus sha256 {manifest.corpus_sha256}")


@app.command(
    "eval",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def evaluate(context: typer.Context) -> None:
    """Measure how good the answers are (see `rag eval -h`)."""
    # Only here are scikit-learn and matplotlib needed.
    importlib.import_module("eval.cli").main(context.args, f"{context.find_root().info_name} eval")


@app.command()
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
        current_id(settings.index)
    if as_json:
        print(json.dumps({"versions": [each.to_json() for each in listed]}, indent=1))
    else:
        for line in version_lines(listed):
            show(line)


@app.command()
def rollback(
    id: Annotated[
        str | None, typer.Argument(help="a kept snapshot: its id, or how the id begins")
    ] = None,
    index: IndexOption = None,
) -> None:
    """Let an older snapshot answer again.

    Without an id it is the one that answered before the current one.
    """
    settings = read_settings(index=index)
    if not snapshot_ids(settings.index):
        raise no_index(settings.index)
    encoder = encoder_of(settings)
    with writing(settings.index):
        # Were this process to die of a damaged file, nothing would have been changed.
        version = roll_back(settings.index, encoder, id, verify=in_process)
    state = "answers already" if version.id == version.before else "answers again"
    show(f"{settings.index / version.id} {state}")


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="a kept snapshot: its id, or how the id begins")],
    after: Annotated[str, typer.Argument(help="another")],
    questions: Annotated[
        Path | None,
        typer.Option(help="JSON lines with a `question` each, in place of the FAQ's"),
    ] = None,
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """Show what changed between two snapshots: documents, passages, answers."""
    settings = read_settings(index=index)
    ids = [find_id(settings.index, given) for given in (before, after)]
    old, new = (load_snapshot(settings.index, id) for id in ids)
    asked = read_questions(questions) if questions else faq_questions(old, new)
    encoder = _common_encoder(settings, old, new) if asked else None
    difference = diff_snapshots(old, new, encoder, asked)
    if as_json:
        print(json.dumps(difference.to_json(), indent=1, ensure_ascii=False))
    else:
        for line in diff_lines(difference):
            show(line)


@app.command()
def doctor(as_json: JsonOption = False, index: IndexOption = None) -> None:
    """Check the index, and say what is broken and how to fix it.

    Exit code 5 says that something is broken.
    """
    settings = read_settings(index=index)
    checks = examine(settings.index, lambda: encoder_of(settings))
    if as_json:
        found = {"state": worst(checks), "checks": [check.to_json() for check in checks]}
        print(json.dumps(found, indent=1))
    else:
        for line in check_lines(checks):
            show(line)
    if worst(checks) == "fail":
        raise typer.Exit(UnusableIndex.exit_code)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code."""
    run(app, arguments)


def _common_encoder(settings: Settings, *snapshots: Snapshot) -> Encoder | None:
    """The encoder, where all of these were built with it; else says why there is none."""
    encoder = encoder_of(settings)
    try:
        for snapshot in snapshots:
            check_encoder(settings.index / snapshot.id, snapshot, encoder)
    except ModelMismatch as error:
        say(f"answers are not compared: {error}")
        return None
    return encoder


def _named(paths: list[Path] | None, settings: Settings) -> list[Path]:
    """The paths that are named: as arguments, else by the environment."""
    return paths or ([settings.corpus] if "corpus" in settings.model_fields_set else [])


def _origin(settings: Settings, named: list[Path], no_faq: bool = False) -> Origin:
    origin = origin_of(settings.index, named, settings.corpus, no_faq)
    return dataclasses.replace(origin, uploaded=are_uploaded(origin.paths))


def _check(index: Path, origin: Origin, may_replace: bool, asks: bool = True) -> Check:
    """Refuses to replace an index of other documents, unless it was said or is agreed to."""
    if may_replace:
        return unchecked
    agreed = ask_user if asks else refused
    return lambda corpus_sha256: check_replaces(index, origin, corpus_sha256, agreed)


def _from(index: Path) -> str:
    return f"built from {remembered(index) or 'what is not recorded'}"


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{printable(file)} cannot be read ({error.strerror})") from error


def _counted(verdicts: Sequence[Verdict]) -> str:
    counts = Counter(verdict.status for verdict in verdicts)
    listed = ", ".join(f"{counts[status]} {status}" for status in get_args(Status))
    return f"{counted(len(verdicts), 'citation')}: {listed}"


def _show(built: Built, index: Path) -> None:
    show(summary(built.manifest, index))
    for said in (built.reused, built.gate):
        if said:
            say(str(said))
