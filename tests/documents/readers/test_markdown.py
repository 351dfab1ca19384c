from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.documents.readers.markdown import markdown_blocks
from rag.documents.readers.markdown_rules import parser_of


def outline(text: str) -> list[tuple[str, str]]:
    """Kind and text of each block."""
    return [(block.kind, text[block.start : block.end]) for block in markdown_blocks(text)[1]]


def labels(text: str) -> list[tuple[str, int, str]]:
    """Kind, level and label of headings and questions."""
    blocks = markdown_blocks(text)[1]
    return [(block.kind, block.level, block.label) for block in blocks if block.label]


def test_each_kind_of_block_is_told_with_its_span() -> None:
    parts = [
        ("heading", "# A"),
        ("paragraph", "two\nlines"),
        ("list", "- a\n  - b\n- c"),
        ("list", "1. d"),
        ("table", "| x | y |\n|---|---|\n| 1 | 2 |"),
        ("quote", "> q\n> # no heading"),
        ("code", "```\ncode\n\n# no heading\n```"),
        ("paragraph", "<div>\nhtml\n</div>"),
        ("heading", "Setext\n------"),
        ("paragraph", "[r]: http://example.org"),
    ]
    assert outline("***\n\n" + "\n\n".join(text for _, text in parts)) == parts


def test_atx_and_setext_headings_have_levels_and_plain_labels() -> None:
    text = (
        "One *two*\n=========\n\n## `code` [link](u) ![image](u) <b>bold</b> {#id} ##\n\n"
        "### [r]\n\nline\nline\n---\n\n#\n\n[r]: u"
    )
    assert labels(text) == [
        ("heading", 1, "One two"),
        ("heading", 2, "code link image bold"),
        ("heading", 3, "r"),
    ]


def test_offsets_hold_for_every_line_end() -> None:
    text = "# A\r\n\r\na\u2028b\x85c\x0cd\r\r- x\r\n- y\n\n## B\rend"
    assert outline(text) == [
        ("heading", "# A"),
        ("paragraph", "a\u2028b\x85c\x0cd"),
        ("list", "- x\r\n- y"),
        ("heading", "## B"),
        ("paragraph", "end"),
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: One\n---\n# Two\n\ntext", "One"),
        ("---\r\ntitle:   'One: \"two\"'\r\nx: y\r\n---\r\ntext", 'One: "two"'),
        ("---\ntitle: >\n  folded\n---\n# Two\n\ntext", "folded"),
        ("---\nx: y\n---\n# Two\n\ntext", "Two"),
        ("text\n\n# Two\n\n## Three", "Two"),
        ("## One\n\n# Two", ""),
        ("# One\n\n# Two", ""),
        ("text", ""),
    ],
)
def test_the_title_is_in_the_front_matter_or_the_one_first_h1(text: str, title: str) -> None:
    assert markdown_blocks(text)[0] == title


def test_front_matter_is_no_block() -> None:
    assert outline("---\ntitle: One\n---\ntext") == [("paragraph", "text")]


def test_lists_tables_and_code_have_parts() -> None:
    text = "- a\n  - b\n- c\n\nh | i\n--|--\n1 | 2\n3 | 4\n\n    x\n\n    y"
    found = [
        (block.kind, [text[start:end] for start, end in block.parts])
        for block in markdown_blocks(text)[1]
    ]
    assert found == [
        ("list", ["- a\n  - b", "- c"]),
        ("table", ["1 | 2", "3 | 4"]),
        ("code", ["x", "y"]),
    ]
    (table,) = markdown_blocks(text).blocks[1].tables
    assert text[table.start : table.header_end] == "h | i"
    assert [text[row : row + 5] for row in table.rows] == ["1 | 2", "3 | 4"]


@pytest.mark.parametrize(
    "heading",
    [
        *("FAQ", "FAQs", "The FAQ", "faq about prices", "Frequently Asked Questions", "7. FAQ"),
        *("Frequently asked questions (FAQ)", "Questions and answers", "Q&A", "FAQ: billing"),
    ],
)
def test_headings_below_an_faq_heading_are_questions(heading: str) -> None:
    text = f"# Guide\n\n## {heading}\n\nIntro.\n\n### Refunds\n\nYes.\n\n## After\n\n### No\n\nx"
    assert labels(text) == [
        ("heading", 1, "Guide"),
        ("heading", 2, heading),
        ("question", 3, "Refunds"),
        ("heading", 2, "After"),
        ("heading", 3, "No"),
    ]


