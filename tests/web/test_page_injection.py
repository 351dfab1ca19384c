"""Documents, names and addresses that hold scripts are shown as text, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import docx
import pytest
from playwright.sync_api import Browser, Page, expect

from rag.store.publish import publish, writing
from rag.store.readback import in_process
from support.browser import needs_browser, watched
from support.builds import build_snapshot
from support.live_index import app_of
from support.pdf_files import pdf, text
from support.running import running
from support.snapshots import ENCODER

pytestmark = needs_browser

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


def markdown() -> str:
    """Each payload as heading, text, link, cell, item and code."""
    return "".join(
        f"# {each}\n\nhostile {each}\n\n[{each}]({each}) [name](<{each}>)\n\n"
        f"| {each} |\n| --- |\n| {each} |\n\n- {each}\n\n`{each}`\n\n"
        for each in PAYLOADS
    )


def records() -> str:
    """Each payload as id, title and text of a document."""
    return "".join(
        json.dumps({"_id": each, "title": each, "text": f"hostile {each}"}) + "\n"
        for each in PAYLOADS
    )


def write_word(path: Path) -> None:
    """Each payload as heading, text and cell of a Word file."""
    document = docx.Document()
    table = document.add_table(rows=0, cols=2)
    for each in PAYLOADS:
        document.add_heading(each, 1)
        document.add_paragraph(each)
        for cell in table.add_row().cells:
            cell.text = each
    document.save(str(path))


def name_of(payload: str) -> str:
    """The payload as a file name can hold it."""
    return payload.replace("/", "\u2044")


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of a service over them: as names, ids, titles, headings, cells, links and texts."""
    folder = tmp_path_factory.mktemp("hostile")
    corpus: Path = folder / "corpus"
    corpus.mkdir()
    for payload in PAYLOADS:
        (corpus / f"{name_of(payload)}.md").write_text("Named.\n")
    (corpus / "corpus.jsonl").write_text(records())
    (corpus / "all.md").write_text(markdown())
    write_word(corpus / "all.docx")
    (corpus / f"{name_of(PAYLOADS[1])}.pdf").write_bytes(pdf(text(*PAYLOADS), title=PAYLOADS[1]))
    (corpus / f"{name_of(PAYLOADS[1])} cut.pdf").write_bytes(b"%PDF-1.4 cut off")
    with writing(folder / "index"):
        publish(folder / "index", build_snapshot([corpus], ENCODER), ENCODER, verify=in_process)
    with running(app_of(folder / "index")) as address, watched(browser, address) as page:
        yield page


def missing(shown: list[str], payloads: list[str] = PAYLOADS) -> list[str]:
    """The payloads that no shown text holds."""
    text = "\n".join(shown)
    return [each for each in payloads if each not in text]


def test_there_are_sixty() -> None:
    assert len(set(PAYLOADS)) == 60


def test_names_ids_and_titles_are_listed_as_text(page: Page) -> None:
    page.goto("/?documents")
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".documents h3")).to_have_count(2 * 60 + 3)
    assert missing(page.locator(".documents h3").all_text_contents()) == []
    names = page.locator(".documents .quiet").all_text_contents()
    assert missing(names, list(map(name_of, PAYLOADS))) == []
    page.goto("/?index")
    expect(page.get_by_label("Build report")).to_contain_text(name_of(PAYLOADS[1]))
    page.locator("#filter").click()
    expect(page.locator("#filter-document")).to_be_focused()


def test_headings_cells_and_texts_are_shown_as_text(page: Page) -> None:
    page.goto("/?document=all.docx")
    expect(page.locator("#source-text")).to_contain_text(PAYLOADS[-1])
    page.get_by_text("Outline").click()
    assert missing(page.locator(".outline a").all_text_contents()) == []
    assert missing(page.locator("#source-text :is(h3, h4)").all_text_contents()) == []
    assert missing(page.locator("#source-text td").all_text_contents()) == []


def test_answers_and_raw_texts_are_shown_as_text(page: Page) -> None:
    page.goto("/?q=hostile")
    expect(page.locator("article")).to_have_count(8)
    page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    page.goto("/?document=all.md")
    expect(page.locator("#source-text")).to_contain_text("hostile")
    page.get_by_role("button", name="Close the source").click()
    page.get_by_role("button", name="Raw text").click()
    page.go_back()
    expect(page.locator("#source-text .raw")).to_be_visible()
    assert missing(page.locator("#source-text").all_text_contents()) == []
    page.wait_for_timeout(200)


def test_the_page_of_a_pdf_is_an_image(page: Page) -> None:
    page.goto(f"/?document={quote(name_of(PAYLOADS[1]))}.pdf&page=1")
    expect(page.locator(".sheet img")).to_have_attribute(
        "alt", f"Page 1 of {PAYLOADS[1]}; the text view has its words"
    )


def test_hostile_addresses_are_shown_as_text(page: Page) -> None:
    page.goto("/?q=<img src=x onerror=alert(1)>")
    expect(page.locator("#question")).to_have_value("<img src=x onerror=alert(1)>")
    page.goto("/?document=all.md#c99-<script>alert(1)</script>")
    expect(page.locator("#source")).to_be_visible()
    expect(page.locator("mark.cited")).to_have_count(0)
