from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.documents.passages import WordPieces, passages_of
from rag.documents.readers.markdown import markdown_blocks
from rag.documents.readers.plain_text import paragraph_blocks, plain_blocks
from rag.documents.sections import sections_of
from rag.types import Block, Document, ParsedDocument, Passage


def words(text: str) -> list[tuple[int, int]]:
    """A piece for each word and each sign."""
    return [piece.span() for piece in re.finditer(r"\w+|[^\w\s]", text)]


def letters(text: str) -> list[tuple[int, int]]:
    """A piece for each letter; but a word of more than 100 letters is one, as in WordPiece."""
    return [piece.span() for piece in re.finditer(r"\w{101,}|\S", text)]


def parsed(text: str, blocks: tuple[Block, ...], title: str = "T") -> ParsedDocument:
    return ParsedDocument(Document("d", title, "d", "text/plain", text, "s", "r"), blocks)


def split(text: str, limit: int, title: str = "T") -> list[Passage]:
    document = parsed(text, markdown_blocks(text)[1], title)
    return passages_of(document, sections_of(document), words, limit)


def texts(text: str, limit: int) -> list[str]:
    return [passage.text for passage in split(text, limit)]


def test_a_section_that_fits_is_one_passage_without_its_heading() -> None:
    text = "# A\n\nOne two.\n\n- three\n\nFour.\n\n## B\n\nFive."
    first, second = split(text, 20)
    assert (first.text, first.context) == ("One two.\n\n- three\n\nFour.", "T > A")
    assert (second.text, second.context) == ("Five.", "T > A > B")
    assert (first.start, first.end, first.section_id) == (5, 29, "d#a")
    assert first.id == "p" + hashlib.sha256(b"d\ns\n5\n29").hexdigest()[:16]


def test_blocks_stay_whole_and_passages_are_even_in_size() -> None:
    text = "a a a a\n\nb b b b\n\nc c c c\n\nd d d d"
    assert texts(text, 14) == ["a a a a\n\nb b b b", "c c c c\n\nd d d d"]


def test_a_list_keeps_its_lead_in() -> None:
    text = "One two three four five.\n\nThe steps:\n\n- a b\n- c d\n- e f"
    assert texts(text, 14) == ["One two three four five.", "The steps:\n\n- a b\n- c d\n- e f"]


def test_a_long_list_is_divided_at_items_and_its_lead_in_stays_with_the_first() -> None:
    text = "One two. The steps are\n\n- a b\n- c d\n- e f\n- g h"
    assert texts(text, 9) == ["One two.", "The steps are\n\n- a b", "- c d\n- e f", "- g h"]


def test_a_lead_in_too_long_to_stay_does_not_break_up_what_follows() -> None:
    text = "One two three four five six seven eight:\n\n- a b\n- c d e"
    assert texts(text, 11) == ["One two three four five six seven eight:", "- a b\n- c d e"]


def test_a_quotation_stays_with_the_line_that_announces_it() -> None:
    text = "One two three four five six.\n\nShe said:\n\n> a b c d"
    assert texts(text, 10) == ["One two three four five six.", "She said:\n\n> a b c d"]


def test_later_parts_of_a_table_have_its_header_in_their_context() -> None:
    rows = "\n".join(f"| r{i} | v{i} |" for i in range(6))
    first, second = split(f"| Key | Value |\n|-----|-------|\n{rows}", 40)
    assert first.context == "T" and first.text.endswith("| r0 | v0 |\n| r1 | v1 |")
    assert second.context == "T\n| Key | Value |" and second.text == rows[-47:]


def test_a_long_paragraph_is_divided_between_sentences() -> None:
    text = "A b c d. E f g h. I j k l. M n o p."
    assert texts(text, 12) == ["A b c d. E f g h.", "I j k l. M n o p."]


def test_a_long_sentence_is_divided_between_words_and_a_long_word_within() -> None:
    assert texts("a b c d e f g h i j k l", 9) == ["a b c d e f", "g h i j k l"]
    assert "".join(texts("." * 30, 9)) == "." * 30
    assert max(map(len, texts("." * 30, 9))) <= 8


def test_a_word_without_end_does_not_make_an_endless_passage() -> None:
    found = texts("x" * 10_000, 9)
    assert "".join(found) == "x" * 10_000
    assert max(map(len, found)) <= 800


def test_a_cut_that_makes_more_pieces_than_were_counted_is_followed_by_finer_ones() -> None:
    text = "a b c d e " + "x" * 1200
    document = parsed(text, paragraph_blocks(text), title="")
    found = passages_of(document, sections_of(document), letters, 8)
    assert found[0].text == "a b c d e" and len(found[1].text) <= 8 < len(found[-1].text)
    assert all(len(letters(passage.text)) <= 8 for passage in found)
    assert " ".join(passage.text for passage in found).replace("x x", "xx") == text


def test_a_pair_is_one_passage_and_its_question_is_no_context() -> None:
    (found,) = split("## FAQ\n\n### Why so?\n\nBecause.", 20)
    assert (found.text, found.context) == ("### Why so?\n\nBecause.", "T > FAQ")


