"""The view of the index: builds, the gate and rollback, in a real browser and with real builds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from rag.encoders.open import open_encoder
from rag.serving.jobs import Command, build_command
from rag.serving.live import IndexFolder
from rag.serving.upkeep import Upkeep
from rag.store.disk import Files
from rag.store.publish import publish, writing
from service import create_app
from support.browser import needs_browser, picture, watched
from support.builds import build_snapshot
from support.file_trees import write
from support.live_index import app_of, script
from support.pdf_files import pdf, text
from support.running import running
from support.snapshots import FIRST, published

pytestmark = needs_browser

WAIT = """
import json, time
print(json.dumps({"event": "progress", "what": "encoding", "done": 3, "total": 8}), flush=True)
time.sleep(60)
"""
# Drops a file on the page, as a hand would.
DROP = """(zone) => {
  const carried = new DataTransfer();
  carried.items.add(new File(["# Dropped\\n\\nPlums are blue."], "dropped.md"));
  for (const name of ["dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(name, { dataTransfer: carried, cancelable: true }));
  }
}"""


def app(index: Path, corpus: Path) -> object:
    """A service with the bundled model that builds for real."""
    encoder = open_encoder("bundled", "onnx", 1)
    with writing(index):
        publish(index, build_snapshot([corpus], encoder), encoder, Files())
    folder = IndexFolder(index, lambda: encoder)
    command: Command = build_command(index, (corpus,))
    return create_app(upkeep=Upkeep(folder, command, (corpus,), "127.0.0.1", 0.05))


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    for name in "abcde":
        write(tmp_path / "corpus" / f"{name}.md", f"# Fruit {name}\n\nFruit {name} is sweet.\n")
    service = app(tmp_path / "index", tmp_path / "corpus")
    with (
        running(service) as address,
        watched(browser, address, viewport={"width": 1280, "height": 900}) as page,
    ):
        yield page


def test_dropped_files_are_built_past_the_gate_and_rolled_back(page: Page) -> None:
    page.goto("/?index")
    expect(page.locator(".facts")).to_contain_text("5 documents")
    page.set_input_files(
        "#files", {"name": "b.pdf", "mimeType": "application/pdf", "buffer": pdf(text("Pears."))}
    )
    page.locator(".drop").evaluate(DROP)
    chosen = page.get_by_label("Chosen files").locator("li")
    expect(chosen).to_have_count(2)
    page.get_by_role("button", name="Build from the files").click()
    job = page.locator("#job")
    expect(job).to_have_attribute("data-ended", "failed", timeout=60_000)
    expect(job).to_contain_text("No new index")
    expect(job).to_contain_text("overrule the gate")
    picture(page, "gate")
    expect(chosen).to_have_count(2)
    page.get_by_label("Publish even if").check()
    page.get_by_role("button", name="Build from the files").click()
    expect(page.locator("#job")).to_have_attribute("data-ended", "done", timeout=60_000)
    expect(page.locator("#job")).to_contain_text("published by force")
    page.get_by_role("button", name="Show the new index").click()
    expect(page.locator("#about")).to_have_text("2 documents, 2 passages")
    page.get_by_role("button", name="live again").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("live again?")
    assert Axe().run(page).response["violations"] == []
    picture(page, "rollback")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="live again")).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Make it live").click()
    expect(page.locator("#about")).to_have_text("5 documents, 5 passages")


def test_a_build_shows_its_progress_and_can_be_cancelled(browser: Browser, tmp_path: Path) -> None:
    published(tmp_path / "index", FIRST)
    write(tmp_path / "corpus" / "a.md", "A.\n")
    service = app_of(tmp_path / "index", script(WAIT), roots=((tmp_path / "corpus").resolve(),))
    with running(service) as address, watched(browser, address) as page:
        page.goto("/?index")
        page.get_by_label("From a folder").fill(str(tmp_path / "corpus"))
        page.keyboard.press("Enter")
        expect(page.locator("#job")).to_contain_text("3 of 8 passages encoded")
        assert page.locator("#job progress").evaluate("(bar) => bar.value / bar.max") == 3 / 8
        # The address is a link to the build.
        page.reload()
        expect(page.locator("#job")).to_contain_text("3 of 8 passages encoded")
        page.get_by_role("button", name="Cancel the build").click()
        expect(page.locator("#job")).to_contain_text("The build was cancelled")
        picture(page, "cancelled")


def test_what_a_service_refuses_is_told(browser: Browser, tmp_path: Path) -> None:
    published(tmp_path / "index", FIRST)
    with running(app_of(tmp_path / "index")) as address:
        page = browser.new_page(base_url=address)
        page.goto("/?index")
        # A folder that is proposed may not be the one that the index was built from.
        expect(page.get_by_label("From a folder")).to_have_value("")
        page.get_by_label("From a folder").fill("/etc")
        page.get_by_role("button", name="Build from it").click()
        expect(page.get_by_role("alert").filter(visible=True)).to_contain_text(
            "The service may not read this path: start it again with the folder in RAG_ROOTS"
        )
        page.close()
