"""A pseudo-terminal with a program on it, as a person has it before them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[^\x1b]*\x1b\\|\r")
SECONDS = 60


class Terminal:
    """What the program has written so far, and what it is sent."""

    def __init__(self, descriptor: int, program: subprocess.Popen[bytes]) -> None:
        self._descriptor = descriptor
        self._program = program
        self.raw = ""

    @property
    def shown(self) -> str:
        """What is on the screen: without colours, links and carriage returns."""
        return _CONTROLS.sub("", self.raw)

    def wait_for(self, words: str, after: int = 0) -> str:
        """All that is shown after the first `after` characters, once these words are among it."""
        end = time.monotonic() + SECONDS
        while words not in self.shown[after:]:
            assert time.monotonic() < end, f"no {words!r} in {self.shown!r}"
            if self._says(0.2) and not self._read():
                raise AssertionError(f"no {words!r}, and the program has ended: {self.shown!r}")
        return self.shown[after:]

    def interrupt(self, words: str) -> str:
        """Types Ctrl-C until these words are shown: Python forgets one that comes between reads."""
        after, end = len(self.shown), time.monotonic() + SECONDS
        while words not in self.shown[after:]:
            assert time.monotonic() < end, f"no {words!r} in {self.shown!r}"
            self.type("\x03")
            if self._says(1.0):
                self._read()
        return self.shown[after:]

    def _says(self, seconds: float) -> bool:
        """Whether there is something to read, or the program has ended, within that time."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(1000 * seconds))

    def _read(self) -> bool:
        """Whether something was read; the terminal fails once no program is on it."""
        try:
            self.raw += os.read(self._descriptor, 65536).decode(errors="replace")
        except OSError:
            return False
        return True

    def type(self, keys: str) -> None:
        """Sends keys: `\\n` for Enter, `\\x03` for Ctrl-C, `\\x04` for Ctrl-D, `\\x1b[A` for up."""
        os.write(self._descriptor, keys.encode())

    def ask(self, line: str, words: str) -> str:
        """Types a line; what is shown up to these words."""
        before = len(self.shown)
        self.type(line + "\n")
        return self.wait_for(words, before + len(line))

    def exit_code(self) -> int:
        """The exit code of the program, which has been told to end."""
        return self._program.wait(timeout=SECONDS)


@contextmanager
def terminal(
    *arguments: str, cwd: Path, environment: Mapping[str, str], term: str = "xterm-256color"
) -> Iterator[Terminal]:
    """`rag` with these arguments on a terminal of its own; it is killed at the end."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 120))
    program = subprocess.Popen(
        [sys.executable, "-P", "-m", "rag", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env={**os.environ, **environment, "TERM": term},
        start_new_session=True,
        # The terminal becomes the one that controls the session, so that Ctrl-C interrupts.
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, program)
    finally:
        if program.poll() is None:
            program.kill()
        program.wait()
        os.close(ours)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
