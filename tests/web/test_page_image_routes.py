from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag.encoders.open import open_encoder
from rag.serving.keys import Keys, add_key
from rag.serving.live import IndexFolder
from rag.serving.upkeep import Upkeep
from rag.store.publish import publish, writing
from rag.store.readback import in_process
from rag.web import Door
from service import create_app
from support.builds import build_snapshot
from support.client import check_problem
from support.live_index import IDLE, app_of
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


def test_a_limited_key_sees_the_pages_of_its_documents_alone(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    for name in "ab":
        (tmp_path / "corpus" / f"{name}.pdf").write_bytes(pdf(text(f"Fruit {name}.")))
    encoder = open_encoder("bundled", "onnx", 1)
    with writing(tmp_path / "index"):
        snapshot = build_snapshot([tmp_path / "corpus"], encoder)
        publish(tmp_path / "index", snapshot, encoder, verify=in_process)
    token = add_key(tmp_path / "keys", "read", timedelta(days=1), paths=("a*",))[1]
    folder = IndexFolder(tmp_path / "index", lambda: encoder)
    app = create_app(
        upkeep=Upkeep(folder, lambda path, wanted: IDLE, ()), door=Door(Keys(tmp_path / "keys"))
    )
    with TestClient(app, base_url="http://localhost") as client:
        client.headers["authorization"] = f"Bearer {token}"
        assert client.get("/documents/a.pdf/pages/1.png?width=50").status_code == 200
        check_problem(client.get("/documents/b.pdf/pages/1.png"), 404, "unknown_document")
