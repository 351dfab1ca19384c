"""Texts become nodes, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from service import create_app
from support.browser import needs_browser, watched
from support.running import running
from support.word_count_service import GUIDE, serving_of

pytestmark = needs_browser

# Each kind of block, and characters of two UTF-16 units.
MARKUP = """# 🚂 Fares & *rules*

Pay **3 euros** by `card`, see [terms](https://example.org/a) and [bad](javascript:alert(1)).

- One
  1. Two

| Who | Price |
| --- | --- |
| Adults 👩 | 3 |

> Said.

```
# code **as it is**
```
"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with (
        running(create_app(serving_of({"guide.md": GUIDE}))) as address,
        watched(browser, address) as page,
    ):
        page.goto("/")
        yield page


def test_every_node_shows_the_characters_at_its_offsets(page: Page) -> None:
    faults = page.evaluate(
        """async (text) => {
          const { Text, render, placeOf } = await import("/text.js");
          const points = Array.from(text);
          const types = ["text/markdown", "application/pdf", "text/plain"];
          return types.flatMap((type) => [false, true].flatMap((raw) => {
            const root = document.createElement("div");
            root.append(...render(new Text(type, text, 0, []), { raw }));
            const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
            const wrong = [];
            let last = 0;
            while (walker.nextNode()) {
              const { start, end } = placeOf(walker.currentNode);
              const said = points.slice(start, end).join("");
              if (said !== walker.currentNode.data || start < last) wrong.push([type, said]);
              last = end;
            }
            return last === 0 ? [type] : wrong;
          }));
        }""",
        MARKUP,
    )
    assert faults == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("### When does **it** leave?\n\nAt nine.", ["H3 When does it leave?", "P At nine."]),
        ("# comment\n\nAt nine.", ["P # comment", "P At nine."]),
    ],
)
def test_a_passage_begins_with_its_heading_alone(page: Page, text: str, shown: list[str]) -> None:
    assert shown == page.evaluate(
        """async (text) => {
          const { Text, render } = await import("/text.js");
          const passage = new Text("text/markdown", text, 0, null, "When does it leave?");
          return render(passage).map((node) => `${node.tagName} ${node.textContent}`);
        }""",
        text,
    )


def test_markdown_is_shown_as_a_document(page: Page) -> None:
    shown = page.evaluate(
        """async (text) => {
          const { Text, render } = await import("/text.js");
          const root = document.createElement("div");
          root.append(...render(new Text("text/markdown", text, 0, [])));
          return root.innerHTML;
        }""",
        MARKUP,
    )
    assert shown == (
        '<h3 class="level1">🚂 Fares &amp; <em>rules</em></h3>'
        "<p>Pay <strong>3 euros</strong> by <code>card</code>, see "
        '<a href="https://example.org/a" title="https://example.org/a" rel="noopener noreferrer" '
        'target="_blank">terms</a> and [bad](javascript:alert(1)).</p>'
        '<ul><li><p>One</p><ol><li value="1"><p>Two</p></li></ol></li></ul>'
        '<div class="table" tabindex="0" role="group" aria-label="Table"><table>'
        '<thead><tr><th scope="col">Who</th><th scope="col">Price</th>'
        "</tr></thead><tbody><tr><td>Adults 👩</td><td>3</td></tr></tbody></table></div>"
        "<blockquote><p>Said.</p></blockquote><pre># code **as it is**</pre>"
    )


def test_trees_of_many_blocks_and_of_long_blank_lines_are_made_in_time(page: Page) -> None:
    made = page.evaluate(
        """async () => {
          const { draftTree } = await import("/drafts.js");
          const { markdownTree } = await import("/markdown.js");
          const { put } = await import("/dom.js");
          const blank = `a\\n${" ".repeat(100000)}\\nb`;
          const lists = "- a\\n1. b\\n".repeat(70000);
          const rows = "a | b\\n".repeat(140000);
          return [
            draftTree({ text: blank, sections: [] }).length,
            markdownTree({ text: lists, sections: [] }).length,
            draftTree({ text: rows, sections: [] })[0].children.at(-1).children.length,
            put(document.createElement("p"), Array(140000).fill("a")).childNodes.length,
          ];
        }"""
    )
    assert made == [2, 140_000, 139_999, 140_000]
