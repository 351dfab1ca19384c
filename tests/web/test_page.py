from __future__ import annotations

import json
import re
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

NOTICE = (
    "---\nnotice: Ask a <b>doctor</b>.\n---\n\n# Doses\n\nEat first. Two tablets after supper.\n"
)

# Each kind of block, and characters of two UTF-16 units.
MARKUP = """# 🚂 Fares & *rules*

Pay **3 euros** by `card`, see [terms](https://example.org/a) and [bad](javascript:alert(1)).

- One
  1. Two

| Who | Price |
| --- | --- |
| Adults 👩 | 3 |

> Said.

```
# code **as it is**
```
"""

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective));
"""


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
    texts = {"guide.md": GUIDE, HOSTILE_ID: HOSTILE, "notice.md": NOTICE}
    server = server_of(create_app(serving_of(texts)))
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


def test_answer_is_quoted_on_top_with_the_number_of_its_passage(page: Page) -> None:
    page.goto("/?q=adults pay")
    expect(page.locator(".answer h2")).to_contain_text("Answer")
    expect(page.locator(".answer blockquote")).to_have_text("🎟 Adults pay 3 euros.1")
    page.locator(".answer a.number").click()
    expect(page.locator("mark.cited")).to_have_text("🎟 Adults pay 3 euros.")
    expect(page.locator("article[data-open] h3")).to_have_text("1Fares")


def test_the_notice_of_a_document_is_shown_with_its_answers_alone(page: Page) -> None:
    page.goto("/?q=tablets after supper")
    expect(page.locator(".answer blockquote")).to_have_text("Two tablets after supper.1")
    expect(page.locator(".answer .notice")).to_have_text("Ask a <b>doctor</b>.")
    page.goto("/?q=adults pay")
    expect(page.locator(".answer blockquote")).to_have_text("🎟 Adults pay 3 euros.1")
    expect(page.locator(".answer .notice")).to_have_count(0)


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


def test_every_node_shows_the_characters_at_its_offsets(page: Page) -> None:
    page.goto("/")
    faults = page.evaluate(
        """async (text) => {
          const { Text, render, placeOf } = await import("/text.js");
          const points = Array.from(text);
          return ["a.md", "a.pdf", "a.txt"].flatMap((id) => [false, true].flatMap((raw) => {
            const root = document.createElement("div");
            root.append(...render(new Text(id, text, 0, []), { raw }));
            const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
            const wrong = [];
            let last = 0;
            while (walker.nextNode()) {
              const { start, end } = placeOf(walker.currentNode);
              const said = points.slice(start, end).join("");
              if (said !== walker.currentNode.data || start < last) wrong.push([id, said]);
              last = end;
            }
            return last === 0 ? [id] : wrong;
          }));
        }""",
        MARKUP,
    )
    assert faults == []


def test_markdown_is_shown_as_a_document(page: Page) -> None:
    page.goto("/")
    shown = page.evaluate(
        """async (text) => {
          const { Text, render } = await import("/text.js");
          const root = document.createElement("div");
          root.append(...render(new Text("a.md", text, 0, [])));
          return root.innerHTML;
        }""",
        MARKUP,
    )
    assert shown == (
        '<h3 class="level1">🚂 Fares &amp; <em>rules</em></h3>'
        "<p>Pay <strong>3 euros</strong> by <code>card</code>, see "
        '<a href="https://example.org/a" title="https://example.org/a" rel="noopener noreferrer" '
        'target="_blank">terms</a> and [bad](javascript:alert(1)).</p>'
        '<ul><li><p>One</p><ol><li value="1"><p>Two</p></li></ol></li></ul>'
        '<div class="table" tabindex="0" role="group" aria-label="Table"><table>'
        '<thead><tr><th scope="col">Who</th><th scope="col">Price</th>'
        "</tr></thead><tbody><tr><td>Adults 👩</td><td>3</td></tr></tbody></table></div>"
        "<blockquote><p>Said.</p></blockquote><pre># code **as it is**</pre>"
    )


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


def test_trees_of_many_blocks_and_of_long_blank_lines_are_made_in_time(page: Page) -> None:
    page.goto("/")
    made = page.evaluate(
        """async () => {
          const { draftTree } = await import("/drafts.js");
          const { markdownTree } = await import("/markdown.js");
          const { put } = await import("/dom.js");
          const blank = `a\\n${" ".repeat(100000)}\\nb`;
          const lists = "- a\\n1. b\\n".repeat(70000);
          const rows = "a | b\\n".repeat(140000);
          return [
            draftTree({ text: blank, sections: [] }).length,
            markdownTree({ text: lists, sections: [] }).length,
            draftTree({ text: rows, sections: [] })[0].children.at(-1).children.length,
            put(document.createElement("p"), Array(140000).fill("a")).childNodes.length,
          ];
        }"""
    )
    assert made == [2, 140_000, 139_999, 140_000]


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
    expect(page.locator("#about")).to_have_text("3 documents, 10 passages")
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
    expect(page.locator(".documents h3")).to_have_count(3)
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


def test_hostile_documents_are_shown_as_text(page: Page) -> None:
    page.goto("/?q=hostile")
    expect(page.locator("article")).to_have_count(8)
    page.evaluate("document.querySelectorAll('details.more').forEach((each) => each.open = true)")
    page.locator("a.open").first.click()
    expect(page.locator("#source-place")).to_contain_text(HOSTILE_ID)
    page.get_by_role("button", name="Close the source").click()
    page.get_by_role("button", name="Raw text").click()
    shown = "".join(page.locator("article .text").all_text_contents())
    assert [payload for payload in PAYLOADS if payload not in shown] == []
    page.locator("a.open").first.click()
    expect(page.locator("#source-text")).to_have_text(HOSTILE, use_inner_text=False)
    page.goto("/?documents")
    expect(page.locator(".documents")).to_contain_text(HOSTILE_ID)
    page.wait_for_timeout(200)


def test_hostile_addresses_are_shown_as_text(page: Page) -> None:
    page.goto("/?q=<img src=x onerror=alert(1)>")
    expect(page.locator("#question")).to_have_value("<img src=x onerror=alert(1)>")
    page.goto("/?document=guide.md#c99-<script>alert(1)</script>")
    expect(page.locator("#source")).to_be_visible()
    expect(page.locator("mark.cited")).to_have_count(0)


@pytest.mark.parametrize("address_of_state", ["/", f"/?q={'x' * 500}", "/?documents"])
def test_nothing_is_wider_than_a_small_screen(page: Page, address_of_state: str) -> None:
    page.goto(address_of_state)
    expect(page.locator("#view > *").first).to_be_attached()
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
