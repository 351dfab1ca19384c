"""The heap of a service."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes
from rag.serving.heap import LARGE, steady_heap
from support.memory import heap
malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
def apart():
    before = heap().hblks
    for _ in range(50):
        malloc(LARGE)
    return heap().hblks - before
before = apart()
steady_heap()
# Some may fit into what is free.
print(before, apart() > 25)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33")
def test_large_buffers_have_pages_of_their_own_in_a_steady_heap() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-P", "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "0 True\n"
