from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from rag.store.publish import publish, writing
from rag.store.readback import in_process
from support.builds import build_snapshot
from support.client import check_problem
from support.live_index import app_of
from support.pdf_files import pdf, text
from support.snapshots import ENCODER

PAGES = "/documents/in%2Fside.pdf/pages"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service over a PDF of two pages, a text, and a damaged copy of the PDF."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "corpus" / "in").mkdir(parents=True)
    (folder / "corpus" / "in" / "side.pdf").write_bytes(pdf(text("Apples."), text("Pears.")))
    (folder / "corpus" / "plain.md").write_text("Plums.\n")
    with writing(folder / "index"):
        snapshot = build_snapshot([folder / "corpus"], ENCODER)
        publish(folder / "index", snapshot, ENCODER, verify=in_process)
    with TestClient(app_of(folder / "index"), base_url="http://localhost") as client:
        yield client


def test_a_page_is_an_image_that_a_client_keeps(client: TestClient) -> None:
    response = client.get(f"{PAGES}/2.png?width=100")
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
    assert response.content.startswith(b"\x89PNG")
    held = {"if-none-match": response.headers["etag"]}
    assert client.get(f"{PAGES}/2.png?width=100", headers=held).status_code == 304
    assert client.get(f"{PAGES}/1.png?width=100", headers=held).status_code == 200


def test_what_is_no_page_is_not_found(client: TestClient) -> None:
    for path in (f"{PAGES}/3.png", f"{PAGES}/0.png", "/documents/plain.md/pages/1.png"):
        check_problem(client.get(path), 404, "unknown_page")
    check_problem(client.get("/documents/none.pdf/pages/1.png"), 404, "unknown_document")
    check_problem(client.get(f"{PAGES}/one.png"), 422, "invalid_request")
    check_problem(client.get(f"{PAGES}/1.png?width=9999"), 422, "invalid_request")