def test_later_parts_of_a_long_answer_have_the_question_in_their_context() -> None:
    first, second = split("## FAQ\n\n### Why so?\n\nA b c d e f g h. I j k l m n.", 24)
    assert (first.text, first.context) == ("### Why so?\n\nA b c d e f g h.", "T > FAQ")
    assert (second.text, second.context) == ("I j k l m n.", "FAQ > Why so?")


def test_context_takes_a_quarter_at_most_and_its_outermost_parts_go_first() -> None:
    assert split("# A\n\n## B c\n\nText.", 20)[0].context == "A > B c"
    assert split("# A\n\n## B c\n\nText.", 12)[0].context == "B c"
    assert split("# A\n\n## B c d e f\n\nText.", 12)[0].context == "B c d"
    assert split("# A\n\n## Bcdefg\n\nText.", 12, title="")[0].context == "A > Bcdefg"
    document = parsed("Text.", paragraph_blocks("Text."), title="abc defgh")
    assert passages_of(document, sections_of(document), letters, 20)[0].context == "abc"
    document = parsed("Text.", paragraph_blocks("Text."), title="")
    assert passages_of(document, sections_of(document), words, 8)[0].context == ""


def test_faq_questions_may_be_longer_than_the_window() -> None:
    question = "a b c d e f g h i j k l m n?"
    found = texts(f"Q: {question}\nA: o p.", 12)
    assert " ".join(found).split() == f"Q: {question} A: o p.".split()


def test_a_heading_with_nothing_under_it_is_a_passage() -> None:
    first, second = split("# T\n\n## A b\n\n***\n\n## C\n\nd", 20)
    assert (first.text, first.context) == ("## A b", "T")
    assert (second.text, second.context) == ("d", "T > C")


def test_a_heading_whose_label_is_cut_short_stays_with_its_text() -> None:
    heading = f"## {'long ' * 80}end"
    assert [p.text for p in split(f"{heading}\n\ntext", 400)] == [f"{heading}\n\ntext"]


def rows(first: int, last: int, form: str = "| {0} | v{0} |") -> str:
    return "\n".join(form.format(i) for i in range(first, last))


@pytest.mark.parametrize(
    ("opening", "form", "header"),
    [
        ("| Key | Value |\n|---|---|\n", "| {0} | v{0} |", "| Key | Value |"),
        ("> | Key | Value |\n> |---|---|\n", "> | {0} | v{0} |", "| Key | Value |"),
        ("- a\n\n  | Key | Value |\n  |---|---|\n", "  | {0} | v{0} |", "| Key | Value |"),
        (
            "<table>\n<tr><th>Key</th><th>V</th></tr>\n",
            "<tr><td>{0}</td><td>v</td></tr>",
            "Key",
        ),
        ("+--+--+\n|Key|Value|\n+==+==+\n", "| {0} | v |\n+--+--+", "|Key|Value|"),
        ("Key\tValue\n", "{0}\tv{0}", "Key Value"),
    ],
)
def test_later_rows_have_the_header_of_their_table_above_them(
    opening: str, form: str, header: str
) -> None:
    end = "\n</table>" if "<table>" in opening else ""
    text = opening + rows(0, 12, form) + end
    read = markdown_blocks(text)
    document = parsed(text, read.blocks)
    first, *later = passages_of(document, sections_of(document), words, 90)
    assert header.split()[0] in first.text
    assert later and all(header in " ".join(p.context.split()) for p in later)
    starts = tuple(form.format(i).strip() for i in range(12))
    assert all(p.text.startswith(starts) for p in later)


def test_a_row_too_long_among_many_is_divided_once() -> None:
    rows = [f"| r{i} | {'word ' * (90 if i == 3 else 2)}|" for i in range(14)]
    found = split("\n".join(["| a | b |", "| - | - |", *rows]), 40)
    assert len({passage.id for passage in found}) == len(found)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_the_rows_of_a_long_table_are_divided_though_they_fit() -> None:
    table = "| Key | Value |\n|---|---|\n"
    assert len(split(table + rows(0, 10), 400)) == 1
    found = [len(re.findall(r"v\d", p.text)) for p in split(table + rows(0, 20), 400)]
    assert sum(found) == 20 and max(found) <= 10


def test_records_are_divided_between_lines_and_prose_between_sentences() -> None:
    records = "Ann, room 1\nBob, room 2\nCid, room 3\nDan, room 4"
    assert texts(records, 11) == ["Ann, room 1\nBob, room 2", "Cid, room 3\nDan, room 4"]
    prose = "A b c\nd e. F g\nh i."
    assert texts(prose, 9) == ["A b c\nd e.", "F g\nh i."]


