"""What the command lines share: settings, messages, and errors as one line with an exit code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from pydantic import ValidationError

from rag.cli.terminal import printable
from rag.encoders import Encoder, open_encoder, set_torch_environment
from rag.errors import RagError, UsageError
from rag.settings import Settings


def run(
    app: typer.Typer, arguments: Sequence[str] | None = None, program: str | None = None
) -> None:
    """Runs a command line, called by that name, and exits with its code; what the user can fix is
    one line."""
    set_torch_environment()
    handler = logging.StreamHandler()
    handler.setFormatter(Printable("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    try:
        try:
            app(args=arguments, prog_name=program)
        finally:
            sys.stdout.flush()
    except RagError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        say(f"error: the result cannot be written ({error})")
        # Whatever is left in the buffer would fail once more, at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


class Printable(logging.Formatter):
    """A record without what a terminal would obey: file names may hold anything."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return printable(super().format(record))


def show(result: str) -> None:
    """Prints a result for people to stdout, without what a terminal would obey."""
    print(printable(result), flush=True)


def say(message: str) -> None:
    """Prints a message, which is no result, to stderr, without what a terminal would obey."""
    print(printable(message), file=sys.stderr)


def ask_user(question: str) -> bool:
    """Whether somebody at a terminal agrees; nobody does if there is none."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(printable(f"{question} [y/N]"), end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def read_settings(**given: Any) -> Settings:
    """The settings; what is given, and not None, goes before the environment.

    Raises UsageError, naming the variable and its value, where one is wrong.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        raise UsageError(
            f"RAG_{name.upper()} or --{name} is {first['input']!r}: {first['msg']}"
        ) from None


def encoder_of(settings: Settings) -> Encoder:
    """The encoder that the settings name. Raises ModelError."""
    return open_encoder(settings.model, settings.runtime, settings.threads)
