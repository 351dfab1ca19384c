from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from rag.web.server import listen, server_of
from service import create_app
from support.word_count_service import GUIDE, serving_of

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt install chromium"
)

VECTORS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=http://192.0.2.1/pixel.png>",
    "<svg onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<math><mtext></table><mglyph><style><img src onerror=alert(1)>",
    "<style>@import 'http://192.0.2.1/x.css';</style>",
    "<base href=http://192.0.2.1/>",
    "<meta http-equiv=refresh content='0;url=http://192.0.2.1/'>",
    "<link rel=stylesheet href=http://192.0.2.1/x.css>",
    "[click](javascript:alert(1)) ![x](http://192.0.2.1/x.png)",
    "<form action=http://192.0.2.1/><input autofocus onfocus=alert(1)>",
)
WRAPPERS = ("{}", "\"'>{}", "</mark></blockquote>{}", "<!-- --!>{}")
PAYLOADS = [wrapper.format(vector) for wrapper in WRAPPERS for vector in VECTORS]
# Five passages, so that one question shows them all; the headings are payloads too.
HOSTILE = "\n\n".join(
    f"# {PAYLOADS[at]}\n\nhostile\n" + "\n".join(PAYLOADS[at : at + 12]) for at in range(0, 60, 12)
)
HOSTILE_ID = '"><img src=x onerror=alert(1)>.md'

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective));
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a real server answers over the fake corpus."""
    server = server_of(create_app(serving_of({"guide.md": GUIDE, HOSTILE_ID: HOSTILE})))
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"]
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test on an error, a dialog, a violation or a foreign request."""
    page = browser.new_page(base_url=address, viewport={"width": 360, "height": 740})
    seen: list[str] = []
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    page.on("console", lambda message: seen.append(f"console {message.text}"))
    page.on("dialog", lambda dialog: seen.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: foreign(request.url, address, seen))
    page.add_init_script(WATCH)
    yield page
    assert (seen, page.evaluate("violations")) == ([], [])
    page.close()


def foreign(url: str, address: str, seen: list[str]) -> None:
    """Notes a request that leaves the service."""
    if not url.startswith(f"{address}/"):
        seen.append(f"request {url}")


def span(text: str) -> str:
    """The fragment that cites this part of the guide."""
    start = GUIDE.index(text)
    return f"#c{start}-{start + len(text)}"


def test_keyboard_alone_asks_and_opens_and_closes_the_source(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    page.keyboard.type("adults pay")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("5 passages: answered.")
    assert page.url.endswith("/?q=adults%20pay")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("dialog mark")).to_have_text("Children travel free. 🎟 Adults pay 3 euros.")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    page.wait_for_url("**/?q=adults%20pay")
    expect(page.locator("article")).to_have_count(5)


def test_closing_the_source_does_not_ask_again(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.extend([request.url] * request.url.endswith("/ask")))
    page.goto("/?q=dogs travel")
    page.locator("article a").first.click()
    page.get_by_role("button", name="Close").click()
    page.wait_for_url("**/?q=dogs%20travel")
    expect(page.locator("article")).to_have_count(5)
    assert len(asked) == 1


def test_card_shows_heading_place_and_marked_sentence(page: Page) -> None:
    page.goto("/?q=adults pay")
    card = page.locator("article").first
    expect(card.locator("h2")).to_have_text("1Fares")
    expect(card.locator("mark")).to_have_text("🎟 Adults pay 3 euros.")
    expect(card).to_contain_text("guide.md, line 7")
    assert page.title() == "adults pay – Ask the documents"


@pytest.mark.parametrize("text", ["🎟", "汽车\n\nIntro", "Adults pay"])
def test_link_to_a_place_marks_exactly_its_characters(page: Page, text: str) -> None:
    page.goto(f"/?document=guide.md{span(text)}")
    expect(page.locator("dialog")).to_be_visible()
    assert "".join(page.locator("dialog mark").all_text_contents()) == text
    assert page.locator("#source-text").text_content() == GUIDE
    assert page.evaluate("document.activeElement.id") == "source-text"


def test_source_that_was_linked_to_closes_to_the_start(page: Page) -> None:
    page.goto("/?document=guide.md")
    expect(page.locator("dialog h2")).to_have_text("Title of guide.md")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("dialog")).to_be_hidden()
    page.wait_for_url("**/")


def test_faq_questions_are_offered_and_ask_on_a_click(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#about")).to_have_text("2 documents, 8 passages")
    expect(page.locator("#examples li")).to_have_text(["May I take a dog?"])
    page.get_by_role("link", name="May I take a dog?").click()
    expect(page.locator("article").first).to_contain_text("Dogs travel on a lead.")
    expect(page.locator("#examples")).to_be_hidden()
    page.go_back()
    expect(page.locator("#examples")).to_be_visible()
    expect(page.locator("article")).to_have_count(0)


def test_abstention_is_said_in_a_banner(page: Page) -> None:
    page.goto("/?q=zeppelin")
    expect(page.locator("#banner")).to_have_text(
        "The documents do not seem to answer this question. The nearest passages follow."
    )
    expect(page.locator("#status")).to_have_text("5 passages: not in these documents.")
    expect(page.locator("article mark")).to_have_count(0)


def test_hostile_documents_are_shown_as_text(page: Page) -> None:
    page.goto("/?q=hostile")
    expect(page.locator("article")).to_have_count(5)
    shown = "".join(page.locator("blockquote").all_text_contents())
    assert [payload for payload in PAYLOADS if payload not in shown] == []
    page.locator("article a").first.click()
    expect(page.locator("dialog p")).to_have_text(HOSTILE_ID)
    assert page.locator("#source-text").text_content() == HOSTILE
    page.wait_for_timeout(200)


def test_hostile_addresses_are_shown_as_text(page: Page) -> None:
    page.goto("/?q=<img src=x onerror=alert(1)>")
    expect(page.locator("#question")).to_have_value("<img src=x onerror=alert(1)>")
    page.goto("/?document=guide.md#c99-<script>alert(1)</script>")
    expect(page.locator("dialog")).to_be_visible()
    expect(page.locator("dialog mark")).to_have_count(0)


def test_nothing_is_wider_than_a_small_screen(page: Page) -> None:
    page.goto(f"/?q={'x' * 500}")
    expect(page.locator("article")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_refusals_are_told_in_words(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address)
    page.goto("/?q=%20")
    expect(page.locator("#banner")).to_have_text("Question: the question is empty.")
    page.goto("/?document=none.md")
    expect(page.locator("#banner")).to_have_text("No document has this id: see GET /documents.")
    page.route("**/ask", lambda route: route.abort())
    page.goto("/?q=dogs")
    expect(page.locator("#banner")).to_have_text(
        "The service does not answer. Is it still running?"
    )
    page.close()


def test_other_sites_cannot_read_the_documents(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address.replace("127.0.0.1", "localhost"))
    assert page.evaluate(f"fetch('{address}/documents').then(() => 'read', () => 'refused')") == (
        "refused"
    )
    page.close()