@pytest.mark.parametrize("heading", ["Writing a FAQ", "FAQ design", "Questions", "Asked"])
def test_other_headings_open_no_faq(heading: str) -> None:
    assert labels(f"## {heading}\n\n### What?\n\nThat.")[1] == ("heading", 3, "What?")


def test_groups_stay_headings_and_headings_in_an_answer_are_text() -> None:
    text = (
        "# FAQ\n\n## Billing\n\nAll prices.\n\n### How do I pay?\n\nBy card.\n\n#### Details\n\n"
        "More.\n\n## Empty?\n\n## Group\n\n### Answered\n\nYes.\n\n## Last"
    )
    assert labels(text) == [
        ("heading", 1, "FAQ"),
        ("heading", 2, "Billing"),
        ("question", 3, "How do I pay?"),
        ("heading", 2, "Empty?"),
        ("heading", 2, "Group"),
        ("question", 3, "Answered"),
        ("heading", 2, "Last"),
    ]
    assert ("paragraph", "#### Details") in outline(text)


def test_a_title_that_means_faq_makes_questions_of_all_headings() -> None:
    text = "---\ntitle: FAQ\n---\n\n## Why?\n\nSo.\n\n## How\n\nThus."
    assert labels(text) == [("question", 2, "Why?"), ("question", 2, "How")]


def test_marked_pairs_are_found_in_paragraphs_and_headings() -> None:
    text = (
        "**Q: One?**\n\nA: a\n\nQ: Two?\nA: b\nQ: *Three*?\nA: c\n\n**Q:** Four?  \n**A:** d\n\n"
        "**Question 5: Five?**\ne\n\n### Q: Six?\n\nA: f\n\nQ: Seven?\n\n- g\n\n"
        "Q. Eight\n\nit is.\n\nQ: Nine?"
    )
    found = outline(text)
    answers = [after for (kind, _), after in pairwise(found) if kind == "question"]
    assert [label for _, _, label in labels(text)] == [
        *("One?", "Two?", "Three?", "Four?", "Five?", "Six?", "Seven?")
    ]
    assert [answer for _, answer in answers] == ["a", "b", "c", "d", "e", "f", "- g"]
    assert found[-3:] == [
        *(("paragraph", "Q. Eight"), ("paragraph", "it is."), ("paragraph", "Q: Nine?"))
    ]


def test_bold_questions_count_below_an_faq_heading_only() -> None:
    text = (
        "## FAQ\n\n**How?**\n\nSo.\n\n**Why?**\nBecause.\n\n**What?**\n\n## Other\n\n**Who?**\n\nI."
    )
    assert [label for kind, _, label in labels(text) if kind == "question"] == ["How?", "Why?"]


def test_an_answer_that_opens_with_the_word_answer_is_not_cut() -> None:
    assert outline("## FAQ\n\n### Why\n\nAnswer.")[1:] == [
        ("question", "### Why"),
        ("paragraph", "Answer."),
    ]


WORD = re.compile(r"[^\W_]")
PIECES = ["# H\n", "## FAQ\n", "### W?\n", "a. B\n", "- x\n", "  1. y\n", "| a |\n", "|---|\n"]
PIECES += ["```\n", "> q\n", "\r\n", "\r", "\n\n", "\t", "Q: r?\n", "A: s\n", "**Q: t?**\n"]
PIECES += [
    "***\n",
    "[r]: u\n",
    "<p>\n",
    "=\n",
    "---\n",
    "title: x\n",
    "<!-- d",
    "-->\n",
    "    c\n",
    "\u2028",
    "\x85",
]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=20).map("".join))
def test_blocks_are_in_order_and_no_visible_word_lies_between_them(text: str) -> None:
    read = markdown_blocks(text)
    for hidden in reversed(read.hidden):
        text = f"{text[: hidden.start]}{' ' * (hidden.end - hidden.start)}{text[hidden.end :]}"
    end = 0
    for block in read.blocks:
        assert not WORD.search(text, end, block.start)
        assert end <= block.start < block.end
        assert all(block.start <= a < b <= block.end for a, b in block.parts)
        end = block.end
    assert not WORD.search(text, end)


