"""The heap of the C library, in a process that runs for long."""

from __future__ import annotations

import ctypes

# malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
LARGE = 1 << 16


def steady_heap() -> None:
    """From now on, a buffer of 64 KB or more makes no heap grow: it has pages of its own.

    Among small ones, buffers of many sizes leave gaps in which the next ones do not fit, and the
    heap grows for as long as a service runs. Does nothing without glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE)
        mallopt(_TRIM_THRESHOLD, 2 * LARGE)


def give_back_memory() -> None:
    """Returns to the system what was freed, which the C library would keep."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
