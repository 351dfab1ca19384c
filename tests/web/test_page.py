from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from service import create_app
from support.browser import needs_browser, watched
from support.running import running
from support.word_count_service import GUIDE, serving_of

pytestmark = needs_browser

OTHER = "# Ferries\n\n" + "\n\n".join(f"Ferry {n}." for n in range(6)) + "\n"

# Selects a part of the source's text.
SELECT = """(part) => {
  const walker = document.createTreeWalker(document.getElementById("source-text"), 4);
  while (walker.nextNode()) {
    const at = walker.currentNode.data.indexOf(part);
    if (at >= 0) getSelection().setBaseAndExtent(
      walker.currentNode, at, walker.currentNode, at + part.length);
  }
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a real server answers over the fake corpus."""
    with running(create_app(serving_of({"guide.md": GUIDE, "other.md": OTHER}))) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with watched(browser, address) as page:
        yield page


def span(text: str) -> str:
    """The fragment that cites this part of the guide."""
    start = GUIDE.index(text)
    return f"#c{start}-{start + len(text)}"


def source_of(text: str) -> str:
    """The address that cites this part of the guide."""
    return f"/?document=guide.md{span(text)}"


def test_keyboard_alone_asks_and_opens_and_closes_the_source(page: Page) -> None:
    page.goto("/")
    page.locator("h1 a").focus()
    page.keyboard.press("/")
    page.keyboard.type("adults pay")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("8 passages: answered.")
    assert page.url.endswith("/?q=adults%20pay")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("mark.cited")).to_have_text("🎟 Adults pay 3 euros.")
    page.keyboard.press("Escape")
    expect(page.locator("#source")).to_be_hidden()
    page.wait_for_url("**/?q=adults%20pay")
    assert page.evaluate("document.activeElement.id") == "p1"


def test_closing_the_source_does_not_ask_again(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.extend([request.url] * request.url.endswith("/ask")))
    page.goto("/?q=dogs travel")
    page.locator("a.open").first.click()
    page.get_by_role("button", name="Close the source").click()
    page.wait_for_url("**/?q=dogs%20travel")
    expect(page.locator("#source")).to_be_hidden()
    assert len(asked) == 1


def test_a_click_right_after_asking_opens_the_source(browser: Browser, address: str) -> None:
    with watched(browser, address, viewport={"width": 1280, "height": 900}) as page:
        page.goto("/")
        page.locator("#question").fill("adults pay")
        page.keyboard.press("Enter")
        number = page.locator(".answer a").first
        number.wait_for()
        expect(page.locator("#keys")).to_be_visible()
        # As a hand does: the question loses the keys before the button comes up again.
        number.hover()
        page.mouse.down()
        expect(page.locator("#question")).not_to_be_focused()
        page.mouse.up()
        expect(page.locator("#source")).to_be_visible()


def test_answer_is_quoted_on_top_with_the_number_of_its_passage(page: Page) -> None:
    page.goto("/?q=adults pay")
    expect(page.locator(".answer h2")).to_contain_text("Answer")
    expect(page.locator(".answer blockquote")).to_have_text("🎟 Adults pay 3 euros.1")
    page.locator(".answer a.number").click()
    expect(page.locator("mark.cited")).to_have_text("🎟 Adults pay 3 euros.")
    expect(page.locator("article[data-open] h3")).to_have_text("1Fares")


def test_passage_shows_heading_place_and_marked_sentence(page: Page) -> None:
    page.goto("/?q=adults pay")
    card = page.locator("article").first
    expect(card.locator("h3")).to_have_text("1Fares")
    expect(card.locator("mark")).to_have_text("🎟 Adults pay 3 euros.")
    expect(card).to_contain_text("Title of guide.md · line 7")
    assert page.title() == "adults pay – Ask the documents"


def test_weaker_passages_are_folded(page: Page) -> None:
    page.goto("/?q=adults pay")
    expect(page.locator(".more summary").first).to_have_text("7 more")
    assert page.locator("article").filter(visible=True).count() == 1


@pytest.mark.parametrize("text", ["🎟", "汽车\n\nIntro", "Adults pay"])
def test_link_to_a_place_marks_exactly_its_characters(page: Page, text: str) -> None:
    page.goto(source_of(text))
    expect(page.locator("mark.cited").first).to_be_visible()
    shown = "".join(page.locator("mark.cited").all_text_contents())
    assert shown == "".join(text.split("\n\n"))
    assert page.evaluate("document.activeElement.id") == "source-text"


def test_link_says_if_the_text_has_changed(page: Page) -> None:
    old = f"sha={'0' * 64}"
    page.goto(f"/?document=guide.md&{old}&quote=Adults pay 3 euros.#c0-19")
    expect(page.locator("#source-note")).to_contain_text("the quote is shown where it is now")
    expect(page.locator("mark.cited")).to_have_text("Adults pay 3 euros.")
    page.goto(f"/?document=guide.md&{old}&quote=Adults pay 9 euros.#c0-19")
    expect(page.locator("#source-note")).to_contain_text("This text has changed")
    expect(page.locator("#source-note del")).to_contain_text("9")
    page.goto(f"/?document=guide.md&{old}#c0-19")
    expect(page.locator("#source-note")).to_contain_text("The document has changed")