@pytest.mark.parametrize(
    "form",
    [
        "{0},room,40{0}",
        "2024-05-{0}T10:00 Ann opened door {0}",
        "- [ ] oil the hinge of door {0}",
        "{0}. oil the hinge of the door",
        "street {0}, by the old port",
        "Soup of the day ...... {0}.50",
        "    Mill Street {0}, old quarter",
        "– oil the hinge of door {0}",
        "Zimmer {0}: 3 Betten, Blick auf See",
    ],
)
@pytest.mark.parametrize("blocks_of", [plain_blocks, lambda text: markdown_blocks(text).blocks])
def test_entries_of_any_form_stay_whole_lines(
    form: str, blocks_of: Callable[[str], tuple[Block, ...]]
) -> None:
    text = rows(10, 40, form)
    document = parsed(text, blocks_of(text))
    found = passages_of(document, sections_of(document), words, 60)
    lines = [line.strip() for passage in found for line in passage.text.splitlines()]
    assert len(found) > 1
    assert lines == [line.strip() for line in text.splitlines()]


def test_a_line_without_stops_is_cut_between_lines_before_words() -> None:
    assert texts("a b c d e\nf g h i j\nk l", 8) == ["a b c d e", "f g h i j\nk l"]


def test_lines_that_end_with_br_are_cut_there_before_words() -> None:
    assert texts("a b c<br>d e f<br>g h i", 8) == ["a b c<br>", "d e f<br>", "g h i"]


def test_lines_that_no_blank_line_parts_stay_together() -> None:
    cues = [f"{i}\n00:0{i}\nWord number {i}" for i in range(6)]
    text = "\n\n".join(cues)
    document = parsed(text, plain_blocks(text))
    found = [p.text for p in passages_of(document, sections_of(document), words, 20)]
    assert len(found) > 1 and "\n\n".join(found) == text
    assert all(cue in cues for part in found for cue in part.split("\n\n"))


@pytest.mark.parametrize("question", ["**Who pays?**", "1. Who pays?", "Who pays?"])
def test_a_question_on_a_line_of_its_own_stays_with_its_answer(question: str) -> None:
    text = f"One two three four five six.\n\n{question}\n\nThe guests do."
    assert texts(text, 13)[-1] == f"{question}\n\nThe guests do."


def test_what_is_hidden_parts_passages_and_is_in_none() -> None:
    text = "# T\n\na b <!-- c --> d\n\n- e\n- f\n  <!-- g -->\n- h\n\n<p><!-- i --></p>"
    read = markdown_blocks(text)
    document = replace(parsed(text, read.blocks), hidden=read.hidden)
    found = passages_of(document, sections_of(document), words, 40)
    assert [p.text for p in found] == ["a b", "d\n\n- e\n- f", "- h\n\n<p>"]


def test_boilerplate_has_no_context_and_stays_with_its_neighbours() -> None:
    source = "Source: <https://example.org/a>"
    first, second = split(f"# T\n\n{source}\n\n## A\n\nb", 30)
    assert (first.text, first.context) == (source, "")
    assert (second.text, second.context) == ("b", "T > A")


PIECES = ["# H\n", "## FAQ\n", "### Why?\n", "One two. Three!\n", "- item\n", "1. one\n", "lead:\n"]
PIECES += [
    "| a | b |\n",
    "|---|---|\n",
    "| 1 | 2 |\n",
    "```\n",
    "> q\n",
    "\r\n",
    "\r",
    "\n\n",
    "\t",
]
PIECES += [
    "Q: why?\n",
    "A: so.\n",
    "Title Line\n",
    "“Q.” – N\n",
    "\u2028",
    "\x85",
    "漢字。",
    "x" * 900,
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=25).map("".join)
Reader = Callable[[str], tuple[Block, ...]]
READERS: list[Reader] = [plain_blocks, paragraph_blocks, lambda text: markdown_blocks(text)[1]]


@settings(derandomize=True, max_examples=250, deadline=None)
@given(TEXTS, st.sampled_from(READERS), st.sampled_from([words, letters]), st.integers(8, 40))
def test_passages_are_exact_in_order_complete_and_fit(
    text: str, read: Reader, pieces: WordPieces, limit: int
) -> None:
    document = parsed(text, read(text))
    sections = sections_of(document)
    found = list(passages_of(document, sections, pieces, limit))
    inside = {section.id: section for section in sections}
    assert len(inside) == len(sections)
    assert all(a.end <= b.start for a, b in pairwise(found))
    for passage in found:
        section = inside[passage.section_id]
        assert section.start <= passage.start < passage.end <= section.end
        assert text[passage.start : passage.end] == passage.text == passage.text.strip()
        assert len(pieces(f"{passage.context}\n{passage.text}")) <= limit
    headings = [(b.start, b.end) for b in document.blocks if b.kind == "heading"]
    covered = sorted([*headings, *((p.start, p.end) for p in found)])
    end = 0
    for start, after in covered:
        assert not re.search(r"[^\W_]", text[end : max(start, end)])
        end = max(end, after)
    assert not re.search(r"[^\W_]", text[end:])


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("unit", "times"),
    [
        *((unit, 1_000_000) for unit in "a. 漢"),
        ("a b ", 50_000),
        (". x", 50_000),
        ("- a\n", 50_000),
    ],
)
def test_long_texts_are_divided_without_loss(unit: str, times: int) -> None:
    text = "x" + unit * times + "x"
    document = parsed(text, paragraph_blocks(text))
    found = passages_of(document, sections_of(document), words, 200)
    assert "".join("".join(passage.text.split()) for passage in found) == "".join(text.split())
