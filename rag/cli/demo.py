"""`rag demo`: what there is, in a minute, on the sample corpus and in a temporary folder."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from typer.main import get_command

from rag.building import sample_corpus
from rag.cli.ask import EXIT_NO_ANSWER, EXIT_NOT_VALID
from rag.cli.main import COMMANDS, command_line_of
from rag.types.errors import RagError

SAMPLE = "car-t-lupus.md"
QUESTION = "Which procedure collects the T cells?"
UNANSWERED = "Who won the chess championship in 1987?"
ANSWER = Path("answer.json")
INDEX = ("--index", "index")

# Runs a command, and raises RagError if its exit code is another than the one given (0).
Rag = Callable[..., None]


def demo() -> None:
    """Walk through build, ask, verify, eval and rebuild in a minute, on the sample corpus.

    It works in a temporary folder, which is removed at the end.
    """
    text = (sample_corpus() / SAMPLE).read_bytes()
    rag = partial(run_command, get_command(command_line_of(*COMMANDS)).main)
    with TemporaryDirectory(prefix="rag-demo-") as folder, chdir(folder):
        document = Path("docs") / SAMPLE
        document.parent.mkdir()
        document.write_bytes(text)
        for step in (_build, _ask, _decline, _check, _measure, partial(_rebuild, document)):
            step(rag)
    _tell("That was all; the temporary folder is removed. With your own documents:")
    print("  rag build MY-FOLDER --index my-index\n  rag serve --index my-index")


def _build(rag: Rag) -> None:
    _tell("1. Build. The documents are read, cut into passages and made searchable.")
    rag("build", "docs", *INDEX)
    _wait()


def _ask(rag: Rag) -> None:
    _tell("2. Ask. The answer is quoted, and the passage that holds it is cited with its lines.")
    rag("ask", QUESTION, "--top-k", "1", *INDEX)
    _wait()


def _decline(rag: Rag) -> None:
    _tell("3. If the documents do not answer, the command says so, and its exit code is 4.")
    rag("ask", UNANSWERED, "--top-k", "1", *INDEX, code=EXIT_NO_ANSWER)
    _wait()


def _check(rag: Rag) -> None:
    _tell("4. Verify. An answer that was saved is compared with the documents, to the character.")
    saved = StringIO()
    rag("ask", QUESTION, "--json", "--top-k", "1", *INDEX, to=saved)
    ANSWER.write_text(saved.getvalue(), encoding="utf-8")
    rag("verify", str(ANSWER), *INDEX)
    _wait()


def _measure(rag: Rag) -> None:
    _tell(
        "5. Evaluate. The questions of the documents' own FAQ are asked, with the FAQ left out of\n"
        "   the index: how often does the first passage come from a section that answers?"
    )
    rag("eval", "build", "docs")
    rag("eval", "run", "docs")
    _wait()


def _rebuild(document: Path, rag: Rag) -> None:
    _tell(
        "6. Rebuild. The quoted sentence is edited. Only what changed is encoded again, and the\n"
        "   saved citation is no longer valid: the exit code is 3, and the edit is shown."
    )
    quote = str(json.loads(ANSWER.read_bytes())["answer"]["quotes"][0]["text"])
    text = document.read_text(encoding="utf-8")
    document.write_text(text.replace(quote, f"{quote[:-1]} (edited){quote[-1]}"), encoding="utf-8")
    rag("build", "docs", *INDEX)
    rag("verify", str(ANSWER), *INDEX, code=EXIT_NOT_VALID)


def run_command(
    main: Callable[..., Any], *arguments: str, code: int = 0, to: StringIO | None = None
) -> None:
    """Shows and runs a command; its output goes into `to`, if that is given."""
    shown = f"$ rag {shlex.join(arguments)}"
    print(f"\n{shown} > {ANSWER}" if to else f"\n{shown}", flush=True)
    with redirect_stdout(to or sys.stdout):
        ended = _ended(main, arguments)
    sys.stdout.flush()
    if ended != code:
        raise RagError(f"`{shown}` ended with {ended}, not with {code}")


def _ended(main: Callable[..., Any], arguments: tuple[str, ...]) -> int:
    """The exit code of a command. That of `rag eval` ends the process with its own."""
    try:
        return int(main(list(arguments), prog_name="rag", standalone_mode=False) or 0)
    except SystemExit as exit:
        return int(exit.code or 0)


def _tell(words: str) -> None:
    print(f"\n{words}", flush=True)


def _wait() -> None:
    """Lets the user read, if one is there."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        print("\n[Enter: go on]", end=" ", flush=True)
        sys.stdin.readline()
