from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from rag.serving.live import Serving
from rag.serving.remembered import LONGEST, Remembered
from rag.serving.upkeep import upkeep_of
from rag.store.publish import roll_back
from rag.store.readback import in_process
from rag.types import Answer
from rag.types.settings import Settings
from rag.web.state import Capacity
from service import create_app
from support.client import check_problem
from support.live_index import app_of, folder_of
from support.snapshots import ENCODER, FIRST, SECOND, published
from support.word_count_service import GUIDE


def test_ask_answers_with_citations_that_point_at_the_text(client: TestClient) -> None:
    response = client.post("/ask", json={"question": " dogs travel on rails ", "top_k": 1})
    body = response.json()
    assert response.status_code == 200
    assert body.pop("took_ms") >= 0
    start = GUIDE.index("Q: May")
    end = len(GUIDE) - 1
    passage_id = body["passages"][0]["passage_id"]
    assert body == {
        "question": "dogs travel on rails",
        "verdict": "answered",
        "abstained": False,
        "confidence": 0.75,
        "answer": {
            "quotes": [
                {
                    "text": GUIDE[start + 1 : end],
                    "citation": 1,
                    "passage_id": passage_id,
                    "document_id": "guide.md",
                    "char_start": start + 1,
                    "char_end": end,
                }
            ]
        },
        "notices": [],
        "missing": [],
        "message": None,
        "passages": [
            {
                "rank": 1,
                "passage_id": passage_id,
                "text": GUIDE[start:end],
                "score": 0.75,
                "scores": {
                    "dense": 0.75,
                    "bm25": None,
                    "late": None,
                    "heading": None,
                    "fused": 0.75,
                },
                "highlights": [{"char_start": start + 1, "char_end": end}],
                "citation": {
                    "document_id": "guide.md",
                    "title": "Title of guide.md",
                    "media_type": "text/markdown",
                    "heading_path": ["FAQ", "May I take a dog?"],
                    "sha256": body["passages"][0]["citation"]["sha256"],
                    "char_start": start,
                    "char_end": end,
                    "line_start": 11,
                    "line_end": 12,
                    "page": None,
                    "place": None,
                    "url": f"/?document=guide.md#c{start}-{end}",
                },
                "explanation": None,
            }
        ],
        "index": {"version": body["index"]["version"], "model": "word-counter"},
    }


def test_an_abstention_has_no_answer(client: TestClient) -> None:
    body = client.post("/ask", json={"question": "zebra"}).json()
    assert (body["abstained"], body["answer"], body["notices"]) == (True, None, [])


def test_query_and_limit_are_other_names(client: TestClient) -> None:
    body = client.post("/ask", json={"query": "dogs", "limit": 2, "explain": True}).json()
    assert (body["question"], len(body["passages"])) == ("dogs", 2)


def test_url_in_a_citation_is_percent_encoded(client: TestClient) -> None:
    body = client.post("/ask", json={"question": "ferries", "top_k": 1}).json()
    url = body["passages"][0]["citation"]["url"]
    assert url == "/?document=notes%2Ftwo%20words.md#c0-24"


def test_filters_reach_the_search(client: TestClient) -> None:
    filters = {"document_id": ["notes/two words.md"], "section": None}
    body = client.post("/ask", json={"question": "dogs", "filters": filters}).json()
    assert [hit["citation"]["document_id"] for hit in body["passages"]] == ["notes/two words.md"]


def test_abstention_is_an_answer_in_plain_words(client: TestClient) -> None:
    body = client.post("/ask", json={"question": "zeppelin"}).json()
    assert (body["abstained"], body["confidence"]) == (True, 0.0)
    assert body["message"] == (
        "The documents do not seem to answer this question. The nearest passages follow."
    )


