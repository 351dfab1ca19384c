"""The page over a folder of many formats, with the bundled model, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from rag.encoders.open import open_encoder
from rag.serving.live import IndexFolder
from rag.serving.upkeep import Upkeep
from rag.store.disk import Files
from rag.store.publish import publish, writing
from service import create_app
from support.browser import needs_browser, picture, watched
from support.builds import build_snapshot
from support.live_index import IDLE
from support.mixed_folder import write_mixed
from support.running import running

pytestmark = needs_browser

GAUGE = "/?q=Where does the tide gauge stand?"
# What is looked at, and what is there once it is shown.
STATES = {
    "start": ("/", ".questions li"),
    "answer": ("/?q=When does the harbour office open?", ".answer.answered"),
    "abstention": ("/?q=Who painted the Mona Lisa?", ".answer.not_found"),
    "filters": (f"{GAUGE}&type=pdf&folder=reports", "#filters li"),
    "documents": ("/?documents", ".documents li"),
    "index": ("/?index", ".part[aria-label=Versions]"),
    "source": (f"{GAUGE}&document=guide.md#c10-40", "#source-text h3"),
    "page": (f"{GAUGE}&document=reports/tides.pdf&page=2", ".sheet img"),
    "reference": ("/docs", ".api h2"),
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service over the folder, whose index has a version before."""
    folder = tmp_path_factory.mktemp("formats")
    corpus = write_mixed(folder / "corpus")
    encoder = open_encoder("bundled", "onnx", 1)
    for path in (corpus / "guide.md", corpus):
        with writing(folder / "index"):
            publish(folder / "index", build_snapshot([path], encoder), encoder, Files())
    upkeep = Upkeep(
        IndexFolder(folder / "index", lambda: encoder),
        lambda path, wanted: IDLE,
        (),
        results=folder / "results",
    )
    with running(create_app(upkeep=upkeep)) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with watched(browser, address, viewport={"width": 1280, "height": 800}) as page:
        yield page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_state_has_a_violation_of_accessibility(
    browser: Browser, address: str, theme: str
) -> None:
    axe = Axe()
    size = {"light": {"width": 390, "height": 844}, "dark": {"width": 1440, "height": 900}}[theme]
    found = []
    with watched(
        browser, address, viewport=size, color_scheme=theme, reduced_motion="reduce"
    ) as page:
        page.route("**/index/evaluation", lambda route: route.fulfill(json=EVALUATION))
        for name, (path, shown) in STATES.items():
            page.goto(path)
            expect(page.locator(shown).first).to_be_visible()
            picture(page, f"{name}-{theme}")
            found += [
                (name, each["id"], [node["target"] for node in each["nodes"]])
                for each in axe.run(page).response["violations"]
            ]
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert found == []


FIGURE = {"mean": 0.5, "low": 0.25, "high": 0.75, "n": 4}
EVALUATION = {
    "name": "harbour",
    "facts": {"commit": "0" * 40, "command": "rag eval run", "corpus_sha256": "0" * 64},
    "groups": [
        {
            "name": "faq",
            "title": "FAQ questions",
            "note": "The documents must answer.",
            "rows": [{"system": "all", "title": "as served", "figures": {"nDCG@10": FIGURE}}],
        }
    ],
    "is_current": False,
}


def test_a_pdf_is_shown_as_its_page_with_the_quote_marked(page: Page) -> None:
    page.goto(GAUGE)
    expect(page.locator(".answer blockquote")).to_have_text(
        "The tide gauge stands beside the old lock gate.1"
    )
    page.locator("a.open").first.click()
    expect(page.locator("mark.cited")).to_have_text(
        "The tide gauge stands beside the old lock gate."
    )
    page.locator("#to-page").click()
    expect(page.locator(".turns")).to_contain_text("page 2 of 2")
    expect(page.locator(".sheet rect.cited")).to_have_count(2)
    expect(page.locator(".sheet img")).to_have_js_property("naturalWidth", 1200, timeout=20_000)
    # The first line of the quote is over its words: 72 points from the left, 780 from below.
    box = page.locator(".sheet rect.cited").first.bounding_box()
    sheet = page.locator(".sheet").bounding_box()
    assert box is not None and sheet is not None
    scale = sheet["width"] / 595.3
    assert abs((box["x"] - sheet["x"]) / scale - 72) < 3
    assert abs((box["y"] - sheet["y"]) / scale - (841.9 - 780 - 9)) < 5
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".turns")).to_contain_text("page 1 of 2")
    expect(page).to_have_url(re.compile("page=1"))
    expect(page.locator(".sheet rect.cited")).to_have_count(0)
    page.locator("#to-text").click()
    expect(page.locator("mark.cited")).to_be_visible()


