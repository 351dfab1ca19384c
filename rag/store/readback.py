"""Reads a snapshot back from disk, in a process of its own.

A damaged file may crash FAISS: then a child dies, and not the service.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rag.errors import CorruptIndex
from rag.store.open import load_snapshot

SECONDS = 600.0
REFUSED = 5

# Returns if the snapshot of that id loads; else raises CorruptIndex.
Verifier = Callable[[Path, str], None]

_CHILD = "import sys; from rag.store.readback import main; sys.exit(main(sys.argv[1:]))"


def in_process(index: Path, id: str) -> None:
    """None if the snapshot loads. Raises CorruptIndex."""
    load_snapshot(index, id)


def in_child(index: Path, id: str, code: str = _CHILD, seconds: float = SECONDS) -> None:
    """None if a child process loads the snapshot. Raises CorruptIndex, also if the child dies."""
    command = [sys.executable, "-P", "-c", code, str(index), id]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CorruptIndex(f"{index / id} could not be read back in {seconds:g} seconds") from error
    if done.returncode == REFUSED:
        raise CorruptIndex(done.stdout.strip())
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        ended = f"the process that read it ended with {done.returncode} ({last})"
        raise CorruptIndex(f"{index / id} could not be read back: {ended}")


def main(arguments: Sequence[str]) -> int:
    """0 if the snapshot of that index and id loads; else 5, with the reason on stdout."""
    try:
        in_process(Path(arguments[0]), arguments[1])
    except CorruptIndex as error:
        print(error)
        return REFUSED
    return 0
