from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import httpx2
import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

import service
from rag.building.build import build_snapshot
from rag.encoders.open import open_encoder
from rag.errors import BusyError, UsageError
from rag.serving.live import Serving
from rag.settings import Settings
from rag.store.disk import Files
from rag.store.publish import publish, writing
from rag.types import Answer
from rag.web.bodies import read_body
from rag.web.edge import allowed_hosts
from rag.web.problems import Problem
from rag.web.server import greeting, listen
from service import create_app
from support.word_count_service import GUIDE, serving_of

JSON = {"content-type": "application/json"}
TEXTS = {"guide.md": GUIDE, "notes/two words.md": "Ferries sail on Sundays.\n"}


@pytest.fixture(scope="module")
def serving() -> Serving:
    return serving_of(TEXTS)


@pytest.fixture(scope="module")
def client(serving: Serving) -> Iterator[TestClient]:
    with TestClient(create_app(serving), base_url="http://localhost") as client:
        yield client


def asked(client: TestClient, body: bytes | str, **headers: str) -> Any:
    sent = body if isinstance(body, bytes) else body.encode()
    return client.post("/ask", content=sent, headers={**JSON, **headers})


def check_problem(response: Any, status: int, code: str) -> None:
    body = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert set(body) == {"type", "title", "status", "detail", "code", "request_id"}
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == body["request_id"]


# ---- what is answered


def test_ask_answers_with_citations_that_point_at_the_text(client: TestClient) -> None:
    response = client.post("/ask", json={"question": " dogs travel on rails ", "top_k": 1})
    body = response.json()
    assert response.status_code == 200
    assert body.pop("took_ms") >= 0
    start = GUIDE.index("Q: May")
    end = len(GUIDE) - 1
    assert body == {
        "question": "dogs travel on rails",
        "abstained": False,
        "confidence": 0.75,
        "message": None,
        "passages": [
            {
                "rank": 1,
                "passage_id": body["passages"][0]["passage_id"],
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
                    "heading_path": ["FAQ", "May I take a dog?"],
                    "sha256": body["passages"][0]["citation"]["sha256"],
                    "char_start": start,
                    "char_end": end,
                    "line_start": 11,
                    "line_end": 12,
                    "page": None,
                    "url": f"/?document=guide.md#c{start}-{end}",
                },
                "explanation": None,
            }
        ],
        "index": {"version": body["index"]["version"], "model": "word-counter"},
    }


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


def test_documents_are_listed_in_the_order_of_the_index(client: TestClient) -> None:
    listed = client.get("/documents").json()
    entries = listed["documents"]
    assert [entry["id"] for entry in entries] == ["guide.md", "notes/two words.md"]
    assert listed["next"] is None
    assert (entries[0]["sections"], entries[0]["passages"]) == (3, 3)
    assert entries[0]["characters"] == len(GUIDE)
    assert set(entries[0]) == {
        "id",
        "title",
        "source",
        "sha256",
        "characters",
        "sections",
        "passages",
    }


def test_documents_are_listed_page_by_page() -> None:
    ids = [f"{n:03}.md" for n in range(250)]
    client = client_of({id: "Ships sail.\n" for id in ids})
    listed, after, pages = [], "", []
    while after is not None:
        page = client.get("/documents", params={"after": after} if after else {}).json()
        listed += [entry["id"] for entry in page["documents"]]
        pages.append(len(page["documents"]))
        after = page["next"]
    assert (listed, pages) == (ids, [100, 100, 50])
    assert len(client.get("/documents?limit=1000").json()["documents"]) == 250
    assert client.get("/documents?limit=250").json()["next"] is None
    assert client.get("/documents?limit=249").json()["next"] == "248.md"
    assert client.get("/documents?after=249.md").json() == {"documents": [], "next": None}


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "1.5", ""])
def test_a_page_has_1_to_1000_documents(client: TestClient, limit: str) -> None:
    response = client.get(f"/documents?limit={limit}")
    check_problem(response, 422, "invalid_request")
    assert response.json()["detail"].startswith("limit: input should be ")


