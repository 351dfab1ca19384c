from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.documents.readers.plain_text import line_ends, paragraph_blocks, plain_blocks
from support.places import ROOT

ARTICLE = ROOT.parent / "shared" / "article" / "car-t-lupus-article.txt"


def outline(text: str) -> list[tuple[str, str]]:
    """Kind and text of each block."""
    return [(block.kind, text[block.start : block.end]) for block in plain_blocks(text)]


def headings(text: str) -> list[str]:
    return [block.label for block in plain_blocks(text) if block.kind == "heading"]


@pytest.mark.skipif(not ARTICLE.exists(), reason="the original article is not beside the checkout")
def test_the_article_has_its_27_headings_and_8_pairs_and_its_faq_line() -> None:
    text = ARTICLE.read_text(encoding="utf-8")
    blocks = plain_blocks(text)
    labels = [block.label for block in blocks if block.kind == "heading"]
    assert len(labels) == 28 and labels[-1] == "FAQ"
    assert "What is CAR T Cell Therapy?" in labels
    assert sum(block.kind == "question" for block in blocks) == 8
    assert sum(block.kind == "table" for block in blocks) == 5
    quotes = [text[block.start : block.end] for block in blocks if block.kind == "quote"]
    assert any("\n– Dr. " in quote for quote in quotes)


def test_titles_between_long_lines_are_headings_without_blank_lines() -> None:
    text = (
        "Opening hours\nWe are open from nine to five.\nReturns\n"
        "Items can be returned within 30 days.\nSend them to the address on the label."
    )
    assert headings(text) == ["Opening hours", "Returns"]
    assert [kind for kind, _ in outline(text)] == [
        *("heading", "paragraph", "heading", "paragraph", "paragraph")
    ]


def test_a_long_title_needs_a_longer_sentence_below_it() -> None:
    title = "Rules for the new hall"
    assert headings(f"{title}\nWear shoes and never run when inside.") == [title]
    assert headings(f"{title}\nWear shoes.") == []


def test_hard_wrapped_prose_is_one_paragraph_and_holds_no_headings() -> None:
    text = (
        "The Great March\n\n"
        "In the spring of that year the army crossed the river and began the war.\n"
        "Napoleon then marched to Moscow with his whole army in the early autumn\n"
        "Moscow burned for three days and nights, and the emperor watched it from\n"
        "the Kremlin\n"
        "walls.\n\n"
        "The Retreat\n"
        "It was cold, and the snow fell upon the long columns of tired men who had\n"
        "come so far. Few of them would ever see the Niemen again, and fewer still\n"
        "Paris\n"
    )
    assert headings(text) == ["The Great March", "The Retreat"]
    assert len(plain_blocks(text)) == 4


def test_numbers_give_levels_and_a_lone_number_is_a_heading() -> None:
    text = (
        "1 Introduction\n\nThis is about nothing at all.\n\n2 Methods\n\n2.1 Materials\n\n"
        "We used paper.\n\n1. They wrote.\n2. They read.\n\n3. Results\n\nNone."
    )
    found = [(block.level, block.label) for block in plain_blocks(text) if block.kind == "heading"]
    assert found == [(1, "1 Introduction"), (1, "2 Methods"), (2, "2.1 Materials")]
    text = text.replace("3. Results", "4. Results")
    assert headings(text)[-1] == "4. Results"


def test_numbered_lines_over_text_are_headings_and_in_a_row_a_list() -> None:
    assert headings("1. Aims\n\nTo begin.\n\n2. Means\n\nTo go on.") == ["1. Aims", "2. Means"]
    assert [kind for kind, _ in outline("Steps\n\n1. Aims\n\n2. Means\n\n3. Ends")][1:] == ["list"]


def test_capitals_and_underlines_are_headings() -> None:
    assert headings("CHAPTER I.\n\nIt was a dark and stormy night.") == ["CHAPTER I."]
    text = "Tool\n====\n\nIt works.\n\nUsage\n-----\nRun it."
    found = [(block.level, block.label) for block in plain_blocks(text) if block.kind == "heading"]
    assert found == [(1, "Tool"), (2, "Usage")]
    assert outline(text)[0] == ("heading", "Tool\n====")


def test_headings_without_case_are_found() -> None:
    assert headings("概要\n\n最初の段落です。\n\n方法\n\n次の段落です。") == ["概要", "方法"]


