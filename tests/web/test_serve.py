"""`rag serve --workers 2`: two processes on one port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rag.encoders.open import open_encoder
from rag.serving.keys import add_key, keys_beside
from rag.store.disk import DISK
from rag.store.publish import publish, roll_back, writing
from rag.store.readback import in_process
from support.builds import build_snapshot
from support.places import ROOT
from support.raw_http import connected, received, request, status_of

COMMAND = [sys.executable, "-m", "rag", "serve", "--port", "0", "--workers", "2"]


def get(url: str, path: str) -> Any:
    """The answer by a connection of its own, which any worker may get."""
    return httpx2.get(f"{url}{path}", timeout=20).json()


@dataclass(frozen=True)
class Service:
    """Two workers that serve an index; `process` is the one that started them."""

    url: str
    index: Path
    process: subprocess.Popen[str]


@pytest.fixture
def service(built: Path, tmp_path: Path) -> Iterator[Service]:
    """Two workers that serve a copy of the built index; they end on SIGTERM with code 0."""
    index = tmp_path / "index"
    shutil.copytree(built, index)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RAG_INDEX": str(index),
        "RAG_ROOTS": str(tmp_path),
        "RAG_DRAIN": "0",
    }
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, env=environment, text=True, cwd=tmp_path
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip().rpartition(" at ")[2]
            deadline = time.monotonic() + 60
            while get(url, "/readyz")["workers"] < 2:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield Service(url, index, process)
        finally:
            process.terminate()
            assert process.wait(timeout=30) in (0, -signal.SIGKILL)


@pytest.mark.slow
def test_builds_and_rollback_are_the_same_by_every_worker(service: Service) -> None:
    url = service.url
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


@pytest.mark.slow
def test_no_answer_mixes_two_snapshots_while_two_workers_swap(service: Service) -> None:
    encoder = open_encoder("bundled", "onnx", 1)
    cells = get(service.url, "/index")["id"]
    corpus = service.index.parent / "pears.md"
    corpus.write_text("# New\n\nPears are green.\n")
    with writing(service.index):
        snapshot = build_snapshot([corpus], encoder)
        pears = publish(service.index, snapshot, encoder, DISK, verify=in_process)
    with asked_all_the_time(service.url, {cells: "cells", pears: "Pears"}) as found:
        for id in (cells, pears, cells, pears):
            roll_back(service.index, encoder, id, verify=in_process)
            until_all_serve(service.url, id)
    assert found[True] > 10 and not found[False], found


def until_all_serve(url: str, id: str) -> None:
    """Waits until whichever worker answers serves that snapshot."""
    deadline = time.monotonic() + 20
    while {get(url, "/index")["id"] for _ in range(8)} != {id}:
        assert time.monotonic() < deadline


@contextmanager
def asked_all_the_time(url: str, words: Mapping[str, str]) -> Iterator[Counter[bool]]:
    """Counts the answers that quote the word of their own snapshot alone, and the others."""
    found: Counter[bool] = Counter()
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            response = httpx2.post(f"{url}/ask", json={"question": "Green pears?"}, timeout=20)
            answer = response.json()
            text = " ".join(passage["text"] for passage in answer["passages"])
            quoted = {id for id, word in words.items() if word in text}
            found[quoted == {answer["index"]["version"]}] += 1

    with ThreadPoolExecutor(3) as threads:
        asking = [threads.submit(ask) for _ in range(3)]
        try:
            yield found
        finally:
            done.set()
    for each in asking:
        each.result()


@pytest.mark.slow
def test_worker_that_takes_another_s_place_requires_the_keys_that_were_seen(
    service: Service,
) -> None:
    file = keys_beside(service.index)
    add_key(file, "read", timedelta(days=1))
    assert get(service.url, "/documents")["code"] == "key_required"
    file.unlink()
    pid = service.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    before = children.read_text().split()
    for each in before:
        os.kill(int(each), signal.SIGKILL)
    deadline = time.monotonic() + 60
    while len(set(children.read_text().split()) - set(before)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    replies = [get(service.url, "/documents") for _ in range(20)]
    assert {reply.get("code") for reply in replies} == {"key_required"}


@pytest.mark.slow
def test_workers_end_if_the_process_that_started_them_is_killed(service: Service) -> None:
    service.process.kill()
    # Each process of the service holds its end of this pipe until it has ended.
    service.process.communicate(timeout=30)
    with pytest.raises(httpx2.ConnectError):
        get(service.url, "/healthz")


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP])
def test_connections_opened_just_before_the_signal_are_answered_by_workers(
    service: Service, sig: int
) -> None:
    """They wait to be accepted when it comes: the workers are stopped meanwhile."""
    pid = service.process.pid
    workers = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    port = int(service.url.rpartition(":")[2])
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        clients = [connected(port, request("GET /healthz")) for _ in range(30)]
        service.process.send_signal(sig)
        time.sleep(0.3)
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    assert [status_of(received(client)) for client in clients] == [200] * 30
    assert service.process.wait(timeout=30) == 0
