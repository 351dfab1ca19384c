from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from support.places import ROOT


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/markdown.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
    ],
)
def test_page_files_are_served_as_they_are(client: TestClient, path: str, media_type: str) -> None:
    response = client.get(path)
    name = path.removeprefix("/") or "index.html"
    folder = ROOT / "rag" / "web" / "page"
    assert (response.headers["content-type"], response.content) == (
        media_type,
        (folder / name).read_bytes(),
    )


def test_page_is_small() -> None:
    folder = ROOT / "rag" / "web" / "page"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 80_000


def test_head_is_get_without_the_body(client: TestClient) -> None:
    got, head = client.get("/style.css"), client.head("/style.css")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


def test_many_ranges_are_ignored(client: TestClient) -> None:
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(2000))
    response = client.get("/app.js", headers={"range": ranges})
    assert (response.status_code, response.content) == (200, client.get("/app.js").content)