def test_a_question_is_a_heading_when_it_opens_with_a_word_that_asks_or_in_capitals() -> None:
    text = (
        "What is it?\n\nA disease.\n\nBut does it hurt?\n\nIt does.\n\nIs This All?\n\nYes.\n\n"
        "Care\n\nRest.\n\nDrugs\n\nNone."
    )
    assert headings(text) == ["What is it?", "Is This All?", "Care", "Drugs"]


@pytest.mark.parametrize(
    "text",
    [
        "I wandered lonely as a cloud\nThat floats on high o'er vales and hills,\n"
        "When all at once I saw a crowd,\nA host, of golden daffodils;",
        "ACME Corporation\n12 High Street\nLondon\n\nDear Sir,\n\nI write about the toaster.",
        "From: Anna\nTo: Bob\nSubject: Lunch\n\nShall we meet at noon?",
        "Author: Anna\nDate: May\n\nShall we meet at noon?",
        "Present\n\nAnna Smith\n\nBob Jones\n\nCarol White\n\nThe meeting opened at nine.",
        "The kit contains:\nA hammer\nA saw\nNails\n\nUse it with care.",
        "They can include:\n- Fever\n- Pain",
        "(1) Anna Smith\n(2) Bob Jones\n(3) Carol White\n\nThe race was long.",
        "(See the map)\n\nThen turn left.",
        "It is known.\nWrite to anna@example.org\n\nThank you.",
        "lower case\n\nText follows here.",
        "Only a Title",
        "The last line of all\n\n\n",
        "He went to see the\n\nText follows.",
    ],
)
def test_what_only_looks_like_a_heading_is_text(text: str) -> None:
    assert headings(text) == []


def test_lists_keep_their_items_and_what_goes_on_in_the_next_line() -> None:
    items = ["- a pen\n  and ink", "- paper\nor card", "- The glue from\nAnna", "- tape"]
    text = f"Bring:\n{items[0]}\n\n" + "\n".join(items[1:]) + "\nAll is well."
    blocks = plain_blocks(text)
    assert [block.kind for block in blocks] == ["paragraph", "list", "paragraph"]
    assert [text[start:end] for start, end in blocks[1].parts] == items


def test_a_table_has_rows_and_a_header() -> None:
    text = "Doses:\na | b |\n---|---|\n1 | 2 |\n3 | 4 |\nThat was it."
    table = plain_blocks(text)[1]
    assert table.kind == "table"
    (found,) = table.tables
    assert text[found.start : found.header_end] == "a | b |"
    assert [text[start:end] for start, end in table.parts] == ["1 | 2 |", "3 | 4 |"]
    assert outline(text)[2] == ("paragraph", "That was it.")


@pytest.mark.parametrize(
    "quote", ["“It works.”", "“It works.” – A. Name, Doctor", "“It works.”\n\n– A. Name", '"So."']
)
def test_a_quotation_holds_its_attribution(quote: str) -> None:
    text = f"She was pleased with it.\n{quote}\nAll is well."
    assert outline(text)[1] == ("quote", quote)


def test_speech_within_a_sentence_is_no_quotation() -> None:
    assert outline("“It works,” she said.")[0][0] == "paragraph"


def test_marked_pairs_give_questions_that_end_where_the_answer_begins() -> None:
    text = "FAQ\nQ: Why?\nA: So.\nAnd so.\nQ2. How?\nA2. Thus.\nQ: And?"
    assert outline(text) == [
        ("heading", "FAQ"),
        ("question", "Q: Why?\nA:"),
        ("paragraph", "So."),
        ("paragraph", "And so."),
        ("question", "Q2. How?\nA2."),
        ("paragraph", "Thus."),
        ("paragraph", "Q: And?"),
    ]
    assert [block.label for block in plain_blocks(text)][1] == "Why?"


def test_below_an_faq_heading_lines_that_ask_are_questions() -> None:
    asked = (
        "Please tell me, as I could find it nowhere in all these many pages, is the door locked?"
    )
    pair = f"{asked}\nYes, always.\n\n"
    text = f"Frequently asked questions\n\n{pair}Contact\n\nWrite to us.\n\n{pair}"
    kinds = [kind for kind, _ in outline(text)]
    assert kinds == [
        *("heading", "question", "paragraph", "heading", "paragraph", "paragraph", "paragraph")
    ]


