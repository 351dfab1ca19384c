"""Kills the writing process at every step; a power cut is another matter: test_powercut.py.

The processes that die are forked by one that is started afresh, since a process in which FAISS
has searched, as this one may have, must not be forked.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from itertools import count
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from rag.store.disk import DISK, Files
from rag.store.open import open_newest
from rag.store.publish import roll_back
from rag.store.readback import in_process
from rag.store.versions import snapshot_ids
from support.letter_encoder import snapshot_of
from support.snapshots import ENCODER, FIRST, SECOND, Stepping, noon, published


def dying(at: int) -> Stepping:
    """Files that kill their process at that step."""

    def reached(step: int, what: str) -> None:
        if step == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return Stepping(reached)


def killed(work: Callable[..., object], *given: object) -> bool:
    """Whether the work, done in a process of its own, was killed."""
    pid = os.fork()
    if pid == 0:
        work(*given)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == signal.SIGKILL


def build(index: Path, text: str, files: Files) -> None:
    published(index, text, files, keep=2)


def back(index: Path, id: str, files: Files) -> None:
    roll_back(index, ENCODER, id, files, verify=in_process, clock=noon)


def harm(index: Path, *allowed: str) -> list[str]:
    """What is wrong with the index."""
    opened = open_newest(index, ENCODER)
    found = list(opened.refused)
    if opened.snapshot.id not in allowed:
        found.append(f"{opened.snapshot.id} answers, not one of {allowed}")
    if len(snapshot_ids(index)) > 4:
        found.append(f"{snapshot_ids(index)} are left")
    return found


def kill_builds(root: Path, said: "SimpleQueue[tuple[int, list[str]]]") -> None:
    """Tells how many builds were killed, each one step later, and what harm was done."""
    index, harms = root / "index", []
    published(index, FIRST)
    old = published(index, SECOND)
    for at in count(1):
        text = f"Plums are blue, number {at}."
        if not killed(build, index, text, dying(at)):
            break
        harms += harm(index, old, snapshot_of(root / "corpus", a=text).id)
        old = published(index, f"Figs are brown, number {at}.", keep=2)
        harms += [*harm(index, old), *(str(path) for path in index.glob("tmp-*"))]
    said.put((at - 1, harms))


def kill_rollbacks(root: Path, said: "SimpleQueue[tuple[int, list[str]]]") -> None:
    """The same for rollbacks."""
    index, harms = root / "index", []
    first, second = published(index, FIRST), published(index, SECOND)
    for at in count(1):
        if not killed(back, index, first, dying(at)):
            break
        harms += harm(index, first, second)
        back(index, second, DISK)
        harms += [*harm(index, second), *(str(path) for path in index.glob("tmp-*"))]
    said.put((at - 1, harms))


def in_a_fresh_process(work: Callable[..., None], root: Path) -> tuple[int, list[str]]:
    context = multiprocessing.get_context("spawn")
    said: SimpleQueue[tuple[int, list[str]]] = context.SimpleQueue()
    process = context.Process(target=work, args=(root, said))
    process.start()
    process.join()
    assert process.exitcode == 0
    return said.get()


def test_a_build_killed_at_any_step_loses_nothing(tmp_path: Path) -> None:
    # 15 files in three steps each, a folder, three renames, three syncs; then the oldest of three
    # is renamed, synced and removed.
    assert in_a_fresh_process(kill_builds, tmp_path) == (15 * 3 + 1 + 3 + 3 + 3, [])


def test_a_rollback_killed_at_any_step_loses_nothing(tmp_path: Path) -> None:
    assert in_a_fresh_process(kill_rollbacks, tmp_path) == (2 * 3 + 2 + 1, [])
