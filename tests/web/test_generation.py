"""`"generate": true`: an answer, and what is written from it, as a stream of events."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

from rag.encoders.open import open_encoder
from rag.serving.endpoint import Endpoint
from rag.serving.live import IndexFolder
from rag.serving.upkeep import Upkeep
from rag.store.disk import Files
from rag.store.publish import publish, writing
from rag.web import Capacity
from rag.web.generation import stream
from service import create_app
from support.builds import build_snapshot
from support.chat_endpoint import (
    KEY,
    Asked,
    Chat,
    Handler,
    Reply,
    chatting,
    event,
    goes_on,
    refuses,
    sends,
    writes,
)
from support.client import check_problem
from support.places import ROOT
from support.raw_http import connected, request, running
from support.word_count_service import GUIDE, serving_of

QUESTION = "Which procedure collects the T cells?"


@pytest.fixture(scope="module")
def article(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the sample corpus, built with the bundled model."""
    index = tmp_path_factory.mktemp("article") / "index"
    encoder = open_encoder("bundled", "onnx", 1)
    with writing(index):
        publish(index, build_snapshot([ROOT / "corpus"], encoder), encoder, Files())
    return index


def app_of(index: Path, chat: Chat, capacity: Capacity | None = None) -> Any:
    folder = IndexFolder(index, lambda: open_encoder("bundled", "onnx", 1))
    endpoint = Endpoint(f"{chat.url}/chat/completions", "small", KEY)
    upkeep = Upkeep(folder, lambda *_: ["false"], ())
    return create_app(upkeep=upkeep, endpoint=endpoint, capacity=capacity)


def events(raw: str) -> list[tuple[str, Any]]:
    """The name and the data of each event."""
    found = []
    for part in raw.strip().split("\n\n"):
        name, data = part.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def asked(
    index: Path, reply: Reply, question: str = QUESTION
) -> tuple[list[tuple[str, Any]], Chat]:
    """The events for a question, and the endpoint's side."""
    with chatting(reply) as chat, TestClient(app_of(index, chat), base_url="http://localhost") as c:
        response = c.post("/ask", json={"question": question, "generate": True})
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        return events(response.text), chat


def quoting(handler: Handler, asked: Asked) -> None:
    """A model that quotes the longest line of the first passages, and adds its own."""
    lines = [max(each.split("\n")[1:], key=len, default="") for each in asked.passages]
    quotes = [line.split(". ")[0].rstrip(".") for line in lines]
    told = "".join(f"{quote} [{at}]. " for at, quote in enumerate(quotes[:2], start=1))
    writes(told + "The moon is made of 27 cheeses [1].")(handler, asked)


def test_written_sentences_carry_citations_that_verify_accepts(article: Path) -> None:
    with (
        chatting(quoting) as chat,
        TestClient(app_of(article, chat), base_url="http://localhost") as client,
    ):
        body = {"question": QUESTION, "generate": True}
        found = events(client.post("/ask", json=body).text)
        assert [name for name, _ in found] == ["answer", "sentence", "sentence", "sentence", "end"]
        answer = found[0][1]
        sentences = [data for _, data in found[1:-1]]
        assert [each["supported"] for each in sentences] == [True, True, False]
        assert sentences[2]["missing"] == ["27"]
        for at, sentence in enumerate(sentences[:2], start=1):
            assert sentence["citations"] == [at]
            [quote] = sentence["quotes"]
            passage = answer["passages"][quote["citation"] - 1]
            assert passage["passage_id"] == quote["passage_id"]
            text = client.get(f"/documents/{quote['document_id']}").json()["text"]
            assert text[quote["char_start"] : quote["char_end"]] == quote["text"]
            saved = {key: quote[key] for key in ("document_id", "char_start", "char_end", "text")}
            saved["sha256"] = passage["citation"]["sha256"]
            checked = client.post("/verify", json={"citations": [saved, passage]}).json()
            assert [each["status"] for each in checked["results"]] == ["valid", "valid"]
        assert found[-1][1] == {"status": "complete"}


def test_the_answer_that_comes_first_is_that_without_generation(article: Path) -> None:
    found, chat = asked(article, writes("Yes."))
    with TestClient(app_of(article, chat), base_url="http://localhost") as client:
        plain = client.post("/ask", json={"question": QUESTION}).json()
    first = found[0][1]
    assert first.pop("took_ms") >= 0 and plain.pop("took_ms") >= 0
    assert first == plain


