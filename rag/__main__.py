"""`python -m rag` and `rag`: the command line, ended quietly by an interrupt at any moment."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from collections.abc import Callable

INTERRUPTED = 130


def main() -> None:
    """Runs the command line and exits with its code."""
    start(_command_line)


def start(load: Callable[[], Callable[[], None]]) -> None:
    """Runs the command line that `load` imports, and exits with its code.

    The import takes a second. Before and after the run, an interrupt ends the process at once.
    Closed streams are replaced first, so that no file that is opened takes their place.
    """
    _prepare_streams()
    if "OMP_NUM_THREADS" not in os.environ:
        # Else NumPy starts a thread for each processor as it is imported, and each waits busily.
        # Our matrices are small.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        # A shell that started this in the background wants interrupts to be ignored.
        load()()
        return
    signal.signal(signal.SIGINT, _quit)
    # What is imported is no garbage, and looking for some takes a fifth of the time.
    gc.disable()
    run = load()
    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run()
    finally:
        signal.signal(signal.SIGINT, _quit)


def _command_line() -> Callable[[], None]:
    # Imported only here, when `start` has taken over interrupts.
    from rag.types.errors import SystemLimit
    from rag.types.system_limits import limits_named

    try:
        with limits_named():
            from rag.cli import main
    except SystemLimit as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    return main


def _prepare_streams() -> None:
    """Opens closed streams on /dev/null; stdout escapes what its encoding lacks, as stderr does."""
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
