"""`make torture`: the index is swapped under load, a thousand times.

TORTURE_ANSWERS and TORTURE_SWAPS set how often, 100,000 and 1,000 unless told otherwise.
"""

import asyncio
import gc
import os
import threading
from collections import Counter
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from rag.store.versions import REMEMBERED, VERSIONS, raw_versions
from support.swaps import prepare, swap_under_load
from support.torture_figures import write_figures

ANSWERS = int(os.environ.get("TORTURE_ANSWERS", "100000"))
SWAPS = int(os.environ.get("TORTURE_SWAPS", "1000"))


def levels() -> tuple[int, int, int]:
    """Resident memory in KB, open descriptors, threads."""
    gc.collect()
    process = psutil.Process()
    return process.memory_info().rss // 1024, process.num_fds(), threading.active_count()


def remember_all(index: Path) -> None:
    """Fills VERSIONS up to what is kept of it: reading a longer one takes more memory each time."""
    lines = raw_versions(index).splitlines()
    (index / VERSIONS).write_bytes(b"".join(lines[n % 2] + b"\n" for n in range(REMEMBERED)))


def test_swaps(tmp_path: Path) -> None:
    index, snapshots = prepare(tmp_path)
    remember_all(index)
    asyncio.run(swap_under_load(index, snapshots, swaps=50, answers=1000, pause=0.02))
    seen, found, made = [levels()], Counter[str](), 0
    for _ in range(2):
        more, swaps = asyncio.run(
            swap_under_load(index, snapshots, swaps=SWAPS // 2, answers=ANSWERS // 2, pause=0.2)
        )
        seen.append(levels())
        found, made = found + more, made + swaps
    (memory, descriptors, threads), (half, *_), (end, *_) = seen
    write_figures(
        "swaps",
        answers=found.total(),
        swaps=made,
        mixed=found["mixed"],
        failed=found["failed"],
        memory_kb=memory,
        memory_grown_kb=end - memory,
        in_the_second_half_kb=end - half,
        descriptors_grown=seen[-1][1] - descriptors,
        threads_grown=seen[-1][2] - threads,
    )
    assert (found["mixed"], found["failed"]) == (0, 0)
    assert end - memory <= memory // 20 and end - half <= memory // 100
    assert seen[-1][1] <= descriptors and seen[-1][2] <= threads + 1
