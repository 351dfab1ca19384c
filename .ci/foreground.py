"""Runs commands, one after the other, that an interrupt at the terminal ends with success.

    foreground.py -- first command -- second command

`make` dies of an interrupt that reaches it, whatever its commands do. So these get the terminal for
themselves, as a shell gives it to what it starts. Without a terminal they run as any other.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

INTERRUPTED = 128 + signal.SIGINT


@contextmanager
def own_terminal() -> Iterator[None]:
    """Meanwhile, what is typed at the terminal goes to this process group, a new one."""
    if not os.isatty(0) or os.tcgetpgrp(0) != os.getpgrp():
        yield
        return
    before = os.tcgetpgrp(0)
    # Taking the terminal back must not stop us; and nobody could continue what Ctrl-Z would stop.
    for number in (signal.SIGTTOU, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(0, before)


def run(command: Sequence[str]) -> int:
    """The exit code of the command, to which a request to end is passed on."""
    with subprocess.Popen(command) as process:
        # An interrupt goes to the whole group: the command ends by itself.
        signal.signal(signal.SIGINT, lambda number, frame: None)
        signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
        code = process.wait()
        # As a shell tells that a signal has ended it.
        return code if code >= 0 else 128 - code


def commands(arguments: Sequence[str]) -> list[list[str]]:
    """The command lines, each after a `--`."""
    found: list[list[str]] = []
    for argument in arguments:
        if argument == "--":
            found.append([])
        else:
            found[-1].append(argument)
    return found


def main(arguments: Sequence[str]) -> int:
    """0 if all succeeded or one was interrupted; else the code of the first that failed."""
    with own_terminal():
        for command in commands(arguments):
            code = run(command)
            if code:
                return 0 if code == INTERRUPTED else code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
