"""Other services' clients get their own shapes, from the same search."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from service import create_app
from support.client import check_problem
from support.keyed import keyed_app, keyed_in
from support.places import ROOT
from support.running import running
from support.word_count_service import GUIDE, serving_of

TEXTS = {"guide.md": GUIDE, "notes/boats.md": "Ferries sail on Sundays.\n\nDogs travel below.\n"}
SEARCH = "/v1/vector_stores/default/search"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(create_app(serving_of(TEXTS))) as address:
        yield address


@pytest.fixture(scope="module")
def local() -> TestClient:
    return TestClient(create_app(serving_of(TEXTS)), base_url="http://localhost")


def openai_client(address: str) -> Any:
    openai = pytest.importorskip("openai", reason="the client package openai is not installed")
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)


def test_the_openai_client_searches_the_vector_store(address: str) -> None:
    with openai_client(address) as client:
        page = client.vector_stores.search("default", query="dogs travel", max_num_results=2)
        [best, second] = page.data
        assert (best.file_id, best.filename, best.score) == ("guide.md", "guide.md", 1.0)
        assert best.content[0].text == "Q: May I take a dog?\nA: Dogs travel on a lead."
        start, end = (int(best.attributes[name]) for name in ("char_start", "char_end"))
        assert GUIDE[start:end] == best.content[0].text
        assert best.attributes["section"] == "FAQ › May I take a dog?"
        assert 0 < second.score <= best.score
        assert [each.file_id for each in page] == ["guide.md", "notes/boats.md"]


def test_the_openai_client_filters_and_gets_an_empty_page_if_there_is_no_answer(
    address: str,
) -> None:
    with openai_client(address) as client:
        search = client.vector_stores.search
        only = {"type": "eq", "key": "file_id", "value": "notes/boats.md"}
        assert {each.file_id for each in search("default", query="dogs", filters=only).data} == {
            "notes/boats.md"
        }
        both = {"type": "and", "filters": [only]}
        assert search("default", query="dogs", filters=both).data[0].file_id == "notes/boats.md"
        assert search("default", query="zebra").data == []
        high = {"ranker": "auto", "score_threshold": 0.9}
        assert len(search("default", query="dogs sail", ranking_options=high).data) == 0
        assert search("default", query=["dogs"], rewrite_query=True).data


def test_the_openai_client_sees_refusals_as_its_own_errors(address: str) -> None:
    openai = pytest.importorskip("openai", reason="the client package openai is not installed")
    with openai_client(address) as client:
        with pytest.raises(openai.NotFoundError) as found:
            client.vector_stores.search("vs_abc", query="dogs")
        assert "one vector store, default" in found.value.body["detail"]
        assert found.value.request_id == found.value.body["request_id"]
        with pytest.raises(openai.UnprocessableEntityError) as refused:
            other = {"type": "ne", "key": "file_id", "value": "guide.md"}
            client.vector_stores.search("default", query="dogs", filters=other)
        assert refused.value.body["detail"].startswith("filters.type: input should be")


def test_the_version_of_the_index_names_the_store_too(local: TestClient) -> None:
    version = local.get("/index").json()["id"]
    found = local.post(f"/v1/vector_stores/{version}/search", json={"query": "dogs"}).json()
    assert found["object"] == "vector_store.search_results.page"
    assert (found["search_query"], found["has_more"], found["next_page"]) == (["dogs"], False, None)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"query": " "}, "query: the question is empty"),
        ({"query": ["a", "b"]}, "query: input should be a valid string"),
        ({"query": "a", "max_num_results": 51}, "max_num_results"),
        (
            {"query": "a", "filters": {"type": "eq", "key": "colour", "value": "red"}},
            "known are document_id, folder, section, since, type, until",
        ),
        (
            {
                "query": "a",
                "filters": {
                    "type": "and",
                    "filters": [{"type": "eq", "key": "section", "value": "A"}] * 2,
                },
            },
            "two conditions on one field",
        ),
    ],
)
def test_a_search_that_cannot_be_done_is_refused(
    local: TestClient, body: dict[str, Any], detail: str
) -> None:
    response = local.post(SEARCH, json=body)
    assert response.status_code == 422
    assert detail in response.json()["detail"]


def test_dify_gets_records_with_citations(local: TestClient) -> None:
    setting = {"top_k": 2, "score_threshold": 0.5}
    body = {"knowledge_id": "default", "query": "dogs travel", "retrieval_setting": setting}
    headers = {"authorization": "Bearer any"}
    records = local.post("/retrieval", json=body, headers=headers).json()["records"]
    assert [each["title"] for each in records] == ["Title of guide.md", "Title of notes/boats.md"]
    assert records[0]["score"] == 1.0
    place = records[0]["metadata"]
    assert GUIDE[place["char_start"] : place["char_end"]] == records[0]["content"]
    unknown = {**body, "query": "zebra"}
    assert local.post("/retrieval", json=unknown).json() == {"records": []}
    rule = {"name": ["document_id"], "comparison_operator": "is", "value": "notes/boats.md"}
    only = {**body, "metadata_condition": {"logical_operator": "and", "conditions": [rule]}}
    [record] = local.post("/retrieval", json=only).json()["records"]
    assert record["content"] == "Dogs travel below."


def test_dify_gets_its_own_error_codes(local: TestClient) -> None:
    body = {"knowledge_id": "other", "query": "dogs", "retrieval_setting": {"top_k": 1}}
    response = local.post("/retrieval", json=body)
    assert (response.status_code, response.json()["error_code"]) == (404, 2001)
    assert response.json()["error_msg"] == response.json()["detail"]
    response = local.post("/retrieval", json=body, headers={"authorization": "secret"})
    assert (response.status_code, response.json()["error_code"]) == (403, 1001)


def test_a_key_is_sent_as_each_client_sends_it(tmp_path: Path) -> None:
    keyed = keyed_in(tmp_path)
    key = keyed.tokens["read"]
    with running(keyed_app(serving_of(TEXTS), keyed, tmp_path)) as address:
        openai = pytest.importorskip("openai", reason="the package openai is not installed")
        with openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client:
            assert client.vector_stores.search("default", query="dogs").data
        with (
            openai.OpenAI(base_url=f"{address}/v1", api_key="rag_no", max_retries=0) as client,
            pytest.raises(openai.AuthenticationError),
        ):
            client.vector_stores.search("default", query="dogs")
        body = {"knowledge_id": "default", "query": "dogs", "retrieval_setting": {"top_k": 1}}
        refused = httpx2.post(f"{address}/retrieval", json=body)
        assert (refused.status_code, refused.json()["error_code"]) == (401, 1002)
        known = {"authorization": f"Bearer {key}"}
        assert httpx2.post(f"{address}/retrieval", json=body, headers=known).json()["records"]


@pytest.mark.parametrize("version", ["Client", "ClientV2"])
def test_the_cohere_client_reranks_texts(address: str, version: str) -> None:
    cohere = pytest.importorskip("cohere", reason="the client package cohere is not installed")
    texts = ["cats sleep", "dogs travel", "dogs bark"]
    with getattr(cohere, version)(api_key="none", base_url=address) as client:
        found = client.rerank(model="any", query="dogs travel", documents=texts, top_n=2)
    assert [(each.index, each.relevance_score) for each in found.results] == [(1, 1.0), (2, 0.5)]
    assert found.id


def test_documents_come_back_with_their_scores_if_asked_for(local: TestClient) -> None:
    body = {"query": "dogs", "documents": [{"text": "cats"}, "dogs"], "return_documents": True}
    results = local.post("/v1/rerank", json=body).json()["results"]
    assert results == [
        {"index": 1, "relevance_score": 1.0, "document": {"text": "dogs"}},
        {"index": 0, "relevance_score": 0.0, "document": {"text": "cats"}},
    ]


@pytest.mark.parametrize("package", ["openai", "cohere"])
def test_the_programs_in_the_documentation_run_as_they_are_written(
    address: str, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(package, reason=f"the client package {package} is not installed")
    documentation = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", documentation, re.M | re.S)
    [program] = [block for block in blocks if package in block]
    asked = program.replace("Which procedure collects the T cells?", "dogs travel")
    exec(asked.replace("http://127.0.0.1:8000", address), {})
    printed = capsys.readouterr().out.splitlines()
    first = "1.0 guide.md 90.0 Q: May I take a dog?" if package == "openai" else "0 0.0"
    assert printed[0] == first


@pytest.mark.parametrize("path", [SEARCH, "/retrieval", "/v1/rerank", "/v2/rerank"])
def test_without_an_index_nothing_is_found(path: str) -> None:
    bodies = {
        SEARCH: {"query": "a"},
        "/retrieval": {"knowledge_id": "default", "query": "a", "retrieval_setting": {"top_k": 1}},
    }
    client = TestClient(create_app(), base_url="http://localhost")
    body = bodies.get(path, {"query": "a", "documents": ["b"]})
    check_problem(client.post(path, json=body), 503, "not_ready")
