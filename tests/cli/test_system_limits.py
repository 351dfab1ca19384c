"""`rag` where the system gives too little: one line that names the limit and the fix."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from rag.encoders.open import open_encoder
from support.places import ROOT
from support.sample_index import published

COMMANDS = ("ask", "serve", "build")
MB = 1 << 20


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    index = tmp_path_factory.mktemp("limits") / "index"
    published(index, ROOT / "corpus" / "car-t-lupus.md", open_encoder("bundled", "onnx", 1))
    return index


def run(command: str, index: Path, limit: int, most: int) -> subprocess.CompletedProcess[str]:
    """The command in a process that may have at most so many descriptors or bytes."""
    given = {
        "ask": ["ask", "How are T cells collected?"],
        "serve": ["serve", "--port", "0"],
        "build": ["build", str(ROOT / "corpus")],
    }
    return subprocess.run(
        [sys.executable, "-m", "rag", *given[command], "--index", str(index)],
        capture_output=True,
        text=True,
        timeout=300,
        # Each thread of OpenBLAS takes memory, and it crashes without.
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=partial(resource.setrlimit, limit, (most, most)),
    )


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr.strip().rpartition("\n")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_too_few_descriptors_are_no_damage(index: Path, tmp_path: Path, command: str) -> None:
    used = tmp_path / "new" if command == "build" else index
    done = run(command, used, resource.RLIMIT_NOFILE, 20)
    assert last_line(done) == "error: a process may have only 20 files open: raise `ulimit -n`"
    assert done.returncode == 71
    assert list(used.glob("bad-*")) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_too_little_memory_is_said_in_a_line(index: Path, tmp_path: Path, command: str) -> None:
    used = tmp_path / "new" if command == "build" else index
    done = run(command, used, resource.RLIMIT_AS, 200 * MB)
    expected = "error: a process may use only 200 MB of memory: raise `ulimit -v`"
    assert (last_line(done), done.returncode) == (expected, 71)
