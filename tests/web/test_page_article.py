"""The quick start on the shipped article, as docs/quick-start.md tells it, and its picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from rag.building import origin_of, rebuild
from rag.encoders import open_encoder
from rag.serving import upkeep_of
from rag.types.settings import Settings
from service import create_app
from support.browser import SCREENSHOTS, needs_browser, watched
from support.places import ROOT
from support.running import running

pytestmark = needs_browser

WIDE = {"width": 1200, "height": 700}
CORPUS = ROOT / "corpus"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a real server answers over the shipped article."""
    index = tmp_path_factory.mktemp("article") / "index"
    rebuild(
        index, origin_of(index, [CORPUS], CORPUS, no_faq=False), open_encoder("bundled", "onnx", 1)
    )
    with running(create_app(upkeep=upkeep_of(Settings(index=index, corpus=CORPUS)))) as address:
        yield address


def test_from_the_first_page_to_a_checked_citation(browser: Browser, address: str) -> None:
    with watched(browser, address, viewport=WIDE, reduced_motion="reduce") as page:
        page.goto("/")
        page.locator("#question").fill(
            "What did they say of the safety of CAR T cells, and of their side effects?"
        )
        page.keyboard.press("Enter")
        expect(page.locator("#view blockquote").first).to_be_visible()
        expect(page.locator("#view .notice")).to_contain_text("no medical advice")
        page.locator("#view blockquote a").first.click()
        expect(page.locator("#source-text mark").first).to_be_visible()
        # The field shows all of its text, though it is narrower now.
        field = page.locator("#question")
        assert field.evaluate("e => e.scrollHeight <= e.clientHeight")
        if SCREENSHOTS:
            page.screenshot(path=Path(SCREENSHOTS) / "quick-start.png")
        page.reload()
        expect(page.locator("#source-text mark").first).to_be_visible()
        expect(page.locator("#source")).not_to_contain_text("has changed")
