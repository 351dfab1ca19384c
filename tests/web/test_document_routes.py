from __future__ import annotations

from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from support.client import check_problem, client_of
from support.word_count_service import GUIDE


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
        "language",
        "created",
        "modified",
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
