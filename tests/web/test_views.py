"""A limited key sees the index of its documents alone."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rag.serving.keys import Key, Keys, add_key
from rag.serving.live import Serving
from rag.store.publish import publish, writing
from rag.store.readback import in_process
from rag.types.errors import CorruptIndex
from rag.web.access import Door
from rag.web.problems import Problem
from rag.web.state import AppState, Capacity
from rag.web.views import Views
from service import create_app
from support.builds import build_snapshot
from support.client import check_problem
from support.file_trees import write
from support.keyed import NOW
from support.letter_encoder import LetterEncoder
from support.live_index import folder_of
from support.word_count_service import serving_of

REQUESTS = int(os.environ.get("TORTURE_REQUESTS", "600"))
DAY = timedelta(days=1)
# No request ever holds it.
MARK = "qvx"
SEEN = ("guides/apples.md", "guides/bread.md", "guides/deep/corn.md")
HIDDEN = ("plans/bread.md", "plans/eggs.md", "zebra.md")


def text_of(name: str, mark: str) -> str:
    return (
        f"# Recipe of {name} {mark}\n\n## Baking {mark}\n\nBlue bread and apples {mark}. It costs "
        f"{len(name)} euros.\n\n## FAQ\n\n### What is bread {mark}?\n\nA kind of {mark} corn.\n"
    )


def index_of(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        write(folder / "corpus" / name, text_of(name, MARK if name in HIDDEN else "kqz"))
    snapshot = build_snapshot([folder / "corpus"], LetterEncoder())
    with writing(folder / "index"):
        publish(folder / "index", snapshot, LetterEncoder(), verify=in_process)
    return folder / "index"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, TestClient]]:
    """The whole index by a limited key, and the index of what it sees by one that is not."""
    with ExitStack() as stack:

        def client(names: tuple[str, ...], *paths: str) -> TestClient:
            folder = tmp_path_factory.mktemp("views")
            _, token = add_key(folder / "keys", "read", DAY, paths=paths)
            app = create_app(
                folder_of(index_of(folder, names)).open(), door=Door(Keys(folder / "keys"))
            )
            headers = {"authorization": f"Bearer {token}"}
            return stack.enter_context(
                TestClient(app, base_url="http://localhost", headers=headers)
            )

        yield client(SEEN + HIDDEN, "guides/*"), client(SEEN)


def requests(seed: int) -> Iterator[tuple[str, str, Any]]:
    """Random requests that any key may send: what is there, what is hidden, and what is neither."""
    chance = random.Random(seed)
    folder_of_hidden = build_of(SEEN + HIDDEN)
    ids = [*SEEN, *HIDDEN, "none.md", "plans", "guides/", "", "ZEBRA.md"]
    passages = [*(passage.id for passage in folder_of_hidden.passages), "p" + "0" * 16]
    spans = [(each, folder_of_hidden.documents[each]) for each in folder_of_hidden.documents]
    words = ["bread", "blue", "apples", "eggs", "zebra", "recipe", "corn", "plans", "euros", "what"]
    while True:
        kind = chance.choice(["ask", "ask", "verify", "document", "file", "passage", "list"])
        id = chance.choice(ids)
        if kind == "ask":
            body: dict[str, Any] = {
                "question": " ".join(chance.choices(words, k=3)),
                "mode": chance.choice(["hybrid", "dense", "bm25"]),
                "top_k": chance.choice([1, 5, 50]),
                "explain": chance.random() < 0.3,
            }
            if chance.random() < 0.4:
                body["filters"] = {"document_id": chance.sample([each for each in ids if each], 2)}
            yield "POST", "/ask", body
        elif kind == "verify":
            name, document = chance.choice(spans)
            start = chance.randrange(20)
            quote = document.text[2 : chance.choice([8, 10])]
            saved = {"document_id": chance.choice([name, id or "x"]), "sha256": document.sha256}
            saved |= {"char_start": start, "char_end": start + len(quote)}
            citation: dict[str, Any] = {**saved, "quote": quote} if chance.random() < 0.7 else saved
            yield "POST", "/verify", {"citations": [citation]}
        elif kind == "list":
            after = f"&after={id}" if chance.random() < 0.5 else ""
            yield "GET", f"/documents?limit={chance.choice([1, 2, 100])}{after}", None
        elif kind == "passage":
            yield "GET", f"/passages/{chance.choice(passages)}", None
        else:
            yield "GET", f"/documents/{id}{'/file' if kind == 'file' else ''}", None


def build_of(names: tuple[str, ...]) -> Any:
    """A snapshot with the same ids, from which the requests are made."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            write(Path(folder) / name, text_of(name, MARK if name in HIDDEN else "kqz"))
        return build_snapshot([Path(folder)], LetterEncoder())


def told(reply: Any) -> Any:
    """What a response says, without what is another each time."""
    if "json" not in reply.headers["content-type"]:
        return reply.status_code, reply.content, reply.headers.get("etag")
    body = reply.json()
    for name in ("request_id", "took_ms"):
        body.pop(name, None)
    if isinstance(body.get("index"), dict):
        body["index"].pop("version")
    return reply.status_code, body


def test_limited_key_gets_what_an_index_of_its_documents_would_say(
    services: tuple[TestClient, TestClient],
) -> None:
    seen: set[int] = set()
    for (method, path, body), _ in zip(requests(7), range(REQUESTS), strict=False):
        one, other = (each.request(method, path, json=body) for each in services)
        assert told(one) == told(other), (method, path, body)
        assert MARK.encode() not in one.content, (method, path, body)
        assert MARK not in str(one.headers)
        seen.add(one.status_code)
    assert {200, 404} <= seen


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/index"), ("GET", "/index/report"), ("GET", "/index/versions")),
        *(("POST", "/index/rebuild"), ("POST", "/index/rollback"), ("GET", "/index/jobs/x")),
    ],
)
def test_what_tells_of_the_whole_index_is_refused_to_a_limited_key(
    services: tuple[TestClient, TestClient], method: str, path: str
) -> None:
    reply = services[0].request(method, path, json={} if method == "POST" else None)
    assert reply.status_code == 403
    assert MARK.encode() not in reply.content