def test_headings_of_joined_files_are_seen_behind_their_marks() -> None:
    text = "# One\n\ntext\n\ufeff# Two\n\nmore\ufeff# Three\n\nend\n\ufeffQ: Why?\nA: So."
    assert labels(text) == [
        ("heading", 1, "One"),
        ("heading", 1, "Two"),
        ("heading", 1, "Three"),
        ("question", 0, "Why?"),
    ]
    assert outline(text)[2:4] == [("heading", "# Two"), ("paragraph", "more")]


@pytest.mark.parametrize(
    ("heading", "label"),
    [
        ("a {#b}", "a"),
        ("a {#b} ", "a"),
        ("a {#b {#c}", "a"),
        ("a {#b} {#c}", "a {#b}"),
        ("a {#b} c", "a {#b} c"),
        ("a b}", "a b}"),
        ("a }{#b}", "a }"),
        ("a {#}", "a"),
    ],
)
def test_only_an_anchor_at_the_end_is_left_out_of_a_label(heading: str, label: str) -> None:
    assert labels(f"# {heading}\n\nx") == [("heading", 1, label)]


def test_very_much_markup_in_a_heading_stays_as_it_is() -> None:
    assert labels(f"# {'*a* ' * 50}\n\nx")[0][2] == " ".join("a" * 50)
    assert labels(f"# {'*a* ' * 51}\n\nx")[0][2] == " ".join(["*a*"] * 51)


def test_a_text_of_very_many_very_short_lines_is_read_as_plain_text() -> None:
    few, many = "# a\n\nb\n\n" * 4_000, "# a\n\nb\n\n" * 6_000
    assert {block.kind for block in markdown_blocks(few)[1]} == {"heading", "paragraph"}
    assert [block.kind for block in markdown_blocks(many)[1]] == ["paragraph"]
    cells = "|a|b|\n|-|-|\n" + "|c|d|\n" * 20_000
    assert [block.kind for block in markdown_blocks(cells)[1]] == ["paragraph"]
    long = "# a\n\n" + "b " * 50 + "\n\n"
    assert {block.kind for block in markdown_blocks(long * 6_000)[1]} == {"heading", "paragraph"}


def test_blanks_round_a_title_are_no_part_of_it() -> None:
    assert markdown_blocks("---\ntitle :\t 'a  b' \t\n---\nc")[0] == "a b"


def test_a_definition_of_very_many_lines_is_text() -> None:
    def title(lines: int) -> str:
        definition = "[a]: b 'on\n" + "and on\n" * lines + "end'"
        return markdown_blocks(f"{definition}\n\n# [Words][a]\n\nText.\n")[0]

    assert title(40) == "Words"
    assert title(60) == "[Words][a]"


def test_the_markup_of_headings_is_read_in_proportion_to_the_text() -> None:
    heading = f"# {'*a* ' * 20}b\n\n"
    blocks = markdown_blocks(heading * 1000).blocks
    assert [block.label for block in blocks[:2]] == [("a " * 20 + "b")] * 2
    assert blocks[-1].label == heading[2:].strip()


def test_a_heading_at_the_top_of_a_page_is_seen() -> None:
    assert labels("# One\n\ntext\n\f# Two\n\ntext") == [
        ("heading", 1, "One"),
        ("heading", 1, "Two"),
    ]


