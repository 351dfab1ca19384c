from __future__ import annotations

import re

from fastapi.testclient import TestClient

from rag.web.llms_routes import MAX_LISTED
from service import create_app
from support.client import client_of
from support.word_count_service import GUIDE


def test_it_names_the_routes_and_documents_and_every_link_works() -> None:
    client = client_of({"guide.md": GUIDE, "a [b](c).md": "Text.\n"})
    response = client.get("/llms.txt")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    text = response.text
    assert text.startswith("# Ask the documents\n\n> Passages that answer a question")
    openapi = client.get("/openapi.json").json()
    for path, methods in openapi["paths"].items():
        for method in methods:
            assert f"- [{method.upper()} {path}](/docs): " in text
    links = re.findall(r"(?<!\\)\]\(([^()]+)\)", text)
    assert "/documents/a%20%5Bb%5D%28c%29.md" in links
    for link in set(links):
        assert client.get(link).status_code == 200, link
    assert r"- [Title of a \[b\](c).md]" in text


def test_the_documents_beyond_the_first_are_a_link_away() -> None:
    client = client_of({f"{n:03}.md": "Ships sail.\n" for n in range(MAX_LISTED + 1)})
    text = client.get("/llms.txt").text
    assert text.count("](/documents/") == MAX_LISTED
    [link] = re.findall(r"\[The next ones\]\((.*?)\)", text)
    assert [each["id"] for each in client.get(link).json()["documents"]] == ["100.md"]


def test_without_an_index_it_says_so() -> None:
    client = TestClient(create_app(), base_url="http://localhost")
    assert "No index is loaded now." in client.get("/llms.txt").text