def test_list_goes_on_after_no_document_that_there_is_not(client: TestClient) -> None:
    check_problem(client.get("/documents?after=none.md"), 404, "unknown_document")


def test_document_has_its_canonical_text_and_sections(client: TestClient) -> None:
    body = client.get("/documents/guide.md").json()
    assert body["text"] == GUIDE
    last = body["sections"][-1]
    assert (last["heading_path"], last["kind"]) == (["FAQ", "May I take a dog?"], "faq")
    assert GUIDE[last["start"] : last["end"]].startswith("Q: May I take a dog?")


@pytest.mark.parametrize("path", ["notes/two%20words.md", "notes%2Ftwo%20words.md"])
def test_document_ids_may_hold_slashes_and_spaces(client: TestClient, path: str) -> None:
    assert client.get(f"/documents/{path}").json()["text"] == "Ferries sail on Sundays.\n"


NFC, NFD = "T\u00fcr.md", "Tu\u0308r.md"


def test_document_ids_may_hold_line_ends_and_come_escaped_anyhow() -> None:
    ids = ["new\nline.md", "cr\r.md", "end\n", "my~guide-v_1.md"]
    client = client_of({id: f"Of {n}.\n" for n, id in enumerate(ids)})
    paths = ["new%0Aline.md", "cr%0D.md", "end%0A", "%6dy%7Eguide%2Dv%5f1%2Emd"]
    texts = [client.get(f"/documents/{path}").json()["text"] for path in paths]
    assert texts == ["Of 0.\n", "Of 1.\n", "Of 2.\n", "Of 3.\n"]


@pytest.mark.parametrize(("indexed", "given"), [(NFC, NFD), (NFD, NFC)])
def test_document_is_found_by_another_normal_form_of_its_id(indexed: str, given: str) -> None:
    client = client_of({indexed: "Ships sail.\n", "other.md": "Ships sail.\n"})
    assert client.get(f"/documents/{quote(given)}").json()["id"] == indexed
    filters = {"document_id": [given]}
    body = client.post("/ask", json={"question": "ships", "filters": filters}).json()
    assert [hit["citation"]["document_id"] for hit in body["passages"]] == [indexed]
    assert body["message"] is None


@pytest.mark.parametrize(("indexed", "given"), [(NFC, NFD), (NFD, NFC)])
def test_list_goes_on_after_an_id_in_another_normal_form(indexed: str, given: str) -> None:
    client = client_of({indexed: "One.\n", "z.md": "Two.\n"})
    listed = client.get("/documents", params={"after": given}).json()["documents"]
    assert [entry["id"] for entry in listed] == ["z.md"]


def test_exact_id_goes_before_one_of_another_normal_form() -> None:
    client = client_of({NFD: "One.\n", NFC: "Two.\n"})
    texts = [client.get(f"/documents/{quote(id)}").json()["text"] for id in (NFC, NFD)]
    assert texts == ["Two.\n", "One.\n"]


def test_passage_is_found_by_its_id_with_the_same_citation(client: TestClient) -> None:
    hit = client.post("/ask", json={"question": "dogs"}).json()["passages"][0]
    body = client.get(f"/passages/{hit['passage_id']}").json()
    assert (body["text"], body["citation"]) == (hit["text"], hit["citation"])


def test_index_is_the_manifest(client: TestClient, serving: Serving) -> None:
    manifest = serving.snapshot.manifest
    assert client.get("/index").json() == {"id": manifest.id, **manifest.to_json()}


