from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag.serving.live import Serving
from rag.serving.upkeep import upkeep_of
from rag.types import Answer
from rag.types.settings import Settings
from rag.web.state import Capacity
from service import create_app
from support.client import check_problem


def test_probes_say_ok_and_ready(client: TestClient, serving: Serving) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    index = {"version": serving.snapshot.manifest.id, "model": "word-counter"}
    ready = client.get("/readyz").json()
    assert ready.pop("remembered")["hits"] == 0
    assert ready == {
        "status": "ready",
        "index": index,
        "degraded": [],
        "verified": "2026-01-01T00:00:00Z",
        "workers": 1,
        "questions": {"running": 0, "waiting": 0},
    }


def test_probes_answer_while_a_question_is_worked_on(serving: Serving) -> None:
    started, finish = threading.Event(), threading.Event()

    def slow(question: str, **_: object) -> Answer:
        started.set()
        assert finish.wait(timeout=10)
        return Answer(question, (), 0.0, "not_found")

    app = create_app(replace(serving, ask=slow), capacity=Capacity(threads=1))
    with TestClient(app, base_url="http://localhost") as client:
        asking = [
            threading.Thread(target=client.post, args=("/ask",), kwargs={"json": {"query": "a"}})
            for _ in range(3)
        ]
        for each in asking:
            each.start()
        assert started.wait(timeout=10)
        assert client.get("/healthz").status_code == 200
        while client.get("/readyz").json()["questions"] != {"running": 1, "waiting": 2}:
            pass
        finish.set()
        for each in asking:
            each.join()
        assert client.get("/readyz").json()["questions"] == {"running": 0, "waiting": 0}


def test_without_an_index_it_lives_but_is_not_ready(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    upkeep = upkeep_of(Settings(index=tmp_path / "none"))
    with TestClient(create_app(upkeep=upkeep), base_url="http://localhost") as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/").status_code == 200
        replies = [client.get(path) for path in ("/readyz", "/documents", "/index", "/passages/x")]
        replies.append(client.post("/ask", json={"question": "a"}))
    for reply in replies:
        check_problem(reply, 503, "not_ready")
        assert 1 <= int(reply.headers["retry-after"]) <= 5
        assert "`rag build`" in reply.json()["detail"]
    message = f"no index is served: no index in {tmp_path / 'none'}: run `rag build`"
    assert any(said.startswith(message) for said in caplog.messages)


def test_service_that_is_about_to_end_lives_and_answers_but_is_not_ready(serving: Serving) -> None:
    app = create_app(serving)
    with TestClient(app, base_url="http://localhost") as client:
        app.state.service.drain()
        reply = client.get("/readyz")
        check_problem(reply, 503, "draining")
        assert 1 <= int(reply.headers["retry-after"]) <= 5
        assert client.get("/healthz").status_code == 200
        assert client.post("/ask", json={"question": "a"}).status_code == 200