def test_remembered_answers_are_not_shared_between_keys(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    tokens = [add_key(file, "read", DAY, paths=each)[1] for each in ((), ("a*",), ("b*",))]
    serving = serving_of({"a.md": "Dogs travel.\n", "b.md": "Dogs travel.\n"})
    app = create_app(serving, door=Door(Keys(file)), capacity=Capacity(answers=8))
    with TestClient(app, base_url="http://localhost") as client:
        for _ in range(2):
            found = [
                [
                    passage["citation"]["document_id"]
                    for passage in client.post(
                        "/ask",
                        json={"question": "dogs"},
                        headers={"authorization": f"Bearer {token}"},
                    ).json()["passages"]
                ]
                for token in tokens
            ]
            assert [sorted(each) for each in found] == [["a.md", "b.md"], ["a.md"], ["b.md"]]
        assert client.get("/readyz").json()["remembered"] == {"hits": 3, "misses": 3}


def key(*paths: str) -> Key:
    return Key("0" * 8, "", "read", NOW, NOW + DAY, paths=paths)


def views_of(limited: Callable[..., Serving], **options: Any) -> tuple[AppState, Views]:
    state = AppState(replace(serving_of({"a.md": "A."}), limited=limited), None)
    return state, Views(state, **options)


def test_view_is_made_once_for_all_who_ask_at_once_and_again_after_a_swap() -> None:
    made: list[object] = []

    def limited(sees: Callable[[str], bool]) -> Serving:
        made.append(sees)
        time.sleep(0.05)
        return serving_of({})

    async def scenario() -> None:
        state, views = views_of(limited)
        await asyncio.gather(*(views.of(key("a*")) for _ in range(8)))
        assert len(made) == 1
        state.live.serving = replace(state.serving, opened=object())
        await views.of(key("a*"))
        assert len(made) == 2

    asyncio.run(scenario())


def test_only_so_many_views_are_kept() -> None:
    made: list[object] = []

    def limited(sees: Callable[[str], bool]) -> Serving:
        made.append(sees)
        return serving_of({})

    async def scenario() -> None:
        _, views = views_of(limited, most=2)
        for each in ("a", "b", "a", "c", "a", "b"):
            await views.of(key(each))
        assert len(made) == 4

    asyncio.run(scenario())


def test_client_is_told_to_come_back_while_its_view_takes_long() -> None:
    go_on = threading.Event()

    def limited(sees: Callable[[str], bool]) -> Serving:
        assert go_on.wait(timeout=10)
        return serving_of({})

    async def scenario() -> None:
        _, views = views_of(limited, patience=0.05)
        with pytest.raises(Problem) as caught:
            await views.of(key("a*"))
        assert (caught.value.status, caught.value.code) == (503, "preparing")
        go_on.set()
        await asyncio.sleep(0.2)
        assert len((await views.of(key("a*"))).serving.snapshot.documents) == 0

    asyncio.run(scenario())


def test_altered_index_is_never_made_into_a_view() -> None:
    def limited(sees: Callable[[str], bool]) -> Serving:
        raise CorruptIndex("documents.bin was altered")

    async def scenario() -> None:
        _, views = views_of(limited)
        with pytest.raises(Problem) as caught:
            await views.of(key("a*"))
        assert (caught.value.status, caught.value.code) == (503, "not_ready")

    asyncio.run(scenario())


def test_limited_key_learns_nothing_of_other_documents_from_an_error(
    services: tuple[TestClient, TestClient],
) -> None:
    hidden = services[0].get("/documents/zebra.md")
    nothing = services[0].get("/documents/nothing.md")
    check_problem(hidden, 404, "unknown_document")
    assert hidden.json()["detail"] == nothing.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/vector_stores/default/search", {"query": "blue bread eggs"}),
        (
            "/retrieval",
            {"knowledge_id": "default", "query": "bread", "retrieval_setting": {"top_k": 5}},
        ),
        ("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "resources/list", "params": {}}),
        (
            "/mcp",
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "search", "arguments": {"query": "blue bread eggs zebra"}},
            },
        ),
        (
            "/mcp",
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "fetch", "arguments": {"id": "zebra.md"}},
            },
        ),
    ],
)
def test_other_programs_see_no_more(
    services: tuple[TestClient, TestClient], path: str, body: dict[str, Any]
) -> None:
    accepted = {"accept": "application/json, text/event-stream"}
    reply = services[0].post(path, json=body, headers=accepted)
    assert reply.status_code == 200, reply.text
    assert MARK.encode() not in reply.content


def test_limited_key_can_do_with_its_documents_whatever_another_can(tmp_path: Path) -> None:
    whole = folder_of(index_of(tmp_path, SEEN)).open()
    assert whole.limited is not None
    seen = whole.limited(lambda id: id in SEEN)
    assert seen.rerank is not None
    assert seen.support is not None and whole.support is not None
    passages = [seen.snapshot.passages[0]]
    assert seen.support("Blue bread.", passages) == whole.support("Blue bread.", passages)


def test_summary_for_models_lists_no_hidden_document(
    services: tuple[TestClient, TestClient],
) -> None:
    text = services[0].get("/llms.txt").text
    assert "apples.md" in text
    assert MARK not in text and "zebra" not in text