def test_probes_say_ok_and_ready(client: TestClient, serving: Serving) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    index = {"version": serving.snapshot.manifest.id, "model": "word-counter"}
    ready = {"status": "ready", "index": index, "degraded": [], "verified": None}
    assert client.get("/readyz").json() == ready


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
    ],
)
def test_page_files_are_served_as_they_are(client: TestClient, path: str, media_type: str) -> None:
    response = client.get(path)
    name = path.removeprefix("/") or "index.html"
    folder = Path(service.__file__).parent / "rag" / "web" / "page"
    assert (response.headers["content-type"], response.content) == (
        media_type,
        (folder / name).read_bytes(),
    )


def test_head_is_get_without_the_body(client: TestClient) -> None:
    got, head = client.get("/style.css"), client.head("/style.css")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


def test_what_can_be_read_answers_options_as_load_balancers_ask(client: TestClient) -> None:
    for path in ("/", "/healthz", "/documents"):
        response = client.options(path)
        assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD")
    check_problem(client.options("/nothing"), 404, "not_found")


# ---- what is refused


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("", 400, "malformed_json"),
        ("hello", 400, "malformed_json"),
        ('{"question":"a",}', 400, "malformed_json"),
        ('{"question":"a"} x', 400, "malformed_json"),
        ('{"question":"a","top_k":NaN}', 400, "malformed_json"),
        ('{"question":"a","top_k":-Infinity}', 400, "malformed_json"),
        ('{"question":"a\tb"}', 400, "malformed_json"),
        ('{"question":"a","top_k":' + "9" * 5000 + "}", 400, "malformed_json"),
        ('{"question":"a","top_k":1e400}', 400, "number_out_of_range"),
        ('\ufeff{"question":"a"}', 400, "malformed_json"),
        ('{"question":"a"}'.encode("utf-16"), 400, "not_utf8"),
        ('{"question":"a"}'.encode("utf-16-le"), 400, "malformed_json"),
        ('{"question":"é"}'.encode("latin-1"), 400, "not_utf8"),
        (b'{"question":"\xed\xa0\x80"}', 400, "not_utf8"),
        ("[" * 65 + "]" * 65, 422, "invalid_request"),
        ("[" * 66 + "]" * 66, 400, "too_deep"),
        ("[" * 8000 + "]" * 8000, 400, "too_deep"),
        (r'{"question":"a\ud800b"}', 422, "invalid_unicode"),
        (r'{"question":"a","x":["\udfff"]}', 422, "invalid_unicode"),
        (r'{"question":"a","\ud800":1}', 422, "invalid_unicode"),
        ('{"question":"a","question":"b"}', 422, "duplicate_key"),
        ('{"question":"a","filters":{"section":"x","section":"y"}}', 422, "duplicate_key"),
        ("[]", 422, "invalid_request"),
        ("null", 422, "invalid_request"),
        ('"question"', 422, "invalid_request"),
    ],
)
def test_strange_bodies_are_refused(
    client: TestClient, body: bytes | str, status: int, code: str
) -> None:
    check_problem(asked(client, body), status, code)


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
        ('{"question": "a",\n "top_k": 1,}', "illegal trailing comma before end of object at line"),
        ('{"question": secret}', "expecting value at line 1, column 14"),
        ('{"question": "a"} x', "extra data at line 1, column 19"),
        ('{"question": "a\nb"}', "invalid control character at line 1, column 16"),
        ('{"top_k":' + "9" * 5000 + "}", "a number has too many digits"),
        ('\ufeff{"question": "a"}', "it begins with a byte-order mark"),
        (b'{"question":"\xe9"}', "the body is not UTF-8: see byte 14"),
    ],
)
def test_malformed_body_is_told_where(client: TestClient, body: bytes | str, detail: str) -> None:
    told = asked(client, body).json()["detail"]
    assert "secret" not in told
    if "illegal" in detail:
        # Python 3.13 tells it so, and earlier ones as a missing name.
        assert "at line 2, column 1" in told
    else:
        assert told.endswith(detail)


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
            "filters: an unknown field was given; known are document_id, section",
        ),
        (
            {"question": "a", "section": "x"},
            "an unknown field was given; known are explain, filters, limit, mode, query, question, "
            "top_k",
        ),
    ],
)
def test_wrong_field_is_told_in_the_words_of_json(
    client: TestClient, body: object, detail: str
) -> None:
    assert client.post("/ask", json=body).json()["detail"].startswith(detail)


