"""What the command lines share: settings, output, and errors as one line with an exit code."""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from rag.building import remembered
from rag.cli.terminal import printable
from rag.encoders import set_torch_environment
from rag.text import counted
from rag.types.errors import INTERRUPTED, RagError, UsageError
from rag.types.settings import Settings
from rag.types.system_limits import limits_named

if TYPE_CHECKING:  # many commands need neither
    from rag.encoders import Encoder
    from rag.index import Manifest


def command_line(
    name: str | None = None, no_args_is_help: bool = False, add_completion: bool = False
) -> typer.Typer:
    """A command line without commands; `-h` shows help, errors are shown by `run`."""
    return typer.Typer(
        name=name,
        no_args_is_help=no_args_is_help,
        add_completion=add_completion,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


@contextmanager
def importing() -> Iterator[None]:
    """While a program imports what it runs, an interrupt ends it at once: libraries that are loaded
    in part say anything. What is imported is never searched for garbage, which would take a fifth
    of the time."""
    in_main = threading.current_thread() is threading.main_thread()
    raises = in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if raises:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
        if raises:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def run(
    app: typer.Typer, arguments: Sequence[str] | None = None, program: str | None = None
) -> None:
    """Runs a command line and exits with its code; `program` is its name in help texts."""
    set_torch_environment()
    handler = logging.StreamHandler()
    handler.setFormatter(Printable("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    with errors_said():
        try:
            app(args=arguments, prog_name=program)
        finally:
            sys.stdout.flush()


@contextmanager
def errors_said() -> Iterator[None]:
    """Shows an error that the user can fix as one line, and exits with its code."""
    try:
        with limits_named():
            yield
    except RagError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is None:
            say(f"error: the result cannot be written ({error})")
            # What is left in the buffer would fail once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        else:
            # A call that names a file is none of stdout's.
            say(f"error: {error}: check the file, its rights and the disk")
        sys.exit(1)


class Printable(logging.Formatter):
    """Formats a record without terminal controls: file names may hold them."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return printable(super().format(record))


def show(result: str) -> None:
    """Prints a result for people to stdout, terminal controls shown as codes."""
    print(printable(result), flush=True)


def show_result(as_json: bool, found: object, lines: Iterable[str]) -> None:
    """Prints a result to stdout: as JSON for programs, or as lines for people."""
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        for line in lines:
            show(line)


def say(message: str) -> None:
    """Prints a message to stderr, terminal controls shown as codes."""
    print(printable(message), file=sys.stderr)


def ask_user(question: str) -> bool:
    """Whether the user at the terminal agrees; False without a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(printable(f"{question} [y/N]"), end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def read_settings(**given: Any) -> Settings:
    """The settings; what is given, and not None, overrides the environment.

    Raises UsageError, which names the variable and its value.
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
    """The encoder that the settings name, for all but builds. Raises ModelError."""
    from rag.encoders import open_encoder

    return open_encoder(settings.model, settings.runtime, settings.threads)


def build_encoder_of(settings: Settings) -> Encoder:
    """The encoder of builds, which may encode passages on a device. Raises ModelError."""
    from rag.encoders import open_encoder

    return open_encoder(settings.model, settings.runtime, settings.threads, settings.device)


def summary(manifest: Manifest, index: Path) -> str:
    """A snapshot and its counts, on one line."""
    counts = manifest.counts
    return (
        f"{index / manifest.id}: {counted(counts.documents, 'document')}, "
        f"{counted(counts.sections, 'section')}, {counted(counts.faq_pairs, 'FAQ pair')}, "
        f"{counted(counts.passages, 'passage')}"
    )


def origin_line(index: Path) -> str:
    """What the live index was built from, in words."""
    return f"built from {remembered(index) or 'what is not recorded'}"