@pytest.mark.parametrize(
    ("question", "quoted", "source"),
    [
        ("How much does a yacht pay?", "19 euros", "guide.md"),
        ("When was the lighthouse built?", "The lighthouse was built in 1887", "lighthouse.html"),
        ("How many tonnes of herring were caught?", "812", "reports/catch.xlsx"),
        ("What did the ferry Marianne lose?", "lost her anchor", "reports/log.docx"),
    ],
)
def test_an_answer_of_each_format_opens_at_its_source(
    page: Page, question: str, quoted: str, source: str
) -> None:
    page.goto(f"/?q={question}")
    expect(page.locator(".answer blockquote").first).to_contain_text(quoted)
    page.locator(".answer a.number").first.click()
    expect(page.locator("#source-place")).to_contain_text(source)
    expect(page.locator("#source-text mark.cited").first).to_be_visible()


def test_the_notice_of_a_document_is_shown_with_its_answers_alone(page: Page) -> None:
    page.goto("/?q=How much does a yacht pay?")
    expect(page.locator(".answer .notice")).to_have_text("Ask the harbour master before you sail.")
    page.goto(GAUGE)
    expect(page.locator(".answer blockquote")).to_be_visible()
    expect(page.locator(".answer .notice")).to_have_count(0)


def test_filters_are_chosen_in_a_form_and_removed_as_chips(page: Page) -> None:
    page.goto("/?q=harbour")
    page.locator("#filter").click()
    page.locator("#filter-folder").select_option("reports")
    page.locator("#filter-type").select_option("pdf")
    page.get_by_role("button", name="Apply").click()
    chips = page.locator("#filters li")
    expect(chips).to_have_text(["In the folder reports ×", "Type pdf ×"])
    expect(page).to_have_url(re.compile(r"q=harbour&type=pdf&folder=reports$"))
    expect(page.locator("article p.quiet").first).to_contain_text("Tide tables")
    page.get_by_role("link", name="Type pdf").click()
    expect(chips).to_have_text(["In the folder reports ×"])
    page.locator("#filter").click()
    page.locator("#filter-since").fill("2026-03-01")
    page.locator("#filter-folder").select_option("")
    page.get_by_role("button", name="Apply").click()
    expect(chips).to_have_text(["Since 2026-03-01 ×"])
    expect(page.locator("article p.quiet").first).to_contain_text("Harbour guide")


def test_a_citation_is_copied_as_bibtex(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(GAUGE)
    page.locator("article").first.get_by_text("Cite", exact=True).click()
    page.get_by_role("button", name="Copy as BibTeX").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("@misc{reports-tides-pdf-")
    assert "\n  title = {Tide tables},\n" in copied
    assert "\n  note = {page 2},\n" in copied


def test_feedback_is_asked_for_and_sent_if_the_service_keeps_it(page: Page) -> None:
    sent = []
    page.route(
        "**/page.json",
        lambda route: route.fulfill(json={"feedback": True, "upload": {"endings": [], "bytes": 0}}),
    )
    page.route(
        "**/feedback",
        lambda route: (sent.append(route.request.post_data_json), route.fulfill(json={}))[1],
    )
    page.goto(GAUGE)
    page.get_by_role("button", name="Wrong").click()
    page.get_by_label("What should the answer say?").fill("Beside the pier.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".feedback")).to_have_text("Thank you: noted.")
    assert [(each["verdict"], each["comment"]) for each in sent] == [("wrong", "Beside the pier.")]
    assert sent[0]["question"] == "Where does the tide gauge stand?"
