"""The heap of a service."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from rag.types.import_path import with_import_path

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
    command = [sys.executable, "-P", "-c", SCRIPT]
    env = with_import_path()
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    assert done.stdout == "0 True\n"
