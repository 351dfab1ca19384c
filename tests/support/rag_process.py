"""`rag` in a process of its own: a command, or a service with its address."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RAG = "import sys; from rag.cli.main import main; main(sys.argv[1:])"


@dataclass(frozen=True)
class Service:
    """A running `rag serve`: its process id and where it answers."""

    pid: int
    address: str

    @property
    def port(self) -> int:
        """The port at which it answers."""
        return int(self.address.rpartition(":")[2])


def rag(*arguments: str, **settings: str) -> subprocess.Popen[str]:
    """The command, started with those settings as environment variables."""
    return subprocess.Popen(
        [sys.executable, "-c", RAG, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**os.environ, **settings},
    )


@contextmanager
def served(index: Path, port: int = 0, **settings: str) -> Iterator[Service]:
    """A service over the index. It is told to end by SIGTERM, and must end with exit code 0."""
    with rag("serve", "--port", str(port), "--index", str(index), **settings) as process:
        assert process.stdout is not None
        try:
            greeting = process.stdout.readline().strip()
            yield Service(process.pid, greeting.rpartition(" at ")[2])
        finally:
            process.terminate()
    assert process.returncode == 0, f"the service ended with {process.returncode}"