def test_a_text_of_very_deep_quotations_is_read_as_plain_text() -> None:
    deep = "# a\n\n" + f"{'> 1. ' * 9}abc\n" * 21_000
    assert {block.kind for block in markdown_blocks(deep)[1]} == {"paragraph"}
    shallow = "# a\n\n" + f"{'> 1. ' * 2}{'a ' * 20}\n" * 21_000
    assert [block.kind for block in markdown_blocks(shallow)[1]] == ["heading", "quote"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("##\u00a0Fares\n\nx", ["Fares"]),
        ("a\n##\u3000Fares ##\n", ["Fares"]),
        ("\u200b# Top\n\nx\n\n\u00a0## Fares", ["Top", "Fares"]),
        ("#Top\n\n##Fares\n\nx", ["Top", "Fares"]),
        ("##Fares\nx", ["Fares"]),
        ("##Fares##\n\nx", ["Fares"]),
        ("##\tFares\n\nx", ["Fares"]),
        ("\u202a## Fares\n\nx", ["Fares"]),
        ("\u2060 ## Fares\n\nx", ["Fares"]),
        ("\u00ad\u200b## Fares\n\nx", ["Fares"]),
        ("\u2066## Fares\n\nx", ["Fares"]),
        ("\u061c\ufe0f## Fares\n\nx", ["Fares"]),
        ("\u3000## Fares\n\nx", ["Fares"]),
        ("##\u200bFares\n\nx", ["Fares"]),
    ],
)
def test_hashes_beside_unusual_blanks_or_none_make_headings(text: str, found: list[str]) -> None:
    assert [label for _, _, label in labels(text)] == found


@pytest.mark.parametrize(
    "text",
    [
        "#tag",
        "#tag #other\n\n#1 is best",
        "##1 is best",
        "\u00a0####### Fares",
        "a\n##b",
        "```\n##b\n```",
        "    ##\u00a0b",
        "#!/bin/sh",
        "##tag ##other #third",
    ],
)
def test_tags_and_code_are_no_headings(text: str) -> None:
    assert labels(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "One line\nand two more.\n---",
        "One line\nand two more\n===",
        "It closes with a stop.\n---",
        "Total | Price\n---",
        "Regards\n--",
        "See below:\n-----",
        "Dear members,\nthe hall is shut\n---",
        "**Note:** shut;\n-----",
        "| a | b |\n---",
        "E\n=",
        "a\tb\n---",
        "*The hall is shut.*\n===",
        '"The hall is shut."\n---',
        "The hall is shut.[^1]\n---",
        "The hall is shut…\n---",
        "The hall is shut on all Mondays!\n---",
        "हॉल बंद है।\n---",
        "The hall is shut and\n---",
        "Der Saal und\n---",
        "word " * 20 + "word\n---",
    ],
)
def test_what_does_not_read_like_a_heading_is_text_over_a_rule(text: str) -> None:
    body = text.rpartition("\n")[0]
    assert outline(f"{text}\n\nend") == [("paragraph", body), ("paragraph", "end")]


@pytest.mark.parametrize(
    "formula",
    ["$$\nE\n=\nm\n$$", "$$ E\n- c $$", "\\[\n# E\n=\n\\]", "\\begin{a*}\nE\n-\n\\end{a*}"],
)
def test_a_formula_is_one_block(formula: str) -> None:
    assert outline(f"a\n{formula}\nb") == [
        ("paragraph", "a"),
        ("code", formula),
        ("paragraph", "b"),
    ]


def test_an_open_formula_and_one_with_blank_lines_are_text() -> None:
    assert labels("$$\n\n# A\n\n$$") == [("heading", 1, "A")]
    assert labels("Cheap: $$\n\n# A\n\nx") == [("heading", 1, "A")]


def test_a_placeholder_in_a_heading_is_a_word_and_a_tag_is_not() -> None:
    assert [label for *_, label in labels("# Set <name> to <b>on</b>")] == ["Set <name> to on"]


@pytest.mark.parametrize(
    "title",
    ["Welcome!", "What is it for", "Release 1.2", "**Bold**", "v2.0 (2024-05-01)", "開館時間"],
)
def test_a_short_line_over_a_rule_is_a_heading(title: str) -> None:
    assert labels(f"{title}\n---\n\nx") == [("heading", 2, title.strip("*"))]


@pytest.mark.parametrize("tight", [False, True])
def test_a_kept_parser_has_arranged_its_rules(tight: bool) -> None:
    parser = parser_of(tight)
    inline = parser.inline
    for ruler in (parser.core.ruler, parser.block.ruler, inline.ruler, inline.ruler2):
        assert ruler.__cache__
