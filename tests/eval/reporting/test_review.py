"""The review page: what it shows, and the file that it saves."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from eval.reporting.review import review_page
from eval.sets.evalset import EvalSet, Judgment, read_judgments
from eval.sets.faq import query_id
from support.faq_corpus import SOIL, TEXT, WATER, lupine_set, source

CHROMIUM = Path("/usr/bin/chromium")
LIME = "### Is <b>lime</b> & chalk bad?\n\nIt harms some plants; gardeners disagree.\n"
KEPT = Judgment(query_id("How much water?"), WATER, 2, "Says <so>.")


def page_of(folder: Path) -> tuple[EvalSet, str]:
    """A set with one doubtful question, and its page."""
    corpus = source(folder, f"{TEXT}\n{LIME}")
    evalset = lupine_set(corpus)
    return evalset, review_page(evalset, corpus.body, corpus.headings, [KEPT])


def test_the_page_shows_doubtful_questions_with_their_nearest_sections(tmp_path: Path) -> None:
    evalset, page = page_of(tmp_path)
    (doubt,) = evalset.doubts
    assert "Is lime &amp; chalk bad?" in page and "How much water?" not in page
    assert re.findall(r'data-section="([^"]+)"', page) == list(doubt.candidates)
    assert "Lime harms their roots." in page


def test_the_page_is_one_file_that_loads_nothing(tmp_path: Path) -> None:
    _, page = page_of(tmp_path)
    assert "default-src 'none'" in page
    assert re.findall(r"(?:src|href)\s*=\s*[\"']|https?://|@import", page) == []
    assert "<so>" not in page


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt install chromium")
def test_what_is_judged_on_the_page_is_saved_beside_what_was_judged(tmp_path: Path) -> None:
    evalset, html = page_of(tmp_path)
    (tmp_path / "review.html").write_text(html, encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page()
        page.goto((tmp_path / "review.html").as_uri())
        page.locator(f'[data-section="{SOIL}"]').get_by_label("answers it in part").check()
        with page.expect_download() as download:
            page.get_by_role("button", name="Save judgments.tsv").click()
        download.value.save_as(tmp_path / "judgments.tsv")
        browser.close()
    doubt = evalset.doubts[0].query
    assert read_judgments(tmp_path / "judgments.tsv") == [
        KEPT,
        Judgment(doubt, SOIL, 1, "Judged on the review page."),
    ]


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt install chromium")
def test_axe_finds_no_fault(tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe").Axe()
    (tmp_path / "review.html").write_text(page_of(tmp_path)[1], encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page(bypass_csp=True)
        page.goto((tmp_path / "review.html").as_uri())
        assert axe.run(page).response["violations"] == []
        browser.close()
