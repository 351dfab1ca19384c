from __future__ import annotations

import pytest

from rag.documents.line_kinds import are_records, is_boilerplate, is_question


@pytest.mark.parametrize(
    "text",
    [
        "Ann, room 1\nBob, room 2",
        "a\t1\nb\t2",
        "10:04 Ann: hello\n10:05 Bob: hello\n10:06 Ann: so it goes",
        "Roses are red\nViolets are blue\nSugar is sweet",
        "[1] one\n[2] two\n\n[3] three",
        "Ann: Yes. I will.\nBob: No. Never!\nCid: Well. So be it.",
    ],
)
def test_lines_that_open_like_entries_are_records(text: str) -> None:
    assert are_records(text, 0, len(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "One line.",
        "The river rose in\nMay and fell in June.",
        "The river rose in May\nand fell in June, when\nthe rain had ended.",
        "漢字\n漢字\n漢字",
        "Plants give off O\n2 by day. At night they take in CO\n2 and grow. Fish need O\n2 too.",
        "Der Saal ist am Montag\nBesetzt. Am Dienstag ist der\nVerein dort, am Mittwoch der Chor.",
    ],
)
def test_wrapped_prose_is_no_records(text: str) -> None:
    assert not are_records(text, 0, len(text))


@pytest.mark.parametrize(
    "line",
    [
        "Source: <https://example.org/page>",
        "**Source:** Health Board <http://example.org>",
        "<small>Source: https://example.org/page</small>",
        "Original article: https://example.org/page",
        "Quelle: https://example.org/seite",
        "来源：https://example.org/page",
        "Last reviewed: 3 May 2024",
        "*Page last updated on 2024-05-03.*",
        "This page was last modified May 3, 2024",
        "Last reviewed by the board on 3 May 2024",
        "Page last reviewed: 3 May 2024\nNext review due: 3 May 2027",
        "© 2024 The Board",
        "Copyright 2024 The Board. All rights reserved.",
    ],
)
def test_lines_about_the_page_are_boilerplate(line: str) -> None:
    assert is_boilerplate(line)


@pytest.mark.parametrize(
    "line",
    [
        "Source: the river Thames",
        "The source is https://example.org, and it says that prices rise.",
        "Last reviewed prices apply to all tickets that were sold in the spring of 2024.",
        "Last updated firmware: none",
        "Read more: the book of herons",
        "Copyrighted works may be lent.",
        "Last reviewed: 3 May 2024\nThe fee is 5 euros.",
        "",
    ],
)
def test_other_lines_are_not(line: str) -> None:
    assert not is_boilerplate(line)


def test_a_question_mark_may_stand_within_emphasis_but_not_in_quotes() -> None:
    assert all(map(is_question, ["Why?", "**Why?**", "Why? ", "为什么？"]))
    assert not any(map(is_question, ["Why", 'Read "Why?"', "Why? So."]))
