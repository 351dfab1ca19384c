"""What a language model writes, on the page, in a real browser and with a real endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from rag.encoders.open import open_encoder
from rag.serving.endpoint import Endpoint
from rag.serving.live import IndexFolder
from rag.serving.upkeep import Upkeep
from rag.store.disk import Files
from rag.store.publish import publish, writing
from service import create_app
from support.browser import needs_browser, picture, watched
from support.builds import build_snapshot
from support.chat_endpoint import Chat, Reply, chatting, event, goes_on, refuses, sends, writes
from support.file_trees import write
from support.live_index import IDLE
from support.running import running

pytestmark = needs_browser

TEXT = """# Ferries

## Fares

Adults pay 30 euros for the crossing. Children pay half.

## Dogs

Dogs travel free on a lead.
"""
ASK = "/?q=What do adults pay for the crossing?"
WROTE = "Adults pay 30 euros for the crossing [1]. Adults pay 90 euros [1]. It is <b>cheap</b>."
# A page of a service whose endpoint replies so, and the endpoint's side.
Opened = Callable[..., AbstractContextManager[tuple[Page, Chat]]]


@pytest.fixture(scope="module")
def upkeep(tmp_path_factory: pytest.TempPathFactory) -> Upkeep:
    folder = tmp_path_factory.mktemp("written")
    write(folder / "corpus" / "ferries.md", TEXT)
    encoder = open_encoder("bundled", "onnx", 1)
    with writing(folder / "index"):
        built = build_snapshot([folder / "corpus"], encoder)
        publish(folder / "index", built, encoder, Files())
    return Upkeep(IndexFolder(folder / "index", lambda: encoder), lambda *_: IDLE, ())


@pytest.fixture
def opened(browser: Browser, upkeep: Upkeep) -> Opened:
    @contextmanager
    def open(reply: Reply, **options: Any) -> Iterator[tuple[Page, Chat]]:
        with chatting(reply) as chat:
            app = create_app(
                upkeep=upkeep, endpoint=Endpoint(f"{chat.url}/chat/completions", "small")
            )
            with running(app) as address, watched(browser, address, **options) as page:
                yield page, chat

    return open


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_written_answer_is_set_apart_cited_and_accessible(opened: Opened, theme: Any) -> None:
    sizes = {"light": {"width": 390, "height": 844}, "dark": {"width": 1440, "height": 900}}
    with opened(writes(WROTE), color_scheme=theme, viewport=sizes[theme]) as (page, _):
        page.goto(ASK)
        written = page.locator(".written")
        expect(written.get_by_role("heading")).to_contain_text("by a language model, not quoted")
        expect(written.get_by_role("status")).to_contain_text("2 of 3 sentences are not supported")
        expect(written.locator(".sentences > span")).to_have_text(
            [
                "Adults pay 30 euros for the crossing.1",
                "Adults pay 90 euros.1 not supported: its passage does not say so: pay 90",
                "It is <b>cheap</b>. not supported: cites no passage",
            ]
        )
        expect(written.locator(".unsupported")).to_have_count(2)
        below = written.locator("xpath=following-sibling::section[contains(@class, 'answer')]")
        expect(below.locator("blockquote").first).to_contain_text("30 euros for the crossing.")
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= sizes[theme]["width"]
        picture(page, f"written-{theme}")
        written.locator("a.number").first.click()
        expect(page.locator("mark.cited")).to_have_text("Adults pay 30 euros for the crossing.")
        page.get_by_role("button", name="Close the source").click()
        expect(written.locator(".sentences > span")).to_have_count(3)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refuses(401), "No answer was written: the endpoint refuses the key: check RAG_GENERATE"),
        (sends(event("Half a sentence")), "No answer was written: the endpoint"),
        (
            sends(event("Adults pay 30 euros [1]. Children")),
            "The written answer breaks off: the endpoint",
        ),
    ],
)
def test_a_failure_is_told_and_the_quotes_are_there(
    opened: Opened, reply: Reply, said: str
) -> None:
    with opened(reply) as (page, _):
        page.goto(ASK)
        banner = page.locator(".written .banner")
        expect(banner).to_contain_text(said)
        expect(banner).to_contain_text("The quotes below are from the documents.")
        expect(page.locator(".answer blockquote").first).to_contain_text("30 euros")
        assert Axe().run(page).response["violations"] == []
        picture(page, f"written-{said[:7].lower().strip()}")


def test_a_response_that_the_service_ends_early_is_told(opened: Opened) -> None:
    with opened(writes(WROTE)) as (page, _):
        page.goto(ASK)
        expect(page.locator(".written .unsupported")).to_have_count(2)
        version = page.evaluate("fetch('/index').then((r) => r.json()).then((found) => found.id)")
        answer = f'event: answer\ndata: {{"index": {{"version": "{version}"}}}}\n\n'

        def cut(route: Any) -> None:
            if route.request.post_data_json.get("generate"):
                route.fulfill(body=answer, content_type="text/event-stream")
            else:
                route.continue_()

        page.route("**/ask", cut)
        page.get_by_role("button", name="Ask").click()
        expect(page.locator(".written .banner")).to_contain_text("the service has ended the resp")
        answer = answer.replace(version, "0" * 12)
        page.get_by_role("button", name="Ask").click()
        expect(page.locator(".written .banner")).to_contain_text("have been indexed again")


def test_a_model_that_declines_is_told(opened: Opened) -> None:
    with opened(writes("NOT FOUND")) as (page, _):
        page.goto(ASK)
        expect(page.locator(".written")).to_contain_text("The model finds no answer")
        expect(page.locator(".written .sentences")).to_have_count(0)


def test_nothing_is_written_if_the_documents_do_not_answer(opened: Opened) -> None:
    with opened(writes("Paris [1].")) as (page, chat):
        page.goto("/?q=What is the capital of France?")
        expect(page.locator(".answer.not_found")).to_be_visible()
        expect(page.get_by_role("button", name="Written answer")).to_be_visible()
        expect(page.locator(".written")).to_have_count(0)
        assert chat.asked == []


def test_it_is_switched_off_for_this_browser_and_on_again(opened: Opened) -> None:
    with opened(writes(WROTE)) as (page, chat):
        page.goto(ASK)
        switch = page.get_by_role("button", name="Written answer")
        expect(switch).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".written .unsupported")).to_have_count(2)
        switch.click()
        expect(page.locator(".written")).to_have_count(0)
        page.reload()
        expect(page.locator(".answer blockquote").first).to_be_visible()
        expect(switch).to_have_attribute("aria-pressed", "false")
        assert len(chat.asked) == 1
        switch.click()
        expect(page.locator(".written .unsupported")).to_have_count(2)
        assert len(chat.asked) == 2


def test_what_was_written_is_not_asked_for_again_when_the_raw_text_is_shown(
    opened: Opened,
) -> None:
    with opened(writes(WROTE)) as (page, chat):
        page.goto(ASK)
        expect(page.locator(".written .unsupported")).to_have_count(2)
        page.get_by_role("button", name="Raw text").click()
        expect(page.locator(".raw").first).to_be_visible()
        expect(page.locator(".written .unsupported")).to_have_count(2)
        assert len(chat.asked) == 1


def test_leaving_the_answer_ends_the_request_to_the_endpoint(opened: Opened) -> None:
    with opened(goes_on) as (page, chat):
        page.goto(ASK)
        expect(page.locator(".written .sentences > span").first).to_be_visible()
        page.get_by_role("link", name="Documents", exact=True).click()
        expect(page.locator(".documents h3")).to_have_count(1)
        assert chat.left.wait(10)


def test_a_service_without_an_endpoint_offers_none(browser: Browser, upkeep: Upkeep) -> None:
    with running(create_app(upkeep=upkeep)) as address, watched(browser, address) as page:
        asked: list[Any] = []
        page.on("request", lambda request: asked.append(request.post_data_json))
        page.goto(ASK)
        expect(page.locator(".answer blockquote").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        expect(page.get_by_role("button", name="Written answer")).to_have_count(0)
        assert not any(body and body.get("generate") for body in asked)