def test_nothing_within_the_filters_is_an_empty_abstention(client: TestClient) -> None:
    body = client.post(
        "/ask", json={"question": "dogs", "filters": {"document_id": ["none.md"]}}
    ).json()
    assert (body["abstained"], body["passages"]) == (True, [])
    assert body["message"] == (
        "The documents do not seem to answer this question. "
        "1 of 1 ids in filters.document_id name no document of the index."
    )


def test_filter_that_is_partly_unknown_says_so_and_searches_the_rest(client: TestClient) -> None:
    filters = {"document_id": ["none.md", "guide.md", "gone.md"]}
    body = client.post("/ask", json={"question": "dogs travel on", "filters": filters}).json()
    assert (body["abstained"], len(body["passages"])) == (False, 3)
    assert body["message"] == "2 of 3 ids in filters.document_id name no document of the index."


@pytest.mark.parametrize("filters", [{"document_id": None}, {"document_id": []}, {"section": None}])
def test_null_and_an_empty_list_do_not_restrict(client: TestClient, filters: object) -> None:
    bodies = ({"question": "dogs", "filters": filters}, {"question": "dogs"})
    some, all = (client.post("/ask", json=body).json()["passages"] for body in bodies)
    assert some == all


@pytest.mark.parametrize(
    "question",
    ["?", "🎟", "x" * 2000, "🎟" * 2000, "\u0301" * 2000, " " + "x" * 2000 + "\n", "{{7*7}} %s ../"],
)
def test_any_visible_question_is_answered(client: TestClient, question: str) -> None:
    response = client.post("/ask", json={"question": question})
    assert (response.status_code, response.json()["question"]) == (200, question.strip())


@pytest.mark.parametrize("top_k", [0, -1, 51, 10**9, 2**63, 1.5, 5.0, True, "5", None, [5]])
@pytest.mark.parametrize("name", ["top_k", "limit"])
def test_top_k_is_an_integer_from_1_to_50(client: TestClient, name: str, top_k: object) -> None:
    response = client.post("/ask", json={"question": "a", name: top_k})
    check_problem(response, 422, "invalid_request")
    assert response.json()["detail"].startswith(f"{name}: input should be ")


@pytest.mark.parametrize(
    "question", ["", " \n\t", "\u200b", "\u3000\u2060\ufe0f", "\u3164", "\x07"]
)
def test_question_that_shows_nothing_is_refused(client: TestClient, question: str) -> None:
    check_problem(client.post("/ask", json={"question": question}), 422, "empty_question")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"),
        ({"question": None}, "invalid_request"),
        ({"question": 5}, "invalid_request"),
        ({"question": ["a"]}, "invalid_request"),
        ({"question": "x" * 2001}, "invalid_request"),
        ({"question": "a\0b"}, "nul_character"),
        ({"question": "a\0"}, "nul_character"),
        ({"question": "a", "query": "a"}, "ambiguous_field"),
        ({"question": "a", "top_k": 1, "limit": 1}, "ambiguous_field"),
        ({"question": "a", "topk": 1}, "unknown_field"),
        ({"question": "a", "mode": "magic"}, "invalid_request"),
        ({"question": "a", "explain": 1}, "invalid_request"),
        ({"question": "a", "filters": None}, "invalid_request"),
        ({"question": "a", "filters": {"path": "x"}}, "unknown_field"),
        ({"question": "a", "filters": {"document_id": "x"}}, "invalid_request"),
        ({"question": "a", "filters": {"document_id": [5]}}, "invalid_request"),
        ({"question": "a", "filters": {"type": "pdf"}}, "invalid_request"),
        ({"question": "a", "filters": {"type": ["pdf"] * 21}}, "invalid_request"),
        ({"question": "a", "filters": {"since": "March 2026"}}, "invalid_request"),
        ({"question": "a", "filters": {"folder": ""}}, "invalid_request"),
        ({"question": "a", "filters": {"document_id": ["x"] * 101}}, "invalid_request"),
        ({"question": "a", "filters": {"document_id": ["x\0"]}}, "nul_character"),
        ({"question": "a", "filters": {"section": ""}}, "invalid_request"),
        ({"question": "a", "filters": {"section": "x" * 1001}}, "invalid_request"),
    ],
)
def test_strange_fields_are_refused(client: TestClient, body: object, code: str) -> None:
    check_problem(client.post("/ask", json=body), 422, code)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (
            {"question": "a", "filters": {"document_id": "x"}},
            "filters.document_id: input should be a list",
        ),
        (
            {"question": "a", "filters": {"document_id": ["x"] * 101}},
            "filters.document_id: list should ",
        ),
        (
            {"question": "a", "filters": {"document_id": ["", 5]}},
            "filters.document_id[0]: string should ",
        ),
        ({"question": "a", "filters": None}, "filters: input should be an object"),
        ([], "input should be an object"),
        (
            {"question": "a", "filters": {"question": "x"}},
            "filters: an unknown field was given; known are document_id, folder, "
            "section, since, type, until",
        ),
        (
            {"question": "a", "section": "x"},
            "an unknown field was given; known are explain, filters, generate, limit, mode, query, "
            "question, top_k",
        ),
    ],
)
def test_wrong_field_is_told_in_the_words_of_json(
    client: TestClient, body: object, detail: str
) -> None:
    assert client.post("/ask", json=body).json()["detail"].startswith(detail)


