"""`rag ask` and `rag verify`."""

from __future__ import annotations

import functools
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
from rag.cli.console import encoder_of, read_settings, show
from rag.cli.generate import endpoint_in, generate_answer, show_event
from rag.cli.options import IndexOption, JsonOption
from rag.cli.session import Session, converse, history_file, typed_lines
from rag.cli.terminal import printable, verdict_line
from rag.schemas import VerifyResponse, read_saved
from rag.store import open_current
from rag.text import counted
from rag.types import MAX_TOP_K, Mode, Status, Verdict
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
    generates: Annotated[
        bool, typer.Option("--generate", help="also have an answer written from the passages")
    ] = False,
    index: IndexOption = None,
) -> None:
    """Ask the documents a question, or several.

    The exit code is 4 if the documents do not seem to answer the question. Without a question, a
    terminal asks for them: `:help` lists what else can be typed, Ctrl-D leaves.
    """
    settings = read_settings(index=index)
    if words is None:
        _converse(settings, top_k, mode)
        return
    question = " ".join(words)
    if not question.strip():
        raise UsageError("the question is empty: write one")
    if generates and (as_json or format != "text"):
        raise UsageError("--generate writes text for people: leave --json out")
    endpoint = endpoint_in(settings) if generates else None
    encoder = encoder_of(settings)
    snapshot = open_current(settings.index, encoder)
    started = time.perf_counter()
    answer = answer_question(snapshot, encoder, question, top_k=top_k, mode=mode)
    took_ms = (time.perf_counter() - started) * 1000
    if as_json or format == "json":
        print(answer_as_json(answer, snapshot, took_ms))
    elif format == "md":
        print("\n".join(markdown_lines(answer)))
    else:
        console = Console(highlight=False)
        links = file_links(remembered(settings.index))
        show_answer(answer, console, links, UNFOLD if console.is_terminal else "")
        if endpoint:
            tell = functools.partial(show_event, console)
            generate_answer(endpoint, answer, snapshot, encoder, tell)
    if answer.abstained:
        raise typer.Exit(EXIT_NO_ANSWER)


def _converse(settings: Settings, top_k: int, mode: Mode) -> None:
    """Answers what is typed at the terminal. Raises UsageError if there is none."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("no question is given: write one, or run `rag ask` at a terminal")
    encoder = encoder_of(settings)
    snapshot = open_current(settings.index, encoder)
    session = Session(settings.index, encoder, snapshot, Console(highlight=False), top_k, mode)
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
