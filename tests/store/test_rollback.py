"""After a bad corpus one command brings back what was answered before it, without a restart."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag.checks.diff import faq_questions
from rag.encoders.base import Encoder
from rag.encoders.open import open_encoder
from rag.serving.upkeep import upkeep_of
from rag.store.disk import DISK
from rag.store.publish import publish, writing
from rag.store.readback import in_process
from rag.types.settings import Settings
from service import create_app
from support.builds import build_snapshot
from support.letter_encoder import corpus
from support.places import ROOT

CORPUS = ROOT / "corpus"
SECONDS = 2.0


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return open_encoder("bundled", "onnx", 1)


def build(index: Path, folder: Path, encoder: Encoder) -> tuple[str, tuple[str, ...]]:
    """The id of a published snapshot of the folder, and the questions of its FAQ."""
    snapshot = build_snapshot([folder], encoder)
    with writing(index):
        publish(index, snapshot, encoder, DISK, verify=in_process)
    return snapshot.id, tuple(faq_questions(snapshot, snapshot))


def served(client: TestClient) -> str:
    return str(client.get("/readyz").json()["index"]["version"])


def wait_for(client: TestClient, id: str) -> None:
    deadline = time.monotonic() + 20
    while served(client) != id:
        assert time.monotonic() < deadline, f"{id} is not served"
        time.sleep(0.01)


def answers(client: TestClient, questions: tuple[str, ...]) -> list[bytes]:
    """The bytes of each answer, but for the time that it took."""
    asked = [client.post("/ask", json={"question": q, "explain": True}) for q in questions]
    assert {response.status_code for response in asked} == {200}
    return [re.sub(rb'"took_ms":[0-9.e-]+', b"", response.content) for response in asked]


def test_rollback_takes_two_seconds_and_answers_are_the_same_to_the_byte(
    tmp_path: Path, encoder: Encoder
) -> None:
    index = tmp_path / "index"
    good, questions = build(index, CORPUS, encoder)
    upkeep = upkeep_of(Settings(index=index, threads=1))
    with TestClient(create_app(upkeep=upkeep), base_url="http://localhost") as client:
        golden = answers(client, questions)
        bad, _ = build(index, corpus(tmp_path / "bad", a="# Bees\n\nBees fly."), encoder)
        wait_for(client, bad)
        assert all(was != now for was, now in zip(golden, answers(client, questions), strict=True))
        started = time.perf_counter()
        assert client.post("/index/rollback", json={}).status_code == 200
        assert served(client) == good
        assert time.perf_counter() - started < SECONDS
        assert answers(client, questions) == golden
    assert len(golden) == 8
