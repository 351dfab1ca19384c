"""Readers' feedback over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rag.serving.upkeep import Upkeep
from rag.store.feedback import FEEDBACK, read_feedback
from service import create_app
from support.client import check_problem, client_of
from support.keyed import keyed_app, keyed_in
from support.live_index import app_of, folder_of
from support.snapshots import FIRST, SECOND, published
from support.word_count_service import GUIDE, serving_of


@pytest.fixture
def index(tmp_path: Path) -> Path:
    published(tmp_path / "index", FIRST)
    return tmp_path / "index"


@pytest.fixture
def client(index: Path) -> Iterator[TestClient]:
    with TestClient(app_of(index), base_url="http://localhost") as client:
        yield client


def said(client: TestClient, **fields: Any) -> dict[str, Any]:
    """A body about the live index."""
    version = client.get("/readyz").json()["index"]["version"]
    return {"question": "Who pays?", "verdict": "missing", "index": version, **fields}


def found_passage(client: TestClient) -> dict[str, Any]:
    asked = client.post("/ask", json={"question": "apples", "top_k": 1}).json()
    return dict(asked["passages"][0])


def test_it_is_stored_and_listed(client: TestClient, index: Path) -> None:
    passage = found_passage(client)
    body = said(client, verdict="helpful", passage_id=passage["passage_id"], comment="Good.")
    response = client.post("/feedback", json=body)
    assert response.status_code == 201
    listed = client.get("/feedback").json()
    [each] = listed["feedback"]
    assert listed["next"] is None
    assert each["id"] == response.json()["id"]
    assert {name: each[name] for name in body} == body
    citation = passage["citation"]
    assert {name: each[name] for name in ("document_id", "sha256", "char_start", "char_end")} == {
        name: citation[name] for name in ("document_id", "sha256", "char_start", "char_end")
    }
    assert each["quote"] == passage["text"]
    assert [row.id for row in read_feedback(index)] == [each["id"]]


def test_it_may_be_about_a_part_of_a_document(client: TestClient) -> None:
    citation = found_passage(client)["citation"]
    place = {"document_id": citation["document_id"], "char_start": 2, "char_end": 7}
    assert client.post("/feedback", json=said(client, verdict="wrong", **place)).status_code == 201
    [each] = client.get("/feedback").json()["feedback"]
    text = client.get(f"/documents/{citation['document_id']}").json()["text"]
    assert (each["quote"], each["passage_id"]) == (text[2:7], None)


def test_a_part_of_a_passage_may_come_from_an_older_answer(client: TestClient) -> None:
    passage = found_passage(client)
    start = passage["citation"]["char_start"]
    part = {"char_start": start + 1, "char_end": start + 5}
    named = said(client, passage_id=passage["passage_id"], index="0" * 12, **part)
    assert client.post("/feedback", json=named).status_code == 201
    [each] = client.get("/feedback").json()["feedback"]
    assert (each["quote"], each["passage_id"]) == (passage["text"][1:5], passage["passage_id"])


def test_it_is_listed_page_by_page(client: TestClient) -> None:
    for _ in range(3):
        client.post("/feedback", json=said(client))
    first = client.get("/feedback", params={"limit": 2}).json()
    assert first["next"] == first["feedback"][1]["id"]
    rest = client.get("/feedback", params={"after": first["next"]}).json()
    assert (len(rest["feedback"]), rest["next"]) == (1, None)
    unknown = client.get("/feedback", params={"after": "none"})
    check_problem(unknown, 404, "unknown_feedback")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"verdict": "splendid"}, "invalid_request"),
        ({"question": "  "}, "empty_question"),
        ({"document_id": "a.md"}, "half_a_place"),
        ({"char_start": 0, "char_end": 5}, "half_a_place"),
        ({"document_id": "a.md", "char_start": 5, "char_end": 5}, "bad_span"),
        ({"document_id": "a.md", "char_start": 0, "char_end": 4001}, "bad_span"),
        ({"comment": "x" * 2001}, "invalid_request"),
        ({"comment": "a\0b"}, "nul_character"),
        ({"index": "today"}, "invalid_request"),
        ({"rating": 5}, "unknown_field"),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: TestClient, index: Path, fields: dict[str, Any], code: str
) -> None:
    check_problem(client.post("/feedback", json=said(client, **fields)), 422, code)
    assert read_feedback(index) == []


def test_an_unknown_place_is_refused(client: TestClient) -> None:
    gone = client.post("/feedback", json=said(client, passage_id="p0"))
    check_problem(gone, 404, "unknown_place")
    for document in ("none.md", found_passage(client)["citation"]["document_id"]):
        place = {"document_id": document, "char_start": 100_000, "char_end": 100_001}
        answer = client.post("/feedback", json=said(client, **place))
        check_problem(answer, 404, "unknown_place")


def test_a_place_in_an_older_index_is_refused_and_a_passage_that_is_the_same_is_not(
    client: TestClient,
) -> None:
    passage = found_passage(client)
    place = {"document_id": passage["citation"]["document_id"], "char_start": 0, "char_end": 3}
    old = {"index": "0" * 12}
    refused = client.post("/feedback", json=said(client, **place, **old))
    check_problem(refused, 409, "index_replaced")
    same = said(client, passage_id=passage["passage_id"], **old)
    assert client.post("/feedback", json=same).status_code == 201


def test_a_page_of_another_site_may_neither_give_nor_read_it(client: TestClient) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        given = client.post("/feedback", json=said(client), headers=headers)
        check_problem(given, 403, "cross_site")
        check_problem(client.get("/feedback", headers=headers), 403, "cross_site")
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/feedback", json=said(client), headers=own).status_code == 201


def test_it_must_be_json(client: TestClient) -> None:
    given = client.post("/feedback", content=b"{}", headers={"content-type": "text/plain"})
    check_problem(given, 415, "unsupported_media_type")


def test_a_table_that_cannot_be_used_is_told_without_its_path(
    client: TestClient, index: Path
) -> None:
    (index / FEEDBACK).write_bytes(b"not a table, but long enough to be taken for one " * 30)
    for answer in (client.post("/feedback", json=said(client)), client.get("/feedback")):
        assert answer.status_code == 507
        assert str(index) not in answer.text


def test_it_can_be_turned_off(index: Path) -> None:
    app = create_app(upkeep=Upkeep(folder_of(index), lambda *_: ["false"], (), feedback=False))
    with TestClient(app, base_url="http://localhost") as client:
        assert "/feedback" not in client.get("/openapi.json").json()["paths"]
        check_problem(client.post("/feedback", json=said(client)), 404, "not_found")
        check_problem(client.get("/feedback"), 404, "not_found")
    assert read_feedback(index) == []


def test_without_an_index_folder_there_is_none() -> None:
    client = client_of({"guide.md": GUIDE})
    check_problem(client.get("/feedback"), 404, "not_found")


def test_it_outlives_a_rebuild(client: TestClient, index: Path) -> None:
    client.post("/feedback", json=said(client))
    published(index, SECOND)
    assert len(client.get("/feedback").json()["feedback"]) == 1


def test_a_reader_gives_it_and_the_administrator_reads_it(tmp_path: Path) -> None:
    keyed = keyed_in(tmp_path)
    (tmp_path / "index").mkdir()
    app = keyed_app(serving_of({"a.md": GUIDE}), keyed, tmp_path)
    body = {"question": "Who pays?", "verdict": "missing", "index": "0" * 12}
    with TestClient(app, base_url="http://localhost") as client:

        def give(kind: str, **fields: str) -> Any:
            return client.post("/feedback", json={**body, **fields}, headers=keyed.headers(kind))

        check_problem(give("no key"), 401, "key_required")
        assert give("read").status_code == 201
        asked = client.post("/ask", json={"question": "dogs"}, headers=keyed.headers("read"))
        passage = asked.json()["passages"][0]["passage_id"]
        assert give("read", passage_id=passage).status_code == 201
        check_problem(give("limited", passage_id=passage), 404, "unknown_place")
        refused = client.get("/feedback", headers=keyed.headers("read"))
        check_problem(refused, 403, "scope_missing")
        listed = client.get("/feedback", headers=keyed.headers("admin")).json()["feedback"]
        assert len(listed) == 2
