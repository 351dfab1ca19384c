"""Pages of a running service in headless Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt install chromium")
PHONE = {"width": 360, "height": 740}
# Where the screenshots of the states go; none are taken if it is not set.
SCREENSHOTS = os.environ.get("RAG_SCREENSHOTS")

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective));
"""


@contextmanager
def watched(browser: Browser, address: str, **options: Any) -> Iterator[Page]:
    """A page that fails the test on an error, a dialog, a violation or a foreign request."""
    page = browser.new_page(base_url=address, **{"viewport": PHONE, **options})
    seen: list[str] = []
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    page.on("console", lambda message: seen.append(f"console {message.text}"))
    page.on("dialog", lambda dialog: seen.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: _foreign(request.url, address, seen))
    page.add_init_script(WATCH)
    yield page
    assert (seen, page.evaluate("violations")) == ([], [])
    page.close()


def picture(page: Page, name: str) -> None:
    """Keeps a screenshot if `SCREENSHOTS` says where."""
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


def _foreign(url: str, address: str, seen: list[str]) -> None:
    """Notes a request that leaves the service."""
    if not url.startswith(f"{address}/"):
        seen.append(f"request {url}")