def test_of_many_errors_five_are_told(client: TestClient) -> None:
    citations = [
        {"document_id": "", "sha256": "", "char_start": -1, "char_end": -1, "quote": "", "page": ""}
    ]
    detail = client.post("/verify", json={"citations": citations}).json()["detail"]
    assert (detail.count("citations[0]."), detail.endswith("; and 1 more")) == (5, True)


def test_refusals_never_repeat_the_input(client: TestClient) -> None:
    secret = "s3cr3t<script>"
    bodies = [{secret: 1}, {"question": "a", "mode": secret}, {"filters": {secret: {secret: 1}}}]
    replies = [client.post("/ask", json=body) for body in bodies]
    replies += [asked(client, secret), client.get(f"/documents/{secret}"), client.get(f"/{secret}")]
    replies += [client.get("/", headers={"host": secret}), asked(client, "{}", host=secret)]
    assert all(reply.status_code >= 400 for reply in replies)
    assert not any("s3cr3t" in reply.text or "s3cr3t" in str(reply.headers) for reply in replies)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/problem+json",
        "json",
    ],
)
def test_other_content_types_are_refused(client: TestClient, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = client.post("/ask", content=b'{"question":"a"}', headers=headers)
    check_problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    [
        "Application/JSON",
        "application/json;",
        *(
            f"application/json; charset={name}"
            for name in ("UTF-8", "utf8", "UTF_8", "u8", "'utf-8'", '"Utf-8"', "cp65001", "", '""')
        ),
    ],
)
def test_json_may_name_its_charset(client: TestClient, content_type: str) -> None:
    response = asked(client, '{"question":"a"}', **{"content-type": content_type})
    assert response.status_code == 200


@pytest.mark.parametrize("encoding", ["", "identity", "Identity", ", identity"])
def test_body_that_is_not_encoded_may_say_so(client: TestClient, encoding: str) -> None:
    assert asked(client, '{"question":"a"}', **{"content-encoding": encoding}).status_code == 200


def test_compressed_bodies_are_refused(client: TestClient) -> None:
    response = asked(client, b"\x1f\x8b", **{"content-encoding": "gzip"})
    check_problem(response, 415, "unsupported_encoding")


def test_body_of_16_kilobytes_is_read_and_one_byte_more_is_not(client: TestClient) -> None:
    body = b'{"question":"a"}'
    assert asked(client, body.ljust(16 * 1024)).status_code == 200
    response = asked(client, body.ljust(16 * 1024 + 1))
    check_problem(response, 413, "body_too_large")
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("length", ["17000", "9" * 30, "9" * 5000])
def test_declared_length_is_refused_and_read_away_up_to_64_megabytes(
    serving: Serving, length: str
) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", length.encode())]
    status, body, read = call(create_app(serving), "POST", "/ask", headers)
    assert (status, body["code"], read) == (413, "body_too_large", 64 * 1024)


def test_endless_body_is_refused_and_read_away_up_to_64_megabytes(serving: Serving) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"junk")]
    status, body, read = call(create_app(serving), "POST", "/ask", headers)
    assert (status, body["code"], read) == (413, "body_too_large", 17 + 64 * 1024)


def test_client_that_waits_to_be_told_to_send_is_refused_at_once(serving: Serving) -> None:
    headers = [(b"content-length", b"17000"), (b"expect", b"100-continue")]
    status, _, read = call(create_app(serving), "POST", "/ask", headers)
    assert (status, read) == (415, 0)


