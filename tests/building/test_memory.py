"""A build takes no more memory than it may."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from rag.building.memory import LEAST, MB, memory_limit
from rag.store.versions import current_id
from rag.types.errors import SystemLimit, UsageError
from rag.types.system_limits import limits_named
from support.places import ROOT

LIMITED = (
    "import mmap, threading\n"
    "from rag.building.memory import memory_limit\n"
    "from rag.types.errors import RagError\n"
    "try:\n"
    "    with memory_limit('768M'):\n"
    "        {work}\n"
    "        print('within')\n"
    "except RagError as error:\n"
    "    print(error)\n"
    "print(len(bytearray(900 << 20)))\n"
)


def said(work: str) -> list[str]:
    code = LIMITED.format(work=work)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_what_is_within_the_limit_is_done() -> None:
    assert said("kept = bytearray(1 << 20)") == ["within", str(900 << 20)]


@pytest.mark.parametrize(
    "work",
    [
        "kept = bytearray(900 << 20)",
        "kept = mmap.mmap(-1, 900 << 20, mmap.MAP_PRIVATE)",
        "threading.stack_size(900 << 20); threading.Thread(target=print).start()",
        "raise Exception('bfc_arena.cc:360 Failed to allocate memory for requested buffer')",
    ],
)
def test_what_would_go_beyond_is_refused_and_the_limit_goes_with_the_build(work: str) -> None:
    refusal, after = said(work)
    assert refusal.startswith("the build needs more than the 768M of RAG_MEMORY: raise it, or ")
    assert after == str(900 << 20)


def test_a_limit_that_was_named_without_knowing_of_the_build_is_named_again() -> None:
    # RAG_MEMORY is what the system was told, and what the user can raise.
    named = pytest.raises(SystemLimit, match="needs more than the 768M of RAG_MEMORY")
    with named, memory_limit("768M"), limits_named():
        raise MemoryError


def test_another_error_stays_as_it_is() -> None:
    with pytest.raises(RuntimeError, match="a fault"), memory_limit("768M"):
        raise RuntimeError("a fault")


def test_too_little_for_any_build_is_refused() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    too_little = pytest.raises(UsageError, match="RAG_MEMORY is 100M: a build needs at least 768M")
    with too_little, memory_limit("100M"):
        pass
    with memory_limit(""):
        assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_build_within_the_least_makes_the_same_index(tmp_path: Path) -> None:
    for number in range(40):
        text = f"# Text {number}\n\n" + f"Number {number} is followed by {number + 1}. " * 20
        (tmp_path / f"{number}.md").write_text(text)
    ids = set()
    for limit in ({"RAG_MEMORY": f"{LEAST // MB}M"}, {}):
        index = tmp_path / f".index{len(limit)}"
        command = [sys.executable, "-m", "rag", "build", str(tmp_path), "--index", str(index)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **limit}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        ids.add(current_id(index))
    assert len(ids) == 1
