"""`make torture`: the index is swapped under load, a thousand times.

TORTURE_ANSWERS and TORTURE_SWAPS set how often, 100,000 and 1,000 unless told otherwise.
"""

import asyncio
import gc
import os
import threading
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from figures import write_figures
from swapping import prepare, swap_under_load

ANSWERS = int(os.environ.get("TORTURE_ANSWERS", "100000"))
SWAPS = int(os.environ.get("TORTURE_SWAPS", "1000"))


def levels() -> tuple[int, int, int]:
    """Resident memory in KB, open descriptors, threads."""
    gc.collect()
    process = psutil.Process()
    return process.memory_info().rss // 1024, process.num_fds(), threading.active_count()


def test_swaps(tmp_path: Path) -> None:
    index, snapshots = prepare(tmp_path)
    asyncio.run(swap_under_load(index, snapshots, swaps=50, answers=1000, pause=0.02))
    memory, descriptors, threads = levels()
    found, made = asyncio.run(
        swap_under_load(index, snapshots, swaps=SWAPS, answers=ANSWERS, pause=0.2)
    )
    grown = [now - then for now, then in zip(levels(), (memory, descriptors, threads), strict=True)]
    write_figures(
        "swaps",
        answers=found.total(),
        swaps=made,
        mixed=found["mixed"],
        failed=found["failed"],
        memory_kb=memory,
        memory_grown_kb=grown[0],
        descriptors_grown=grown[1],
        threads_grown=grown[2],
    )
    assert (found["mixed"], found["failed"]) == (0, 0)
    assert grown[0] <= memory // 20 and grown[1] <= 0 and grown[2] <= 1