@pytest.mark.parametrize(("event", "status"), [(None, 408), ({"type": "http.disconnect"}, 400)])
def test_body_that_does_not_arrive_is_given_up(event: dict[str, str] | None, status: int) -> None:
    async def receive() -> dict[str, str]:
        if event is None:
            await anyio.sleep_forever()
        assert event is not None
        return event

    scope = {"type": "http", "method": "POST", "headers": []}
    with pytest.raises(Problem) as caught:
        anyio.run(read_body, Request(scope, receive), 0.01)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/ask", "POST"),
        ("HEAD", "/ask", "POST"),
        ("PUT", "/ask", "POST"),
        ("OPTIONS", "/ask", "POST"),
        ("TRACE", "/", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/documents/guide.md", "GET, HEAD"),
    ],
)
def test_wrong_methods_are_told_the_right_one(
    client: TestClient, method: str, path: str, allow: str
) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allow)
    if method != "HEAD":
        check_problem(response, 405, "method_not_allowed")


def test_get_of_ask_shows_the_post_to_send(client: TestClient) -> None:
    detail = client.get("/ask", headers={"host": "localhost:8000"}).json()["detail"]
    assert detail == (
        "this path answers POST; ask by curl -s http://localhost:8000/ask "
        """-H 'content-type: application/json' -d '{"question": "What is this?"}'"""
    )


def test_methods_are_upper_case(serving: Serving) -> None:
    status, body, _ = call(create_app(serving), "post", "/ask", [])
    assert (status, body["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "path",
    [
        *("/ask/", "//ask", "/ASK", "/ask;x", "/documents/", "/healthz/", "/redoc"),
        *("/..%2fservice.py", "/page/app.js", "/app.js/", "/%2e%2e/service.py", "/documents/%00"),
        *("/passages/none", "/documents/none.md", "/documents/%ff"),
    ],
)
def test_unknown_paths_are_404_without_redirect(client: TestClient, path: str) -> None:
    for method in ("GET", "POST") if "ask" in path.lower() else ("GET",):
        response = client.request(method, f"http://localhost{path}", follow_redirects=False)
        assert response.status_code == 404
        check_problem(response, 404, response.json()["code"])


@pytest.mark.parametrize("path", ["/%61sk", "/%41sk", "/as%6B"])
def test_escaped_letters_are_the_letters(client: TestClient, path: str) -> None:
    status = client.post(path, json={"question": "a"}).status_code
    assert status == (404 if path == "/%41sk" else 200)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8000",
        "127.0.0.1:1",
        "[::1]:8000",
        "localhost.",
        "localhost.:80",
        "localhost:",
    ],
)
def test_local_hosts_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.com", "localhost/x", ".", "localhost..", "localhost.evil.com", "localhost:x"),
        *("[::1]x", "evil.com:localhost", "localhost@evil.com", "localhost:80:80"),
    ],
)
def test_other_hosts_are_refused_on_every_path(client: TestClient, host: str) -> None:
    for path in ("/", "/healthz", "/ask", "/nothing"):
        check_problem(client.get(path, headers={"host": host}), 403, "bad_host")


@pytest.mark.parametrize(
    "hosts",
    [[], [b""], [b"[::2]"], [b"localhost", b"localhost"], [b"localhost", b"evil.com"]],
)
def test_exactly_one_host_is_needed(serving: Serving, hosts: list[bytes]) -> None:
    headers = [(b"host", host) for host in hosts]
    status, body, _ = call(create_app(serving), "GET", "/documents", headers, host=False)
    assert (status, body["code"]) == (403, "bad_host")


@pytest.mark.parametrize(
    ("path", "version"), [("/healthz", "1.1"), ("/readyz", "1.1"), ("/documents", "1.0")]
)
@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((None, 200), (b"", 200), (b"10.0.0.5", 200), (b"10.0.0.5:80", 200), (b"[fd00::1]", 200)),
        *((b"evil.com", 403), (b"10.0.0.5.evil.com", 403), (b"[]x", 403), (b"10.0.0", 403)),
    ],
)
def test_probe_or_old_client_may_name_no_host_or_an_ip_address_but_no_other_name(
    serving: Serving, path: str, version: str, host: bytes | None, status: int
) -> None:
    headers = [] if host is None else [(b"host", host)]
    called = call(create_app(serving), "GET", path, headers, host=False, http_version=version)
    assert called[0] == status


