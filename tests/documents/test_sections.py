from __future__ import annotations

import pytest

from rag.documents.readers.markdown import markdown_blocks
from rag.documents.readers.plain_text import plain_blocks
from rag.documents.sections import sections_of
from rag.types import Block, Document, ParsedDocument, Section
from support.places import ROOT

ARTICLE = ROOT.parent / "shared" / "article" / "car-t-lupus-article.txt"


def parsed(text: str, title: str, blocks: tuple[Block, ...]) -> ParsedDocument:
    return ParsedDocument(Document("d", title, "d", "text/plain", text, "s", "r"), blocks)


def sections(text: str) -> list[Section]:
    return sections_of(parsed(text, *markdown_blocks(text)[:2]))


def test_sections_end_where_the_next_heading_begins() -> None:
    text = "Intro.\n\n# A\n\none\n\n## B\n\ntwo\n"
    found = [(text[s.start : s.end], text[s.body_start : s.end]) for s in sections(text)]
    assert found == [
        ("Intro.\n\n", "Intro.\n\n"),
        ("# A\n\none\n\n", "one\n\n"),
        ("## B\n\ntwo\n", "two\n"),
    ]


def test_paths_go_from_the_outermost_heading_to_the_own_one() -> None:
    text = "# A\n\n## B\n\n1\n\n#### C\n\n2\n\n### D\n\n3\n\n# E\n\n4"
    assert [section.heading_path for section in sections(text)] == [
        *(("A", "B"), ("A", "B", "C"), ("A", "B", "D"), ("E",))
    ]


def test_the_title_is_no_part_of_the_paths() -> None:
    paths = [section.heading_path for section in sections("0\n\n# T\n\n1\n\n## A\n\n2")]
    assert paths == [(), (), ("A",)]
    with_front_matter = sections("---\ntitle: X\n---\n# T\n\n## A\n\n2")
    assert with_front_matter[0].heading_path == ("T", "A")


def test_a_heading_with_nothing_under_it_is_a_section_unless_deeper_ones_follow() -> None:
    text = "# T\n\n## A\n\n## B\n\ntext\n\n## C\n\n### D\n\n***\n\n### E\n\nQ: Why?\nA: So.\n\n## F"
    found = sections(text)
    assert [s.heading_path for s in found] == [
        *(("A",), ("B",), ("C", "D"), ("C", "E", "Why?"), ("F",))
    ]
    assert [s.kind for s in found] == ["body", "body", "body", "faq", "body"]


def test_a_title_alone_is_a_section() -> None:
    assert [s.heading_path for s in sections("# T")] == [()]


def test_pairs_are_sections_whose_body_is_the_answer() -> None:
    text = "# T\n\n## FAQ\n\nIntro.\n\n### Why?\n\nSo.\n\nQ: How?\nA: Thus."
    intro, why, how = sections(text)
    assert (intro.kind, intro.heading_path) == ("body", ("FAQ",))
    assert (why.kind, why.heading_path) == ("faq", ("FAQ", "Why?"))
    assert text[why.body_start : why.end] == "So.\n\n"
    assert (how.kind, how.heading_path) == ("faq", ("FAQ", "How?"))
    assert text[how.body_start : how.end] == "Thus."


def test_a_question_without_an_answer_is_body() -> None:
    text = "## FAQ\n\n### What?\n\nA:"
    assert [(s.kind, s.heading_path, s.body_start) for s in sections(text)] == [
        ("body", ("FAQ",), text.index("###"))
    ]


def test_ids_name_the_path_and_count_repeats() -> None:
    text = (
        "0\n\n# Über uns!\n\n1\n\n## B_b  c\n\n2\n\n# …\n\n3\n\n# …\n\n4\n\n# …-2\n\n5\n\n# …\n\n6"
    )
    assert [section.id for section in sections(text)] == [
        *("d#top", "d#über-uns", "d#über-uns/b-b-c"),
        *("d#section", "d#section-2", "d#2", "d#section-3"),
    ]


def test_an_id_that_a_heading_has_taken_is_not_given_twice() -> None:
    ids = [section.id for section in sections("# A\n\n1\n\n# A 2\n\n2\n\n# A\n\n3\n\n# A\n\n4")]
    assert ids == ["d#a", "d#a-2", "d#a-3", "d#a-4"]


def test_slugs_are_of_bounded_length() -> None:
    assert sections(f"# {'x' * 500}\n\n1\n\n# B\n\n2")[0].id == "d#" + "x" * 80


def test_a_document_without_blocks_has_no_sections() -> None:
    assert sections("") == []


@pytest.mark.skipif(not ARTICLE.exists(), reason="the original article is not beside the checkout")
def test_the_article_has_28_body_sections_and_8_pairs() -> None:
    text = ARTICLE.read_text(encoding="utf-8")
    found = sections_of(parsed(text, "car t lupus article", plain_blocks(text)))
    assert [section.kind for section in found] == ["body"] * 28 + ["faq"] * 8
    assert found[0].heading_path == () and found[0].id == "d#top"
    assert text[found[0].start : found[0].end].endswith("exhausted other therapeutic options.\n")
    assert found[-8].heading_path == ("FAQ", "What is CAR T cell therapy?")
    assert text[found[-8].body_start :].startswith("CAR T cell therapy is a new way")
