from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from rag.store.publish import publish, writing
from rag.store.readback import in_process
from support.builds import build_snapshot
from support.client import check_problem, client_of
from support.file_trees import write
from support.live_index import app_of
from support.snapshots import ENCODER
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
        "media_type",
        "sha256",
        "language",
        "created",
        "modified",
        "notice",
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


# ---- original files

PAGE = "<!doctype html><title>T</title><p>Ferries sail.</p><script>alert(1)</script>"
FILES: dict[str, str | bytes] = {
    "guide.md": "# Fahrplan\n\nDie Fähre fährt um zwölf.\n",
    "alt.txt": "Die Fähre fährt um zwölf.".encode("cp1252"),
    "page.html": PAGE,
    "named.txt": PAGE,
    'sub/e f%\u201c".md': "Ships.",
    "sheet.csv": "a,b\n1,2\n",
    "lines.jsonl": '{"_id": "one", "text": "Ants."}\n{"_id": "guide.md/file", "text": "Bees."}\n',
    "copy.md": "# Fahrplan\n\nDie Fähre fährt um zwölf.\n",
}


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service over an index of `FILES`."""
    folder = tmp_path_factory.mktemp("filed")
    for name, content in FILES.items():
        write(folder / "corpus" / name, content)
    with writing(folder / "index"):
        snapshot = build_snapshot([folder / "corpus"], ENCODER)
        publish(folder / "index", snapshot, ENCODER, verify=in_process)
    with TestClient(app_of(folder / "index"), base_url="http://localhost") as client:
        yield client


def raw(name: str) -> bytes:
    content = FILES[name]
    return content if isinstance(content, bytes) else content.encode()


@pytest.mark.parametrize(
    ("id", "file", "media_type", "disposition"),
    [
        ("copy.md", "copy.md", "text/markdown; charset=utf-8", "inline"),
        ("alt.txt", "alt.txt", "text/plain", "inline"),
        ("page.html", "page.html", "text/html", "attachment"),
        ("named.txt", "named.txt", "text/html", "attachment"),
        ("sheet.csv", "sheet.csv", "text/csv", "attachment"),
        ("one", "lines.jsonl", "application/jsonl", "attachment"),
    ],
)
def test_file_is_the_original_byte_for_byte_and_cannot_run(
    filed: TestClient, id: str, file: str, media_type: str, disposition: str
) -> None:
    response = filed.get(f"/documents/{id}/file")
    assert (response.status_code, response.content) == (200, raw(file))
    headers = response.headers
    assert headers["content-type"] == media_type
    assert headers["content-length"] == str(len(raw(file)))
    named = f"{disposition}; filename=\"{file}\"; filename*=UTF-8''{file}"
    assert headers["content-disposition"] == named
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]


def test_names_of_files_are_given_in_ascii_and_in_full(filed: TestClient) -> None:
    response = filed.get("/documents/" + quote('sub/e f%\u201c".md') + "/file")
    assert response.headers["content-disposition"] == (
        "inline; filename=\"e f___.md\"; filename*=UTF-8''e%20f%25%E2%80%9C%22.md"
    )


def test_file_that_the_client_holds_is_not_sent_again(filed: TestClient) -> None:
    first = filed.get("/documents/copy.md/file")
    for held in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        again = filed.get("/documents/copy.md/file", headers={"if-none-match": held})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    head = filed.head("/documents/copy.md/file")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == first.headers["content-length"]


def test_an_id_that_ends_as_the_path_does_means_its_document(filed: TestClient) -> None:
    assert filed.get("/documents/guide.md/file").json()["text"] == "Bees."
    assert filed.get("/documents/guide.md/file/file").content == raw("lines.jsonl")


def test_file_of_no_document_is_unknown_and_one_that_is_not_kept_is_gone(
    filed: TestClient, client: TestClient
) -> None:
    check_problem(filed.get("/documents/none.md/file"), 404, "unknown_document")
    check_problem(client.get("/documents/guide.md/file"), 410, "file_gone")


def test_damaged_file_is_not_sent(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        write(tmp_path / "corpus" / name, f"Of {name}.")
    with writing(tmp_path / "index"):
        snapshot = build_snapshot([tmp_path / "corpus"], ENCODER)
        publish(tmp_path / "index", snapshot, ENCODER, verify=in_process)
    with TestClient(app_of(tmp_path / "index"), base_url="http://localhost") as client:
        with (tmp_path / "index" / snapshot.id / "originals.bin").open("r+b") as stored:
            stored.write(b"X")
        check_problem(client.get("/documents/a.md/file"), 410, "file_gone")
        assert client.get("/documents/b.md/file").text == "Of b.md."
