from __future__ import annotations

import gc
import re
from weakref import ref

import pytest
from fastapi.testclient import TestClient

from rag.serving.endpoint import Endpoint
from rag.serving.live import Serving
from service import create_app
from support.places import ROOT

PAGE = ROOT / "rag" / "web" / "page"


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
    assert (response.headers["content-type"], response.content) == (
        media_type,
        (PAGE / name).read_bytes(),
    )


def first_paint() -> set[str]:
    """What a browser loads to show an answer; `import("./x.js")` comes later, if it is needed."""
    named = {"index.html"}
    queue = ["index.html"]
    while queue:
        text = (PAGE / queue.pop()).read_text()
        found = re.findall(r'(?:href|src)="/([\w.]+)"|^import [^;]*?from "\./([\w.]+)"', text, re.M)
        new = {name for pair in found for name in pair if name and (PAGE / name).exists()} - named
        named |= new
        queue += [name for name in new if name.endswith(".js")]
    return named


def test_what_an_answer_loads_is_small() -> None:
    loaded = first_paint()
    assert {"index.html", "style.css", "app.js", "text.js", "favicon.svg"} <= loaded
    assert not {"index_page.js", "pages.js", "source.js", "feedback.js"} & loaded
    assert sum((PAGE / name).stat().st_size for name in loaded) < 80_000


@pytest.mark.parametrize("endpoint", [None, Endpoint("http://127.0.0.1:9/v1", "small")])
def test_written_answers_are_offered_if_there_is_an_endpoint(
    serving: Serving, endpoint: Endpoint | None
) -> None:
    with TestClient(create_app(serving, endpoint=endpoint), base_url="http://localhost") as client:
        offer = client.get("/page.json").json()
    assert (offer["feedback"], offer["generation"]) == (False, endpoint is not None)


def test_head_is_get_without_the_body(client: TestClient) -> None:
    got, head = client.get("/style.css"), client.head("/style.css")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


def test_many_ranges_are_ignored(client: TestClient) -> None:
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(2000))
    response = client.get("/app.js", headers={"range": ranges})
    assert (response.status_code, response.content) == (200, client.get("/app.js").content)


def test_an_application_that_has_ended_is_let_go(serving: Serving) -> None:
    app = create_app(serving)
    with TestClient(app, base_url="http://localhost") as client:
        assert client.get("/openapi.json").status_code == 200
    left = ref(app)
    del app, client
    gc.collect()
    assert left() is None
