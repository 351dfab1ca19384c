"""No text is ever lost: what is in no passage and no heading, the build names."""

from __future__ import annotations

import random
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.documents.parse import parse
from rag.documents.passages import passages_of
from rag.documents.sections import sections_of

WORD = re.compile(r"[^\W_]+")
TAG = re.compile(r"</?[a-z]+>")


def lost(name: str, text: str, limit: int = 30) -> list[str]:
    """The words of a file that stand in no passage, heading path, title or hidden part."""
    (read,) = parse(name, text.encode()).documents
    text = read.document.text
    sections = sections_of(read)
    found = passages_of(read, sections, lambda part: [w.span() for w in WORD.finditer(part)], limit)
    used = {passage.section_id for passage in found}
    named = [read.document.title, *(p for s in sections if s.id in used for p in s.heading_path)]
    headed = set(WORD.findall(" ".join(named)))
    spans = [(each.start, each.end) for each in (*read.hidden, *found)]
    # Around what is hidden, tags without words are left, in no passage.
    spans += [tag.span() for tag in TAG.finditer(text)] if read.hidden else []
    headings = [(block.start, block.end) for block in read.blocks if block.kind == "heading"]
    return [
        word[0]
        for word in WORD.finditer(text)
        if not any(start <= word.start() < end for start, end in spans)
        and not (any(start <= word.start() < end for start, end in headings) and word[0] in headed)
    ]


# Of what texts are made; `%` becomes the number of the piece.
PIECES = [
    *("# H%\n", "## H%\n", "### W%?\n", "## FAQ\n", "H%\n===\n", "a% b\nc\n---\n", "##T%\n"),
    *("Word% a. B!\n", "- i%\n", "1. i%\n", "  - j%\n", "1. H% a\n\n", "| a% | b |\n"),
    *("|---|---|\n", "> q%\n", "```\n", "c%\n", "    d%\n", "Q: q%?\n", "A: a%\n", "**q%?**\n"),
    *("***\n", "---\n", "title: t%\n", "<!-- c%", "-->\n", "{/* m% */}", "<p>\n", "<script>"),
    *("</script>\n", "$$\n", "=\n", "[r%]: u%\n", "[//]: # (x%)\n", "\n\n", "\n", "\ufeff"),
    *("\u200b", "\u00a0", "Title Line %\n", "“Q%.” – N\n", "Source: http://a.b/%\n", "k%\t1\n"),
    *("lead%:\n", "漢字。", "`c%`", "x" * 120, "\\[\n", "<tr><th>h%</th></tr>\n", "<table>\n"),
]
PIECE = st.integers(0, 4 * len(PIECES)).flatmap(
    lambda at: st.sampled_from(PIECES) if at else st.text(max_size=6)
)
TEXTS = st.lists(PIECE, min_size=1, max_size=25)


@settings(derandomize=True, max_examples=800, deadline=None)
@given(TEXTS, st.sampled_from(["", "\n\n"]), st.sampled_from(["a.md", "a.txt"]), st.integers(8, 40))
def test_no_word_is_lost(pieces: list[str], between: str, name: str, limit: int) -> None:
    text = between.join(piece.replace("%", str(i)) for i, piece in enumerate(pieces))
    if WORD.search(text) and "\0" not in text:
        assert lost(name, text, limit) == []


HANDBOOK = """---
title: Handbook
---

# Handbook

## Returns

Goods are taken back within 45 days,
if the seal is whole.
---

| Code | Price |
|------|-------|
| A1   | 3     |

1. Open the lid.
2. Close it.

<!-- 30 days until 2020 -->

## Codes

### E17: change the fuse

### E18: call 4411

FAQ
---

**Who pays?**

The guest does.
"""


@pytest.mark.parametrize("name", ["a.md", "a.txt"])
def test_no_word_of_a_mutated_handbook_is_lost(name: str) -> None:
    chance = random.Random(7)
    for _ in range(300):
        lines = HANDBOOK.split("\n")
        for _ in range(chance.randint(1, 6)):
            at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
            lines[at : at + chance.randint(0, 2)] = chance.choice([[], [lines[other]], [""]])
        text = "\n".join(lines)
        if WORD.search(text):
            assert lost(name, text) == [], text


def test_the_offsets_of_a_passage_are_those_of_the_text() -> None:
    raw = "# A\n\n![b](data:image/png;base64,AAAA) c\n"
    (read,) = parse("a.md", raw.encode()).documents
    assert read.document.text == "# A\n\n![b](data:image/png;base64,…) c\n"
    assert [(each.kind, each.start == each.end) for each in read.hidden] == [("encoded data", True)]
    assert all(a.end <= b.start for a, b in pairwise(read.blocks))
