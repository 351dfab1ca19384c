"""`python -m rag` and `rag`: the command line, ended quietly by an interrupt at any moment."""

from __future__ import annotations

import io
import os
import signal
import sys
from importlib import import_module

INTERRUPTED = 130


def main() -> None:
    """Runs the command line and exits with its code."""
    start("rag.cli.main")


def start(module: str) -> None:
    """Runs the `main` of a module whose import takes a second, and exits with its code.

    Closed streams are opened on nothing before it can open a file in their place. While it is
    imported, and when it is done, an interrupt ends the process at once.
    """
    _prepare_streams()
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        # Whoever has started it in the background wants it to ignore interrupts.
        import_module(module).main()
        return
    signal.signal(signal.SIGINT, _quit)
    run = import_module(module).main
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run()
    finally:
        signal.signal(signal.SIGINT, _quit)


def _prepare_streams() -> None:
    """Opens the streams that are closed; stdout escapes what its encoding lacks, as stderr does."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nothing, "r" if name == "stdin" else "w"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _quit(number: int, frame: object) -> None:
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
