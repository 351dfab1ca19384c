"""`rag ask` and `rag verify`."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, get_args

import msgspec
import typer
from rich.console import Console

from rag.answering import ask as answer_question
from rag.answering import verify as verify_saved
from rag.cli.console import encoder_of, read_settings, show
from rag.cli.options import IndexOption, JsonOption
from rag.cli.terminal import printable, show_answer, verdict_line
from rag.errors import UsageError
from rag.schemas import VerifyResponse, answer_json, read_saved, timed
from rag.store import open_current
from rag.text import counted
from rag.types import MAX_TOP_K, Mode, Status, Verdict

EXIT_NOT_VALID = 3
EXIT_NO_ANSWER = 4


def ask(
    words: Annotated[
        list[str], typer.Argument(metavar="QUESTION", help="in quotes, or word by word")
    ],
    top_k: Annotated[int, typer.Option(min=1, max=MAX_TOP_K, help="passages at most")] = 5,
    mode: Annotated[Mode, typer.Option(help="signals to use")] = "hybrid",
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """Ask the documents a question.

    The exit code is 4 if they do not seem to answer it.
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
        written = timed(answer_json(answer, snapshot), took_ms)
        print(msgspec.json.format(written, indent=1).decode())
    else:
        show_answer(answer, Console(highlight=False))
    if answer.abstained:
        raise typer.Exit(EXIT_NO_ANSWER)


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
