"""The report and the terminal: self-contained, escaped, and plain about how sure a figure is."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import sync_playwright

from eval.measures.abstention import Bin
from eval.measures.risk import Point
from eval.reporting import plots
from eval.reporting.plain_words import abstaining, percent, verdict
from eval.reporting.report import LISTED, render
from eval.reporting.terminal import show
from eval.running.result import Abstention, QuotedSection, Result
from support.eval_results import bench_result, lupine_result, result_of
from support.faq_corpus import TEXT

CHROMIUM = Path("/usr/bin/chromium")
# What reaches beyond the right edge of the window, the link that is seen on focus aside.
BEYOND = """() => [...document.querySelectorAll("body :not(.skip)")]
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 80))"""

LABELS = {
    "origin": "silver",
    "pairs": 8,
    "questions": 8,
    "counted": 8,
    "trust": None,
    "stale": False,
}


class Outline(HTMLParser):
    """The page's tags with their attributes, its ids, and whether all tags are closed."""

    VOID = frozenset(("meta", "br", "wbr", "!doctype", "path", "use", "rect"))

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [
            value for name, value in attrs if name in ("src", "href", "xlink:href") and value
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    return parser


@pytest.fixture
def result(tmp_path: Path) -> Result:
    return lupine_result(tmp_path)


def test_the_report_is_one_page_that_loads_nothing(result: Result) -> None:
    found = outline(render(result))
    assert found.open == []
    assert not {"script", "img", "link", "iframe", "object"} & set(found.tags)
    assert all(link.startswith("#") for link in found.links)
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))
    assert found.tags.count("svg") == 2


def test_the_report_shows_what_was_returned_and_what_should_have_been(
    result: Result,
) -> None:
    page = render(result)
    for expected in ("How much water?", "lupines.md#water", "FAQ left out", "Calibration", "✓"):
        assert expected in page


def test_what_was_returned_is_quoted_and_linked_to_its_section(result: Result) -> None:
    page = render(result)
    anchor = re.search(r'<article class="text" id="([\w-]+)">\n<h3>Water</h3>', page)
    assert anchor
    returned = rf'<li><a href="#{anchor[1]}">Water</a> .*?<blockquote>(.*?)</blockquote>'
    assert re.findall(returned, page)[0].startswith("Lupines want little water")


def test_sections_of_several_documents_are_named_by_document(result: Result) -> None:
    other = QuotedSection("Pears", (), "Pears are green.")
    page = render(replace(result, sections={**result.sections, "pears": other}))
    assert "<h3>Lupines › Water</h3>" in page and "<h3>Pears</h3>" in page


def test_a_result_without_texts_names_the_sections_by_id(result: Result) -> None:
    page = render(replace(result, sections={}))
    assert "<code>lupines.md#water</code>" in page and 'id="texts"' not in page
    assert outline(page).open == []


def test_every_term_leads_to_its_explanation(result: Result) -> None:
    """By a link, which keyboards and touch screens reach; its title says the same."""
    page = render(result)
    terms = re.findall(r'<a class="term" href="#([\w-]+)" title="([^"]+)">', page)
    assert len({anchor for anchor, _ in terms}) >= 15
    for anchor, meaning in terms:
        assert re.search(rf'<dt id="{anchor}">[^<]+</dt><dd>{re.escape(meaning)}</dd>', page)


@pytest.mark.parametrize("width", [390, 820, 1440])
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt install chromium")
def test_nothing_is_cut_on_any_screen(result: Result, tmp_path: Path, width: int) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(result), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(file.as_uri())
        assert page.evaluate(BEYOND) == []
        browser.close()


def test_questions_are_text_and_never_markup(result: Result) -> None:
    evil = "<script>alert(1)</script> $x_1$ \N{SNOWMAN} 為什麼 & <b>"
    group = result.groups[0]
    questions = [replace(question, text=evil) for question in group.questions]
    page = render(replace(result, name=evil, groups=[replace(group, questions=questions)]))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $x_1$" in page
    assert outline(page).open == []


def test_the_same_result_gives_the_same_page(result: Result) -> None:
    assert render(result) == render(result)


def test_many_questions_become_curves_and_the_worst_are_listed() -> None:
    values = [0.0] * 10 + [1.0] * 240
    many = result_of({"dense": values, "all": values})
    page = render(replace(many, labels=LABELS, facts=_facts()))
    assert page.count('<details class="question') == LISTED
    assert f"the {LISTED} worst of 250" in page
    assert "share of questions that reach it" in plots.curves_plot(many.groups[0])