@pytest.mark.parametrize("target", ["*", "ask", "ftp://localhost/healthz", "localhost:80"])
def test_targets_other_than_paths_are_refused(serving: Serving, target: str) -> None:
    status, body, _ = call(create_app(serving), "GET", target, [])
    assert (status, body["code"]) == (400, "bad_target")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost/healthz", 200),
        ("HTTP://LOCALHOST:8000/healthz", 200),
        ("http://localhost", 200),
        ("http://localhost/health%7A", 200),
        ("http://evil.com/healthz", 403),
        ("http://localhost@evil.com/healthz", 403),
        ("http:///documents", 403),
        ("http://localhost/nothing", 404),
    ],
)
def test_whole_address_as_target_goes_before_the_host(
    serving: Serving, target: str, status: int
) -> None:
    assert call(create_app(serving), "GET", target, [])[0] == status


@pytest.mark.parametrize(
    "server", ["192.0.2.1", "0.0.0.0", "10.0.0.2", "fe80::1", "::ffff:10.0.0.2"]
)
def test_request_that_came_in_by_another_address_is_refused(serving: Serving, server: str) -> None:
    for path in ("/healthz", "/", "/documents"):
        status, body, _ = call(create_app(serving), "GET", path, [], server=(server, 8000))
        assert (status, body["code"]) == (403, "not_local")


@pytest.mark.parametrize(
    "server",
    [("127.0.0.1", 1), ("127.0.0.2", 1), ("::1", 1), ("::ffff:127.0.0.1", 1), ("/a.sock", None)],
)
def test_request_that_came_in_by_this_machine_alone_is_answered(
    serving: Serving, server: tuple[str, int | None]
) -> None:
    assert call(create_app(serving), "GET", "/healthz", [], server=server)[0] == 200


@pytest.mark.parametrize(
    "headers", [[(b"x", b"a" * 33_000)], [(f"x-{n}".encode(), b"a") for n in range(100)]]
)
def test_many_or_long_headers_are_refused(
    serving: Serving, headers: list[tuple[bytes, bytes]]
) -> None:
    status, body, _ = call(create_app(serving), "GET", "/healthz", headers)
    assert (status, body["code"]) == (431, "headers_too_large")