def test_when_it_abstains_nothing_is_written(article: Path) -> None:
    found, chat = asked(article, writes("Paris [1]."), "What is the capital of France?")
    assert found[0][1]["abstained"]
    assert found[1:] == [("end", {"status": "abstained"})]
    assert chat.asked == []


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (refuses(401), "endpoint_refused_key"),
        (refuses(429), "endpoint_busy"),
        (sends(event("Half a sentence")), "endpoint_broke_off"),
        (sends(b"data: nonsense\n\n"), "endpoint_malformed"),
    ],
)
def test_a_failure_is_an_event_after_the_answer(
    article: Path, reply: Reply, code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    found, _ = asked(article, reply)
    assert [name for name, _ in found] == ["answer", "error", "end"]
    assert found[0][1]["passages"]
    assert found[1][1]["code"] == code
    assert found[2][1] == {"status": "failed"}
    shown = capfd.readouterr()
    assert KEY not in json.dumps(found) + shown.out + shown.err


def test_without_an_endpoint_it_is_refused() -> None:
    with TestClient(create_app(serving_of({"a.md": GUIDE})), base_url="http://localhost") as client:
        response = client.post("/ask", json={"question": "dogs", "generate": True})
        check_problem(response, 422, "generation_off")
        assert client.post("/ask", json={"question": "dogs", "generate": False}).status_code == 200


@pytest.fixture
def talking(article: Path) -> Iterator[tuple[int, Chat]]:
    """The port of a service whose endpoint writes on and on."""
    with chatting(goes_on) as chat, running(app_of(article, chat)) as port:
        yield port, chat


def question(port: int) -> socket.socket:
    body = json.dumps({"question": QUESTION, "generate": True}).encode()
    return connected(port, request("POST /ask", body, b""))


def test_sentences_arrive_while_the_rest_is_written(talking: tuple[int, Chat]) -> None:
    port, chat = talking
    client = question(port)
    found = b""
    while b"event: sentence" not in found:
        found += client.recv(4096)
    assert b"event: end" not in found
    client.close()
    assert chat.left.wait(10)


def test_if_the_client_leaves_the_endpoint_is_left_too(article: Path) -> None:
    silent = sends(event("Only the beginning"), wait=3.0)

    def reply(handler: Handler, asked: Asked) -> None:
        silent(handler, asked)
        # A client that has left resets the connection, which the second write notices.
        for _ in range(20):
            handler.send(event("x"))
            time.sleep(0.01)

    with chatting(reply) as chat, running(app_of(article, chat)) as port:
        client = question(port)
        while not chat.asked:
            time.sleep(0.01)
        client.close()
        assert chat.left.wait(10)


def test_too_many_at_a_time_are_told_so(article: Path) -> None:
    with chatting(goes_on) as chat:
        app = app_of(article, chat)
        with running(app) as port:
            state = app.state.service
            held = state.generating._value
            clients = [question(port) for _ in range(held)]
            while len(chat.asked) < held:
                time.sleep(0.01)
            late = question(port)
            found = b""
            while b"event: end" not in found:
                found += late.recv(4096)
            assert b"generation_busy" in found
            for client in [*clients, late]:
                client.close()


def test_a_service_that_has_too_much_to_do_says_so_after_the_answer(article: Path) -> None:
    with chatting(writes("Cells are collected [1]. They rest [1].")) as chat:
        app = app_of(article, chat, capacity=Capacity(threads=1, queue=0))
        state = app.state.service
        begun, free = threading.Event(), threading.Event()

        def busy() -> None:
            begun.set()
            free.wait(10)

        with TestClient(app, base_url="http://localhost") as client:
            answer = client.post("/ask", json={"question": QUESTION}).content
            request = Request({"type": "http"})

            async def found() -> bytes:
                work = asyncio.create_task(state.asking.run(request, busy))
                await asyncio.to_thread(begun.wait)
                parts = [part async for part in stream(request, state, answer).body_iterator]
                free.set()
                await work
                return b"".join(map(bytes, parts))  # type: ignore[arg-type]

            assert client.portal is not None
            named = events(client.portal.call(found).decode())
    assert [name for name, _ in named] == ["answer", "error", "end"]
    assert named[1][1]["code"] == "overloaded"
