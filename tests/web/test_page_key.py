"""The page of a service with keys, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from rag.serving.live import Serving
from support.browser import needs_browser
from support.keyed import keyed_app, keyed_in
from support.running import running

pytestmark = needs_browser


@pytest.mark.parametrize("address_of_state", ["/?q=adults pay", "/?documents"])
def test_the_key_is_asked_for_once_and_then_what_was_asked_is_shown(
    browser: Browser, serving: Serving, tmp_path: Path, address_of_state: str
) -> None:
    keyed = keyed_in(tmp_path)
    with running(keyed_app(serving, keyed, tmp_path)) as address:
        context = browser.new_context(base_url=address)
        page = context.new_page()
        page.goto(address_of_state)
        page.get_by_label("Your key").fill(keyed.tokens["wrong"])
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("This key is not valid, or no longer.")
        page.get_by_label("Your key").fill(keyed.tokens["read"])
        page.keyboard.press("Enter")
        expect(page.locator("#view article, .documents li").first).to_be_visible()
        page.reload()
        expect(page.locator("#view article, .documents li").first).to_be_visible()
        expect(page.get_by_label("Your key")).to_have_count(0)
        context.close()
