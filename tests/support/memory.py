"""What a piece of work keeps in memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from itertools import pairwise
from statistics import median

ROUNDS = 5


def kept_blocks(work: Callable[[int], object], times: int) -> float:
    """How many blocks of memory more are in use after each time: the median of some rounds.

    The first round is not counted: it fills what is filled once.
    """
    levels = []
    for start in range(0, (1 + ROUNDS) * times, times):
        for number in range(start, start + times):
            work(number)
        gc.collect()
        levels.append(sys.getallocatedblocks())
    return median(after - before for before, after in pairwise(levels)) / times