def test_answer_that_is_no_number_is_a_500(serving: Serving) -> None:
    def confused(question: str, **_: object) -> Answer:
        return Answer(question, (), float("nan"), "maybe")

    client = TestClient(create_app(replace(serving, ask=confused)), base_url="http://localhost")
    check_problem(client.post("/ask", json={"question": "a"}), 500, "internal_error")


class Watched:
    """An ask that notes its threads."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self.threads: set[str] = set()

    def __call__(self, question: str, **options: Any) -> Answer:
        self.threads.add(threading.current_thread().name)
        return self.serving.ask(question, **options)


def test_parallel_asks_give_the_serial_answers(serving: Serving) -> None:
    watched = Watched(serving)
    questions = [f"dogs travel {n}" for n in range(64)]
    app = create_app(replace(serving, ask=watched), capacity=Capacity(threads=4, queue=64))

    async def ask_all() -> list[dict[str, Any]]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            posts = (client.post("/ask", json={"question": question}) for question in questions)
            return [response.json() for response in await asyncio.gather(*posts)]

    replies = asyncio.run(ask_all())
    assert 1 < len(watched.threads) <= 4
    assert [reply["question"] for reply in replies] == questions
    with TestClient(app, base_url="http://localhost") as client:
        serial = [client.post("/ask", json={"question": q}).json() for q in questions]
    assert [reply["passages"] for reply in replies] == [reply["passages"] for reply in serial]


def test_built_index_answers_with_exact_citations(built: Path) -> None:
    upkeep = upkeep_of(Settings(index=built, threads=1))
    with TestClient(create_app(upkeep=upkeep), base_url="http://localhost") as client:
        body = client.post("/ask", json={"question": "What do the nurses watch for?"}).json()
        text = client.get("/documents/cells.md").json()["text"]
    first = body["passages"][0]
    citation = first["citation"]
    assert "fever" in first["text"]
    assert text[citation["char_start"] : citation["char_end"]] == first["text"]
    assert citation["heading_path"] == ["Care"]


class Counted:
    """An ask that counts its calls."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self.calls = 0

    def __call__(self, question: str, **options: Any) -> Answer:
        self.calls += 1
        return self.serving.ask(question, **options)


def untimed(response: Any) -> bytes:
    """The bytes of an answer, without the time that it took."""
    return bytes(response.content.rpartition(b',"took_ms":')[0])


