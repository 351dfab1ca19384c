"""What is shown of a passage: its words, without the signs of Markdown."""

from __future__ import annotations

import pytest
from rich.style import Style
from rich.text import Text

from rag.cli.rendering import rendered


def shown(text: str, width: int = 80, is_markdown: bool = True) -> str:
    return rendered(Text(text), width, is_markdown=is_markdown).plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("## Fares\n\nA trip is **free**.", "Fares\n\nA trip is free."),
        ("See [the *plan*](https://x.org \"t\") and ![a map](m.png).", "See the plan and a map."),
        ("Run `a **b**` or <https://example.org>.", "Run a **b** or https://example.org."),
        ("2 * 3 * 4, snake_case_name, a_b and \\*x\\*", "2 * 3 * 4, snake_case_name, a_b and *x*"),
        ("- one\n- __two__\n  1. three", "- one\n- two\n  1. three"),
        ("```\n# not a *heading*\n| a |\n```\n*end*", "# not a *heading*\n| a |\nend"),
        ("**bold _and [link](x)_**", "bold and link"),
        ("a | b", "a | b"),
        ("", ""),
        ("ends with a line\n", "ends with a line\n"),
    ],
)  # fmt: skip
def test_signs_of_markdown_are_not_shown_and_words_are(text: str, plain: str) -> None:
    assert shown(text) == plain


TABLE = "| Day | Opens |\n| --- | :---: |\n| Monday | *nine* |\n| Sunday | noon \\| one |"


def test_a_table_is_shown_in_columns() -> None:
    assert shown(TABLE) == "Day    | Opens\nMonday | nine\nSunday | noon | one"


def test_a_table_that_is_too_wide_keeps_its_cells_together() -> None:
    assert shown(TABLE, width=10) == "Day | Opens\nMonday | nine\nSunday | noon | one"


def test_rows_of_other_formats_are_shown_in_columns() -> None:
    rows = "Day | Opens\nMonday | *nine*"
    assert shown(rows, is_markdown=False) == "Day    | Opens\nMonday | *nine*"
    assert shown("one | row", is_markdown=False) == "one | row"


def test_text_of_other_formats_is_shown_as_it_is() -> None:
    text = "# 5 **stars** [a](b)"
    assert shown(text, is_markdown=False) == text


def test_dividers_alone_are_no_table() -> None:
    assert shown("| --- |\n| --- |") == "| --- |\n| --- |"


def test_a_style_stays_on_its_words() -> None:
    text = Text("- It is **very [cheap](https://example.org)** today.")
    text.stylize("green", text.plain.index("It"), text.plain.index(" today"))
    found = rendered(text, 80, is_markdown=True)
    assert found.plain == "- It is very cheap today."
    green = "".join(found.plain[s.start : s.end] for s in found.spans if s.style == "green")
    assert green == "It is very cheap"


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://example.org/a", True),
        ("mailto:a@example.org", True),
        ("javascript:alert(1)", False),
        ("https://example.org/a_(b)", True),
        ("file:///etc/passwd", False),
        ("https://example.org/\x1b]8;;", False),
        ("page.md", False),
    ],
)
def test_only_web_addresses_without_controls_are_links(url: str, is_link: bool) -> None:
    found = rendered(Text(f"[here]({url})"), 80, is_markdown=True)
    assert found.plain == "here"
    links = [span.style.link for span in found.spans if isinstance(span.style, Style)]
    assert links == ([url] if is_link else [])
