from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings
from jsonschema_rs import Draft202012Validator

from rag.web.reference import reference
from support.contract import contract

OPEN = contract()
client = TestClient(OPEN.app, base_url="http://localhost")
openapi: dict[str, Any] = client.get("/openapi.json").json()


@OPEN.schema.parametrize()
@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_generated_requests_get_what_the_schema_says(case: schemathesis.Case[Any]) -> None:
    OPEN.check(case)


def validator(name: str) -> Draft202012Validator:
    """A validator for one of the schema's components."""
    return Draft202012Validator({**openapi, "$ref": f"#/components/schemas/{name}"})


@pytest.mark.parametrize(
    "name",
    [
        *("AskRequest", "AskResponse", "FeedbackRequest", "VerifyRequest", "RebuildRequest"),
        "RollbackRequest",
    ],
)
def test_examples_fit_their_schema(name: str) -> None:
    examples = openapi["components"]["schemas"][name]["examples"]
    assert examples
    for example in examples:
        validator(name).validate(example)


@pytest.mark.parametrize(
    "body",
    [
        {"question": "dogs"},
        {"query": "dogs", "limit": 50},
        {},
        {"question": "a", "query": "a"},
        {"question": "a", "top_k": 1, "limit": 1},
        {"question": ""},
        {"question": "x" * 2001},
        {"question": "a", "top_k": 51},
        {"question": "a", "other": 1},
        {"question": "a", "filters": {"document_id": ["guide.md"] * 101}},
    ],
)
def test_schema_and_service_agree_on_what_is_asked(body: dict[str, Any]) -> None:
    accepted = client.post("/ask", json=body).status_code == 200
    assert validator("AskRequest").is_valid(body) is accepted


@pytest.mark.parametrize(
    "body",
    [
        {"path": "/none"},
        {"files": [{"name": "a.md", "text": "A."}]},
        {},
        {"path": None},
        {"files": None},
        {"path": "a", "files": [{"name": "a.md", "text": "A."}]},
        {"path": ""},
        {"files": []},
        {"files": [{"name": "", "text": "A."}]},
        {"files": [{"name": "a.md", "text": ""}]},
        {"path": "a", "other": 1},
    ],
)
def test_schema_and_service_agree_on_what_is_rebuilt(body: dict[str, Any]) -> None:
    understood = client.post("/index/rebuild", json=body).status_code != 422
    assert validator("RebuildRequest").is_valid(body) is understood


def test_every_operation_declares_its_problems() -> None:
    assert sorted(openapi["paths"]) == [
        "/ask",
        "/documents",
        "/documents/{id}",
        "/documents/{id}/file",
        "/documents/{id}/pages/{number}.png",
        "/feedback",
        "/healthz",
        "/index",
        "/index/evaluation",
        "/index/jobs/{id}",
        "/index/jobs/{id}/events",
        "/index/rebuild",
        "/index/report",
        "/index/rollback",
        "/index/versions",
        "/metrics",
        "/passages/{id}",
        "/readyz",
        "/retrieval",
        "/session",
        "/v1/rerank",
        "/v1/vector_stores/{id}/search",
        "/v2/rerank",
        "/verify",
    ]
    for path in openapi["paths"].values():
        for operation in path.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]
    ask = openapi["paths"]["/ask"]["post"]["responses"]
    assert sorted(ask) == ["200", "400", "408", "413", "415", "422", "429", "503", "504", "default"]


def test_every_post_describes_its_body() -> None:
    posts = {path: each["post"] for path, each in openapi["paths"].items() if "post" in each}
    assert len(posts) == 10
    for post in posts.values():
        schema = post["requestBody"]["content"]["application/json"]["schema"]
        assert schema["$ref"].rpartition("/")[2] in openapi["components"]["schemas"]


def test_the_reference_shows_every_operation_and_schema() -> None:
    response = client.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    for path, methods in openapi["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in response.text
    for name in openapi["components"]["schemas"]:
        assert f'<h3 id="{name}">' in response.text


def test_the_reference_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    page = client.get("/docs").text
    assert set(re.findall(r' (?:src|href)="([^"#]*)', page)) == {
        "/style.css",
        "/favicon.svg",
        "/openapi.json",
        "/",
        "",
    }
    assert not re.search(r"<script|<style| style=| on\w+=|http://|https://", page)


def test_what_a_description_says_is_text() -> None:
    hostile = "<script>alert(1)</script>"
    operation = {"description": hostile, "responses": {"200": {"description": hostile}}}
    schema = {"description": hostile, "properties": {hostile: {"enum": [hostile]}}}
    description = {
        "info": {"title": hostile, "version": hostile, "description": hostile},
        "paths": {hostile: {"get": operation}},
        "components": {"schemas": {hostile: {**schema, "examples": [hostile]}}},
    }
    page = reference(description)
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") >= 8