def test_a_remembered_answer_has_the_same_bytes(serving: Serving) -> None:
    counted = Counted(serving)
    app = create_app(replace(serving, ask=counted), capacity=Capacity(answers=2))
    client = TestClient(app, base_url="http://localhost")
    first = client.post("/ask", json={"question": "dogs travel"})
    again = client.post("/ask", json={"query": " dogs travel ", "limit": 5, "filters": {}})
    assert (untimed(first), counted.calls) == (untimed(again), 1)
    for other in ({"question": "dogs"}, {"question": "dogs travel", "top_k": 1}):
        client.post("/ask", json=other)
    client.post("/ask", json={"question": "dogs travel"})
    assert counted.calls == 4, "the oldest of three is forgotten"
    assert client.get("/readyz").json()["remembered"] == {"hits": 1, "misses": 4}


def test_no_answer_is_remembered_unless_that_is_asked_for(serving: Serving) -> None:
    counted = Counted(serving)
    client = TestClient(create_app(replace(serving, ask=counted)), base_url="http://localhost")
    for _ in range(2):
        client.post("/ask", json={"question": "dogs travel"})
    assert counted.calls == 2


def test_another_snapshot_has_answers_of_its_own(serving: Serving) -> None:
    app = create_app(serving, capacity=Capacity(answers=9))
    client = TestClient(app, base_url="http://localhost")
    before = client.post("/ask", json={"question": "ferries sail"}).json()
    manifest = replace(serving.snapshot.manifest, corpus_sha256="1" * 64)
    other = replace(serving, snapshot=replace(serving.snapshot, manifest=manifest))
    app.state.service.live.serving = other
    after = client.post("/ask", json={"question": "ferries sail"}).json()
    assert after["index"]["version"] == manifest.id != before["index"]["version"]
    app.state.service.live.serving = serving
    assert client.post("/ask", json={"question": "ferries sail"}).json()["index"] == before["index"]


def test_a_remembered_answer_is_that_of_the_live_snapshot_after_rebuild_and_rollback(
    tmp_path: Path,
) -> None:
    index = tmp_path / "index"
    apples = published(index, FIRST)
    app = app_of(index, answers=9)

    def answered(client: TestClient) -> Any:
        client.portal.call(app.state.service.live.catch_up)
        first, again = (client.post("/ask", json={"question": "fruit"}) for _ in range(2))
        assert untimed(first) == untimed(again)
        return again.json()

    with TestClient(app, base_url="http://localhost") as client:
        before = answered(client)
        pears = published(index, SECOND)
        after = answered(client)
        roll_back(index, ENCODER, apples, verify=in_process)
        assert answered(client) | {"took_ms": 0} == before | {"took_ms": 0}
        remembered = client.get("/readyz").json()["remembered"]
    assert [answer["index"]["version"] for answer in (before, after)] == [apples, pears]
    assert [answer["passages"][0]["text"] for answer in (before, after)] == [FIRST, SECOND]
    assert remembered == {"hits": 3, "misses": 3}


def test_no_answer_of_a_snapshot_outlasts_its_opening(tmp_path: Path) -> None:
    """It may have been damaged, and a build that repairs it gives it the same id."""
    published(tmp_path / "index", FIRST)
    folder = folder_of(tmp_path / "index")
    damaged, repaired = (Counted(folder.open()) for _ in range(2))
    app = create_app(replace(damaged.serving, ask=damaged), capacity=Capacity(answers=9))
    client = TestClient(app, base_url="http://localhost")
    for now in (damaged, damaged, repaired):
        app.state.service.live.serving = replace(now.serving, ask=now)
        assert client.post("/ask", json={"question": "fruit"}).status_code == 200
    assert (damaged.calls, repaired.calls) == (1, 1)


def test_a_long_answer_is_not_remembered() -> None:
    remembered = Remembered(9)
    remembered.put("short", b"x" * LONGEST)
    remembered.put("long", b"x" * (LONGEST + 1))
    assert remembered.get("short") and not remembered.get("long")
