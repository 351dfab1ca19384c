"""What a piece of work keeps in memory."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from itertools import pairwise
from statistics import median

ROUNDS = 5


def kept_blocks(work: Callable[[int], object], times: int) -> float:
    """How many of Python's blocks of memory more are in use after each time.

    It is the median of some rounds. One before them is not counted: it fills what is filled once.
    """
    return _kept(sys.getallocatedblocks, work, times)


def kept_bytes(work: Callable[[int], object], times: int) -> float:
    """How many bytes of the C library's more are in use after each time; for libraries in C.

    Only where there is `mallinfo2`, that is, with glibc.
    """
    return _kept(_allocated, work, times)


class Heap(ctypes.Structure):
    """`mallinfo2`: `hblks` is the number of buffers that have pages of their own."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def heap() -> Heap:
    """The heap of the C library now; with glibc."""
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = Heap
    found: Heap = mallinfo()
    return found


def _allocated() -> int:
    found = heap()
    return int(found.uordblks + found.hblkhd)


def _kept(level: Callable[[], int], work: Callable[[int], object], times: int) -> float:
    levels = []
    for start in range(0, (1 + ROUNDS) * times, times):
        for number in range(start, start + times):
            work(number)
        gc.collect()
        levels.append(level())
    return median(after - before for before, after in pairwise(levels)) / times