def test_paragraph_blocks_know_neither_headings_nor_pairs() -> None:
    kinds = [block.kind for block in paragraph_blocks("Title\n\nText.\n\nQ: a?\nA: b.\n\n- c")]
    assert kinds == ["paragraph", "paragraph", "paragraph", "paragraph", "list"]


PIECES = ["Title\n", "A b. C d.\n", "- x\n", "1. y\n", "a | b\n", "---|---\n", "“q” – Z\n", "– N\n"]
PIECES += ["Q: r?\n", "A: s.\n", "FAQ\n", "==\n", "\r\n", "\r", "\n\n", "\t", "\u2028", "low\n"]


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: white space and characters of format."""
    return all(c.isspace() or unicodedata.category(c) in ("Cf", "Cc") for c in text)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=20).map("".join))
def test_blocks_are_in_order_and_only_blank_lies_between_them(text: str) -> None:
    end = 0
    for block in plain_blocks(text):
        assert is_blank(text[end : block.start])
        assert end <= block.start < block.end
        assert all(block.start <= a < b <= block.end for a, b in block.parts)
        end = block.end
    assert is_blank(text[end:])


def test_headings_of_joined_files_are_seen_behind_their_marks() -> None:
    text = "PART ONE\n\nThe first part.\n\n\ufeffPART TWO\n\nThe second part.\n"
    found = [(block.kind, text[block.start : block.end]) for block in plain_blocks(text)]
    assert found[2:] == [("heading", "PART TWO"), ("paragraph", "The second part.")]


def test_a_text_of_very_many_very_short_lines_is_one_paragraph() -> None:
    text = "\n" + "a\n\n" * 12_000
    for read in (plain_blocks, paragraph_blocks):
        assert len(read("a\n\n" * 8_000)) == 8_000
        (block,) = read(text)
        assert (block.kind, block.start, block.end) == ("paragraph", 1, len(text) - 2)
    assert plain_blocks("\n" * 30_000) == ()


BOOK = "The Book of Rules\n\n{}Working hours\n\nWe open at nine.\n\n{}Holidays\n\nAll have ten.\n"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        *(("1. ", "2. "), ("1) ", "2) "), ("0. ", "1. "), ("I. ", "II. "), ("A. ", "B. ")),
        *(("§ 1 ", "§ 2 "), ("1.1 ", "1.2 "), ("(1) ", "(2) "), ("Chapter 1: ", "Chapter 2: ")),
    ],
)
def test_the_first_numbered_heading_is_one_too(one: str, two: str) -> None:
    title, *numbered = headings(BOOK.format(one, two))
    assert title == "The Book of Rules"
    assert numbered == [f"{one}Working hours", f"{two}Holidays"]


def test_numbered_questions_below_an_faq_heading_are_found() -> None:
    text = "FAQ\n\n1. How do I join?\n\nFill in the form.\n\n2. Who pays?\n\nThe guest.\n"
    assert [block.kind for block in plain_blocks(text)].count("question") == 2


@pytest.mark.parametrize("mark", ["\u200b", "\u2060", "\u200e", "\u2066", "\u00a0", "\ufeff"])
def test_invisible_characters_before_a_heading_do_not_hide_it(mark: str) -> None:
    assert headings(f"PART ONE\n\nText.\n\n{mark}PART TWO\n\nMore.") == ["PART ONE", "PART TWO"]


@pytest.mark.parametrize(
    "line",
    [
        *("    Indented Title", "ALLOWED = {'txt', 'pdf'}", "Name = Flask(name)", "App.run()"),
        *(".. Note", "$ Make all", ">>> Start", ":Author: Ann", "Std::Vector", "<Body>"),
    ],
)
def test_code_and_indented_lines_are_no_headings(line: str) -> None:
    text = f"Setup\n\nRun this once.\n\n{line}\n\nThen open the page in a browser.\n"
    assert headings(text) == ["Setup"]


def test_a_text_that_is_indented_as_a_whole_has_headings() -> None:
    assert headings("  Setup\n\n  Run this once.\n\n  Use\n\n  Open the page.\n") == [
        "Setup",
        "Use",
    ]


def test_line_ends_of_every_kind_are_counted_once() -> None:
    assert [line_ends(text) for text in ("", "a", "a\nb\r\nc\rd", "\n\r")] == [0, 0, 3, 2]
