"""`rag ask` and `rag verify`."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer
from rich.console import Console

from rag.answering import ask as answer_question
from rag.answering import verify as verify_saved
from rag.building import remembered
from rag.cli.answers import answer_as_json, file_links, markdown_lines, show_answer
from rag.cli.console import encoder_of, read_settings, say, show
from rag.cli.filters import (
    DocumentOption,
    FolderOption,
    SectionOption,
    SinceOption,
    TypeOption,
    UntilOption,
    checked,
    described,
)
from rag.cli.generate import (
    check_complete,
    endpoint_in,
    generated,
    markdown_generated,
    show_generated,
)
from rag.cli.options import IndexOption, JsonOption
from rag.cli.session import Session, converse, history_file, typed_lines
from rag.cli.terminal import on_one_line, printable, verdict_line
from rag.schemas import VerifyResponse, read_saved
from rag.serving import Endpoint
from rag.store import open_current
from rag.text import counted
from rag.types import MAX_TOP_K, NO_FILTERS, Filters, Mode, Status, Verdict
from rag.types.errors import UsageError
from rag.types.settings import Settings

EXIT_NOT_VALID = 3
EXIT_NO_ANSWER = 4

# On a terminal the answer stays in sight; what is piped is complete.
UNFOLD = "(--format md shows all passages in full)"

AnswerFormat = Literal["text", "md", "json"]


def ask(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUESTION", help="in quotes, or word by word; none at a terminal: asks for many"
        ),
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, max=MAX_TOP_K, help="passages at most")] = 5,
    mode: Annotated[Mode, typer.Option(help="signals to use")] = "hybrid",
    format: Annotated[AnswerFormat, typer.Option(help="how the answer is written")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="the same as --format json")] = False,
    document: DocumentOption = None,
    section: SectionOption = None,
    folder: FolderOption = None,
    type: TypeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    generates: Annotated[
        bool,
        typer.Option(
            "--generate", help="also let a language model write an answer (see RAG_GENERATE_URL)"
        ),
    ] = False,
    index: IndexOption = None,
) -> None:
    """Ask the documents a question, or several.

    The exit code is 4 if the documents do not seem to answer the question. Without a question, a
    terminal asks for them: `:help` lists what else can be typed, Ctrl-D leaves.
    """
    settings = read_settings(index=index)
    form = "json" if as_json else format
    if words is None and form != "text":
        raise UsageError("no question is given: --json and --format require one")
    question = None if words is None else " ".join(words)
    if question is not None and not question.strip():
        raise UsageError("the question is empty: write one")
    filters = Filters(tuple(document or ()), section, folder, tuple(type or ()), since, until)
    endpoint = endpoint_in(settings) if generates else None
    if question is None:
        _converse(settings, top_k, mode, filters, endpoint)
        return
    encoder = encoder_of(settings)
    snapshot = open_current(settings.index, encoder)
    filters = checked(snapshot, filters)
    started = time.perf_counter()
    answer = answer_question(snapshot, encoder, question, top_k=top_k, mode=mode, filters=filters)
    took_ms = (time.perf_counter() - started) * 1000
    if form == "text":
        console = Console(highlight=False)
        links = file_links(remembered(settings.index))
        show_answer(answer, console, links, UNFOLD if console.is_terminal else "")
        written = show_generated(endpoint, answer, snapshot, encoder, console)
    else:
        written = generated(endpoint, answer, snapshot, encoder)
        if form == "json":
            print(answer_as_json(answer, snapshot, took_ms, written))
        else:
            print("\n".join([*markdown_lines(answer), *markdown_generated(endpoint, written)]))
    check_complete(written)
    if answer.abstained and filters != NO_FILTERS:
        say(f"only this was searched: {on_one_line(described(filters))}")
    if answer.abstained:
        raise typer.Exit(EXIT_NO_ANSWER)


def _converse(
    settings: Settings, top_k: int, mode: Mode, filters: Filters, endpoint: Endpoint | None
) -> None:
    """Answers what is typed at the terminal. Raises UsageError if there is none."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("no question is given: write one, or run `rag ask` at a terminal")
    encoder = encoder_of(settings)
    snapshot = open_current(settings.index, encoder)
    session = Session(
        settings.index,
        encoder,
        snapshot,
        Console(highlight=False),
        top_k,
        mode,
        checked(snapshot, filters),
        endpoint,
    )
    session.welcome()
    converse(session, typed_lines(history_file() if settings.history else None))


def verify(
    file: Annotated[
        str, typer.Argument(help="answers saved as JSON, or their citations; - reads stdin")
    ],
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """Check whether saved citations are still valid.

    The exit code is 3 if some are not.
    """
    settings = read_settings(index=index)
    saved = read_saved(_content(file), printable(file))
    snapshot = open_current(settings.index, encoder_of(settings))
    verdicts = verify_saved(snapshot, saved)
    if as_json:
        print(VerifyResponse.of(verdicts, snapshot).model_dump_json(indent=1))
    else:
        for citation, verdict in zip(saved, verdicts, strict=True):
            show(verdict_line(citation, verdict))
        show(_counted(verdicts))
    if any(verdict.status != "valid" for verdict in verdicts):
        raise typer.Exit(EXIT_NOT_VALID)


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