def test_a_public_set_shows_published_figures_beside_ours(tmp_path: Path) -> None:
    found = bench_result(tmp_path)
    rows = [replace(row, reference=0.679) for row in found.groups[0].rows]
    public = replace(found, groups=[replace(found.groups[0], rows=rows), found.groups[1]])
    assert "published: 0.679" in render(public)
    assert re.search(r"BM25 alone .* 0\.679\n", show(public))
    assert verdict(public).endswith("BM25 alone 1.000 (published 0.679).")
    assert "as served reaches nDCG@10 1.000 (95% interval" in verdict(found)
    assert "Kind of corpus: a public test set" in render(public)


def test_the_terminal_shows_figures_with_intervals_and_plain_words(result: Result) -> None:
    said = show(result)
    assert "FAQ questions (n = 2)" in said
    assert "Written questions (n = 1)" in said
    assert "FAQ pairs left out of the index, or in it (a leak)" in said
    assert "answered at 5% risk" in said
    assert max(map(len, said.split("\n\n")[0].split("\n"))) <= 100


def test_few_questions_are_called_a_rough_figure() -> None:
    few = replace(result_of({"dense": [0.0, 1.0] * 4, "all": [1.0] * 8}), labels=LABELS)
    assert verdict(few) == (
        "Of 8 questions, the first passage was from a right section for 100% (95% interval 63% to "
        "100%), one of the first three for 100% (63% to 100%). With only 8 questions this is a "
        "rough figure: nDCG@10 of 1.00 could as well be 0.63 or 1.00, and a difference under 0.62 "
        "between two systems would mostly go unseen. The labels are silver: made by rule from the "
        "FAQ's answers, not judged by hand."
    )


def test_many_questions_are_not_called_rough_and_the_rule_is_rated() -> None:
    trust = {"kappa": 0.5, "precision": 1.0, "recall": 0.36, "queries": 7, "pairs": 196}
    values = {"dense": [0.0, 1.0] * 20, "all": [0.5, 1.0] * 20}
    many = replace(result_of(values), labels=LABELS | {"origin": "hand", "trust": trust})
    said = verdict(many)
    assert "nDCG@10 is 0.75, between" in said
    assert said.endswith(
        "The labels were judged by hand. The silver rule, checked on 7 questions that were judged "
        "by hand or table, has precision 1.00, recall 0.36 and kappa 0.50."
    )


def test_questions_without_a_label_are_counted_and_lead_to_the_review_page() -> None:
    labels = LABELS | {"questions": 9, "counted": 2}
    said = verdict(replace(result_of({"dense": [0.0, 1.0], "all": [0.5, 1.0]}), labels=labels))
    assert "7 of the FAQ's 9 questions are not counted" in said and "review.html" in said


@pytest.mark.parametrize(
    ("at_risk", "said"),
    [
        (Point(0.625, 0.4, 0.05), "only above 0.62 would answer 40% of all questions"),
        (None, "No threshold keeps the wrong answers to 5%."),
    ],
)
def test_abstention_is_put_in_words(at_risk: Point | None, said: str) -> None:
    served = Abstention("all", "all", 0.9, at_risk, [Point(0.5, 1.0, 0.5)], [Bin(0.5, 0.5, 2)])
    found = replace(result_of({"all": [1.0]}), abstention=[served], answerable=5, unanswerable=4)
    assert "On 5 answerable and 4 unanswerable questions" in abstaining(found)
    assert said in abstaining(found)


def test_abstention_that_was_not_measured_is_not_mentioned() -> None:
    assert abstaining(result_of({"all": [1.0]})) == ""
    blind = Abstention("all", "all", None, None, [], [])
    assert abstaining(replace(result_of({"all": [1.0]}), abstention=[blind])) == ""


def test_a_share_is_a_whole_percentage() -> None:
    assert (percent(0.875), percent(1.0), percent(0.004)) == ("88%", "100%", "0%")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt install chromium")
def test_axe_finds_no_fault(
    result: Result, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe").Axe()
    file = tmp_path / "report.html"
    file.write_text(render(result), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page(color_scheme=scheme, bypass_csp=True)
        page.goto(file.as_uri())
        assert axe.run(page).response["violations"] == []
        browser.close()


def _facts() -> dict[str, object]:
    counts = {"documents": 1, "sections": 1, "passages": 1, "faq_pairs": 1}
    machine = {"processor": "p", "cores": "2", "system": "s", "python": "3"}
    model = {"name": "m", "sha256": "0" * 64}
    return {
        "corpus_sha256": "0" * 64,
        "counts": counts,
        "model": model,
        "commit": "c",
        "machine": machine,
        "command": TEXT[:5],
    }
