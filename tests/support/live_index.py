"""A service over an index of the letter encoder, and commands that stand in for a build."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI

from rag.serving.jobs import Command, Wanted
from rag.serving.live import IndexFolder
from rag.serving.upkeep import Upkeep
from rag.web import Capacity
from service import create_app
from support.letter_encoder import LetterEncoder

# Never run: no test that uses it starts a build.
IDLE = ["false"]


def folder_of(index: Path) -> IndexFolder:
    """The index folder, read by the letter encoder."""
    return IndexFolder(index, lambda: LetterEncoder())


def script(code: str) -> Command:
    """A command that runs Python code, the path as its first argument."""

    def command(path: Path, wanted: Wanted) -> Sequence[str]:
        return [sys.executable, "-c", code, str(path), str(wanted.force)]

    return command


def app_of(
    index: Path,
    command: Command = lambda path, wanted: IDLE,
    *,
    roots: tuple[Path, ...] = (),
    host: str = "127.0.0.1",
    seconds: float = 0.01,
    verify_seconds: float = 0.0,
    answers: int = 0,
) -> FastAPI:
    """A service that follows the index, and remembers so many answers."""
    return create_app(
        upkeep=Upkeep(folder_of(index), command, roots, host, seconds, verify_seconds),
        capacity=Capacity(answers=answers),
    )
