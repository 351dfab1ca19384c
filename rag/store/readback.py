"""Reads a snapshot back from disk, in a process of its own.

A damaged file may crash FAISS: then a child dies, and not the service. A build starts the child
early: it imports what it needs while the build works.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rag.store.open import load_snapshot
from rag.types.errors import CorruptIndex, SystemLimit
from rag.types.import_path import with_import_path
from rag.types.system_limits import limits_named, needs_memory

# A million passages take minutes on a busy machine.
SECONDS = 3600.0
# What a system that lacks memory kills a process with.
OUT_OF_MEMORY = -signal.SIGKILL

# Returns if the snapshot of that id loads; else raises CorruptIndex, or SystemLimit.
Verifier = Callable[[Path, str], None]

_CHILD = """
import json, sys
from rag.store.readback import main
asked = sys.stdin.read()
sys.exit(main(json.loads(asked)) if asked else 0)
"""


def in_process(index: Path, id: str) -> None:
    """None if the snapshot loads. Raises CorruptIndex."""
    load_snapshot(index, id)


def in_child(index: Path, id: str, code: str = _CHILD, seconds: float = SECONDS) -> None:
    """None if a child process loads the snapshot. Raises CorruptIndex, also if the child dies, and
    SystemLimit if it gets too little memory or too few descriptors."""
    with waiting_child(code, seconds) as verify:
        verify(index, id)


@contextmanager
def waiting_child(code: str = _CHILD, seconds: float = SECONDS) -> Iterator[Verifier]:
    """As `in_child`, for one snapshot, by a child that is started now. It ends with the `with`."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        errors="replace",
        env=with_import_path(),
    ) as process:
        try:
            yield partial(_verify, process, seconds)
        finally:
            process.kill()


def _verify(process: subprocess.Popen[str], seconds: float, index: Path, id: str) -> None:
    try:
        said, errors = process.communicate(json.dumps([str(index), id]), timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise CorruptIndex(f"{index / id} could not be read back in {seconds:g} seconds") from error
    if process.returncode == CorruptIndex.exit_code:
        raise CorruptIndex(said.strip())
    if process.returncode == SystemLimit.exit_code:
        raise SystemLimit(said.strip())
    if process.returncode == OUT_OF_MEMORY:
        raise SystemLimit(
            f"the process that read {index / id} back was killed: free some memory, and try again"
        )
    if process.returncode != 0:
        last = errors.strip().rpartition("\n")[2]
        if needs_memory(RuntimeError(last)):
            raise SystemLimit(f"{index / id} could not be read back: there is too little memory")
        ended = f"the process that read it ended with {process.returncode} ({last})"
        raise CorruptIndex(f"{index / id} could not be read back: {ended}")


def main(arguments: Sequence[str]) -> int:
    """0 if the snapshot of that index and id loads; else 5 or 71, with the reason on stdout."""
    try:
        with limits_named():
            in_process(Path(arguments[0]), arguments[1])
    except (CorruptIndex, SystemLimit) as error:
        print(error)
        return error.exit_code
    return 0