def test_document_that_was_fetched_before_a_build_is_fetched_again(page: Page) -> None:
    old = {"id": "guide.md", "title": "Old", "sha256": "0" * 64, "sections": []}
    page.route(
        "**/documents/guide.md",
        lambda route: route.fulfill(json=old | {"text": f"Gone since. {GUIDE}"}),
        times=1,
    )
    page.goto(f"/?document=guide.md&quote=Adults pay 3 euros.{span('Adults pay 3 euros.')}")
    expect(page.locator("#source h2")).to_have_text("Title of guide.md")
    expect(page.locator("mark.cited")).to_have_text("Adults pay 3 euros.")


def test_selected_part_is_cited_with_its_own_lines(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(source_of("Adults pay 3 euros."))
    expect(page.locator("mark.cited")).to_have_text("Adults pay 3 euros.")
    part = "A: Dogs travel on a lead."
    page.evaluate(SELECT, part)
    page.locator("#source-tools").get_by_text("Cite", exact=True).click()
    page.get_by_role("button", name="Copy as JSON").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    line = 1 + GUIDE[: GUIDE.index(part)].count("\n")
    assert (copied["quote"], copied["line_start"], copied["line_end"]) == (part, line, line)


def test_link_to_the_question_takes_the_keys_there(page: Page) -> None:
    page.goto("/?q=travel free")
    expect(page.locator("#view article").first).to_be_attached()
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?q=travel%20free$"))


def test_source_that_was_linked_to_closes_to_the_start(page: Page) -> None:
    page.goto("/?document=guide.md")
    expect(page.locator("#source h2")).to_have_text("Title of guide.md")
    page.get_by_role("button", name="Close the source").click()
    expect(page.locator("#source")).to_be_hidden()
    page.wait_for_url("**/")


def test_previous_hit_moves_within_the_document_and_back_closes(page: Page) -> None:
    page.goto("/?q=travel free")
    page.locator("a.open").first.click()
    expect(page.locator(".hits")).to_contain_text("passage 3 of 3")
    page.keyboard.press("p")
    expect(page.locator(".hits")).to_contain_text("passage 2 of 3")
    page.go_back()
    expect(page.locator("#source")).to_be_hidden()


def test_faq_questions_are_offered_and_ask_on_a_click(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#about")).to_have_text("2 documents, 9 passages")
    expect(page.locator(".questions li")).to_have_text(["May I take a dog?"])
    page.get_by_role("link", name="May I take a dog?").click()
    expect(page.locator("article").first).to_contain_text("Dogs travel on a lead.")
    page.go_back()
    expect(page.get_by_label("Asked before").locator("li")).to_have_text(["May I take a dog?"])
    expect(page.locator("article")).to_have_count(0)


def test_abstention_folds_the_nearest_passages_and_offers_questions(page: Page) -> None:
    page.goto("/?q=zeppelin")
    expect(page.locator("#message")).to_have_text(
        "The documents do not seem to answer this question. The nearest passages follow."
    )
    expect(page.locator("#status")).to_have_text("8 passages: not in these documents.")
    expect(page.locator(".more > summary")).to_have_text("8 nearest passages")
    expect(page.locator("article mark")).to_have_count(0)
    expect(page.get_by_label("These documents do answer").locator("li")).to_have_count(1)


def test_a_filter_is_a_chip_that_can_be_removed(page: Page) -> None:
    page.goto("/?q=adults pay")
    page.locator("article").first.get_by_text("Narrow").click()
    page.get_by_role("link", name="Only this document").first.click()
    expect(page.locator("#filters li")).to_have_text(["In guide.md ×"])
    expect(page.locator("article")).to_have_count(3)
    page.locator("#filters a").click()
    expect(page.locator("#filters li")).to_have_count(0)


def test_documents_are_listed_with_their_outline(page: Page) -> None:
    page.goto("/?documents")
    expect(page.locator(".documents h3")).to_have_count(2)
    page.locator("#find").fill("title of guide")
    expect(page.locator(".documents > li").filter(visible=True)).to_have_count(1)
    page.locator(".documents > li").filter(visible=True).get_by_text("Outline").click()
    page.get_by_role("link", name="May I take a dog?").click()
    expect(page.locator("mark.cited")).to_have_text("Q: May I take a dog?")


def test_a_question_that_is_too_long_is_not_asked(page: Page) -> None:
    page.goto("/")
    page.locator("#question").fill("x" * 2001)
    expect(page.locator("#limit")).to_have_text("2,001 of 2,000 characters")
    page.keyboard.press("Enter")
    assert page.url.endswith("/")


@pytest.mark.parametrize("address_of_state", ["/", f"/?q={'x' * 500}", "/?documents"])
def test_nothing_is_wider_than_a_small_screen(page: Page, address_of_state: str) -> None:
    page.goto(address_of_state)
    expect(page.locator("#view > *").first).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_menu_is_not_wider_than_a_small_screen(page: Page) -> None:
    page.goto("/?q=adults pay")
    for summary in page.locator("details.menu summary:visible").all():
        summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_refusals_are_told_in_words(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address)
    page.goto("/?q=%20")
    expect(page.locator("#banner")).to_have_text("Question: the question is empty.")
    page.goto("/?document=none.md")
    expect(page.locator("#source-note")).to_have_text("This document is not in the index any more.")
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
