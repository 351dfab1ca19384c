from __future__ import annotations

from rag.text.lines import LineIndex, line_spans, trimmed


def test_lines_end_at_lf_crlf_and_lone_cr_and_at_nothing_else() -> None:
    text = "a\nb\r\nc\rd\u2028e\x85f\x0cg\x0bh"
    spans = line_spans(text)
    assert [text[start:end] for start, end in spans] == ["a", "b", "c", "d\u2028e\x85f\x0cg\x0bh"]


def test_a_text_that_closes_with_a_line_end_has_an_empty_last_line() -> None:
    assert line_spans("a\n") == [(0, 1), (2, 2)]
    assert line_spans("") == [(0, 0)]


def test_lines_of_a_part_are_counted_in_the_whole_text() -> None:
    assert line_spans("ab\ncd\nef", 1, 7) == [(1, 2), (3, 5), (6, 7)]


def test_line_of_counts_from_one_and_gives_a_line_end_to_its_line() -> None:
    index = LineIndex.of("a\r\nb\n\nc")
    assert [index.line_of(offset) for offset in range(8)] == [1, 1, 1, 2, 2, 3, 4, 4]


def test_trimmed_drops_the_blank_around_a_span() -> None:
    assert trimmed("x  \tab \u2028y", 1, 8) == (4, 6)
    start, end = trimmed("  ", 0, 2)
    assert start == end