def test_two_ways_to_end_a_body_are_refused(serving: Serving) -> None:
    headers = [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")]
    status, body, read = call(create_app(serving), "POST", "/ask", headers)
    assert (status, body["code"], read) == (400, "bad_framing", 64 * 1024)


def test_bound_address_is_an_allowed_host() -> None:
    assert allowed_hosts("Box.local") == {"localhost", "127.0.0.1", "[::1]", "box.local"}
    assert "[fe80::1]" in allowed_hosts("FE80::1")


# ---- what every response carries


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing", "/ask", "/openapi.json"])
def test_every_response_carries_the_safe_headers(client: TestClient, path: str) -> None:
    headers = client.get(path, headers={"origin": "http://evil.com"}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert len(headers["x-request-id"]) == 32
    assert not [name for name in headers if name.startswith("access-control")]


def test_request_ids_differ(client: TestClient) -> None:
    ids = {client.get("/healthz").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


def test_many_ranges_are_ignored(client: TestClient) -> None:
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(2000))
    response = client.get("/app.js", headers={"range": ranges})
    assert (response.status_code, response.content) == (200, client.get("/app.js").content)


# ---- failures


def test_crash_is_a_bare_500_and_the_log_has_its_request_id(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object, **__: object) -> Answer:
        raise RuntimeError("secret in /etc/passwd")

    client = TestClient(create_app(replace(serving, ask=crash)), base_url="http://localhost")
    with caplog.at_level(logging.ERROR):
        response = client.post("/ask", json={"question": "a"})
    check_problem(response, 500, "internal_error")
    assert not any(word in response.text for word in ("/", "secret", "Traceback"))
    assert [r.message for r in caplog.records if r.name == "rag.web.edge"] == [
        f"request {response.json()['request_id']} failed"
    ]


def test_answer_that_is_no_number_is_a_500(serving: Serving) -> None:
    def confused(question: str, **_: object) -> Answer:
        return Answer(question, (), float("nan"), False)

    client = TestClient(create_app(replace(serving, ask=confused)), base_url="http://localhost")
    check_problem(client.post("/ask", json={"question": "a"}), 500, "internal_error")


def test_crash_after_the_first_byte_ends_the_connection(serving: Serving) -> None:
    app = create_app(serving)

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half way")

    app.mount("/broken", broken)
    with pytest.raises(RuntimeError, match="half way"):
        call(app, "GET", "/broken/", [])


def test_without_an_index_it_lives_but_is_not_ready(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    upkeep = service.upkeep_of(Settings(index=tmp_path / "none"))
    with TestClient(create_app(upkeep=upkeep), base_url="http://localhost") as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/").status_code == 200
        replies = [client.get(path) for path in ("/readyz", "/documents", "/index", "/passages/x")]
        replies.append(client.post("/ask", json={"question": "a"}))
    for reply in replies:
        check_problem(reply, 503, "not_ready")
        assert reply.headers["retry-after"] == "5"
        assert "`rag build`" in reply.json()["detail"]
    message = f"no index is served: no index in {tmp_path / 'none'}: run `rag build`"
    assert any(said.startswith(message) for said in caplog.messages)


def test_app_is_made_from_the_environment_without_opening_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAG_INDEX", str(tmp_path / "nothing"))
    monkeypatch.setenv("RAG_HOST", "127.0.0.2")
    app = service.app
    with TestClient(app, base_url="http://127.0.0.2") as client:
        check_problem(client.get("/readyz"), 503, "not_ready")


def test_module_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'ap'"):
        service.__getattr__("ap")


# ---- together


class Watched:
    """An ask that notes its threads and whether two calls ever met."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self.threads: set[str] = set()
        self.busy = False
        self.met = False

    def __call__(self, question: str, **options: Any) -> Answer:
        self.met |= self.busy
        self.busy = True
        self.threads.add(threading.current_thread().name)
        answer = self.serving.ask(question, **options)
        self.busy = False
        return answer


def test_parallel_asks_give_the_serial_answers_from_one_thread(serving: Serving) -> None:
    watched = Watched(serving)
    questions = [f"dogs travel {n}" for n in range(50)]
    app = create_app(replace(serving, ask=watched))

    async def ask_all() -> list[dict[str, Any]]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            posts = (client.post("/ask", json={"question": question}) for question in questions)
            return [response.json() for response in await asyncio.gather(*posts)]

    replies = asyncio.run(ask_all())
    assert [reply["question"] for reply in replies] == questions
    with TestClient(app, base_url="http://localhost") as client:
        serial = [client.post("/ask", json={"question": q}).json() for q in questions]
    assert [reply["passages"] for reply in replies] == [reply["passages"] for reply in serial]
    assert (len(watched.threads), watched.met) == (1, False)


def test_probes_answer_while_a_question_is_worked_on(serving: Serving) -> None:
    started, finish = threading.Event(), threading.Event()

    def slow(question: str, **_: object) -> Answer:
        started.set()
        assert finish.wait(timeout=10)
        return Answer(question, (), 0.0, True)

    with TestClient(create_app(replace(serving, ask=slow)), base_url="http://localhost") as client:
        asking = threading.Thread(
            target=client.post, args=("/ask",), kwargs={"json": {"query": "a"}}
        )
        asking.start()
        assert started.wait(timeout=10)
        assert client.get("/healthz").status_code == 200
        finish.set()
        asking.join()


# ---- the server


def test_listen_says_that_the_port_is_in_use() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(BusyError, match="is in use"):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "box.local", ""])
def test_listen_refuses_an_address_that_others_can_reach(host: str) -> None:
    with pytest.raises(UsageError, match=r"no keys yet: bind 127\.0\.0\.1, .* reverse .* SSH"):
        listen(host, 0)


def test_listen_says_that_the_address_cannot_be_bound() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on ::ffff:127\.0\.0\.1:0 "):
        listen("::ffff:127.0.0.1", 0)


def test_greeting_holds_a_question_of_the_index_ready_to_paste() -> None:
    snapshot = serving_of({"faq.md": "Q: What's new?\nA: Much.\n"}).snapshot
    assert greeting(snapshot, "127.0.0.1", 8000) == (
        "1 document, 1 passage at http://127.0.0.1:8000\n"
        "curl -s http://127.0.0.1:8000/ask -H 'content-type: application/json' "
        """-d '{"question": "What'"'"'s new?"}'"""
    )


def test_greeting_of_an_index_without_headings_still_asks() -> None:
    snapshot = serving_of({"plain.md": "Text.\n"}).snapshot
    assert '-d \'{"question": "What is this?"}\'' in greeting(snapshot, "::1", 80)
    assert "http://[::1]:80/ask" in greeting(snapshot, "::1", 80)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of one small document, built with the bundled model."""
    folder = tmp_path_factory.mktemp("built")
    corpus, index = folder / "corpus", folder / "index"
    corpus.mkdir()
    (corpus / "cells.md").write_text(
        "# Cells\n\n## Collection\n\nT cells are collected by leukapheresis.\n\n"
        "## Care\n\nThe nurses 👩🏽‍⚕️ watch for fever.\n"
    )
    encoder = open_encoder("bundled", "onnx", 1)
    with writing(index):
        publish(index, build_snapshot([corpus], encoder), encoder, Files())
    return index


def test_built_index_answers_with_exact_citations(built: Path) -> None:
    upkeep = service.upkeep_of(Settings(index=built, threads=1))
    with TestClient(create_app(upkeep=upkeep), base_url="http://localhost") as client:
        body = client.post("/ask", json={"question": "What do the nurses watch for?"}).json()
        text = client.get("/documents/cells.md").json()["text"]
    first = body["passages"][0]
    citation = first["citation"]
    assert "fever" in first["text"]
    assert text[citation["char_start"] : citation["char_end"]] == first["text"]
    assert citation["heading_path"] == ["Care"]


def test_serve_greets_answers_and_ends_on_a_signal(built: Path) -> None:
    code = "from rag.settings import Settings; import service; service.serve(Settings(port=0))"
    environment = {**os.environ, "RAG_INDEX": str(built), "RAG_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as server:
        assert server.stdout is not None
        counts, _, address = server.stdout.readline().strip().rpartition(" at ")
        assert counts == "1 document, 2 passages"
        assert "/ask -H" in server.stdout.readline()
        response = httpx2.post(f"{address}/ask", json={"question": "How are T cells collected?"})
        assert "leukapheresis" in response.json()["passages"][0]["text"]
        assert "server" not in response.headers
        server.terminate()
        assert server.wait(timeout=20) == 0


def client_of(texts: dict[str, str]) -> TestClient:
    """A client of a service over these texts."""
    return TestClient(create_app(serving_of(texts)), base_url="http://localhost")


def call(
    app: Any,
    method: str,
    path: str,
    headers: list[tuple[bytes, bytes]],
    host: bool = True,
    **scope: Any,
) -> tuple[int, dict[str, Any], int]:
    """A request straight to the application, its body endless: status, body, events read."""
    read = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 1024, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope |= {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers] if host else headers,
    }
    anyio.run(app, scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    is_json = b"json" in dict(sent[0]["headers"])[b"content-type"]
    return sent[0]["status"], json.loads(body) if is_json else {}, read
