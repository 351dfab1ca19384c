"""A limited key sees the index of its documents alone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rag.serving.keys import Key, Keys, add_key
from rag.serving.live import Serving
from rag.types.errors import CorruptIndex
from rag.web.access import Door
from rag.web.problems import Problem
from rag.web.state import AppState, Capacity
from rag.web.views import Views
from service import create_app
from support.client import check_problem
from support.keyed import NOW
from support.limited_key import (
    MARK,
    ROUTES,
    SEEN,
    Service,
    check_hidden,
    index_of,
    limited_services,
    requests,
)
from support.live_index import folder_of
from support.word_count_service import serving_of

REQUESTS = 600
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Service]]:
    with limited_services(tmp_path_factory.mktemp("views")) as both:
        yield both


def test_limited_key_gets_from_every_route_what_an_index_of_its_documents_would_say(
    services: tuple[Service, Service],
) -> None:
    asked = list(islice(requests(7), REQUESTS))
    assert {sent.route for sent in asked} == {*ROUTES}
    assert {200, 201, 403, 404, 422} <= {check_hidden(*services, sent) for sent in asked}


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
    services: tuple[Service, Service],
) -> None:
    client = services[0].client
    hidden, nothing = client.get("/documents/zebra.md"), client.get("/documents/nothing.md")
    check_problem(hidden, 404, "unknown_document")
    assert hidden.json()["detail"] == nothing.json()["detail"]


def test_limited_key_can_do_with_its_documents_whatever_another_can(tmp_path: Path) -> None:
    whole = folder_of(index_of(tmp_path, SEEN)).open()
    assert whole.limited is not None
    seen = whole.limited(lambda id: id in SEEN)
    assert seen.rerank is not None
    assert seen.support is not None and whole.support is not None
    passages = [seen.snapshot.passages[0]]
    assert seen.support("Blue bread.", passages) == whole.support("Blue bread.", passages)


def test_summary_for_models_lists_no_hidden_document(
    services: tuple[Service, Service],
) -> None:
    text = services[0].client.get("/llms.txt").text
    assert "apples.md" in text
    assert MARK not in text and "zebra" not in text
