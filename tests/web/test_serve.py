"""`rag serve --workers 2`: two processes on one port."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.places import ROOT

COMMAND = [sys.executable, "-m", "rag", "serve", "--port", "0", "--workers", "2"]


def get(url: str, path: str) -> Any:
    """The answer by a connection of its own, which any worker may get."""
    return httpx2.get(f"{url}{path}", timeout=20).json()


@pytest.fixture
def url(built: Path, tmp_path: Path) -> Iterator[str]:
    """Where two workers serve a copy of the built index; they end on SIGTERM with code 0."""
    shutil.copytree(built, tmp_path / "index")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RAG_INDEX": str(tmp_path / "index"),
        "RAG_ROOTS": str(tmp_path),
    }
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, env=environment, text=True, cwd=tmp_path
    ) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip().rpartition(" at ")[2]
            deadline = time.monotonic() + 60
            while get(address, "/readyz")["workers"] < 2:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield address
        finally:
            server.terminate()
            assert server.wait(timeout=30) == 0


@pytest.mark.slow
def test_builds_and_rollback_are_the_same_by_every_worker(url: str) -> None:
    before = get(url, "/index")["id"]
    files = {"files": [{"name": "new.md", "text": "# New\n\nPears are green.\n"}], "force": True}
    job = httpx2.post(f"{url}/index/rebuild", json=files, timeout=20).json()["job"]
    while (state := get(url, f"/index/jobs/{job}"))["status"] == "running":
        time.sleep(0.05)
    assert state["status"] == "done", state
    after = state["result"]["id"]
    assert {get(url, "/index")["id"] for _ in range(20)} == {after}
    answers = [httpx2.post(f"{url}/ask", json={"question": "Green pears?"}) for _ in range(8)]
    assert {answer.json()["index"]["version"] for answer in answers} == {after}
    httpx2.post(f"{url}/index/rollback", json={}, timeout=40).raise_for_status()
    assert {get(url, "/index")["id"] for _ in range(20)} == {before}
    assert {get(url, f"/index/jobs/{job}")["status"] for _ in range(8)} == {"done"}
