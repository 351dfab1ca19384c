import numpy as np
import pytest

from rag.index.sentence_spans import markable, markable_from, marks, sentences_of
from rag.types import Passage, Section

# A word is a word piece, as is a full stop.
TEXT = "Ants run. Bees fly."
PIECES = [(0, 4), (5, 8), (8, 9), (10, 14), (15, 18), (18, 19)]


def test_each_sentence_has_its_span_and_the_rows_of_its_tokens() -> None:
    assert sentences_of(TEXT, 0, PIECES, 6).tolist() == [[0, 9, 0, 3], [10, 19, 3, 6]]


def test_the_rows_of_the_context_come_first() -> None:
    assert sentences_of(TEXT, 0, PIECES, 8).tolist() == [[0, 9, 2, 5], [10, 19, 5, 8]]


def test_what_lies_before_the_start_is_no_sentence() -> None:
    assert sentences_of(TEXT, 9, PIECES, 6).tolist() == [[10, 19, 3, 6]]


@pytest.mark.parametrize("start", [0, 3])
def test_a_sentence_without_tokens_cannot_be_marked(start: int) -> None:
    assert sentences_of("Ants.\n\n\u200b", start, [(0, 4), (4, 5)], 2).tolist() == [
        [start, 5, start and 1, 2]
    ]
    found = sentences_of("\u200b", 0, [], 0)
    assert (found.shape, found.dtype) == ((0, 4), np.int32)


def test_tokens_that_were_cut_off_are_no_rows() -> None:
    assert sentences_of(TEXT, 0, PIECES, 0).tolist() == []


def test_marks_are_those_of_the_passage() -> None:
    one, two = (sentences_of(TEXT, start, PIECES, 6) for start in (0, 9))
    found = marks([one, two[:0], two])
    assert found.starts.tolist() == [0, 2, 2, 3]
    assert [len(found.of(at)) for at in range(3)] == [2, 0, 1]
    assert found.of(2).tolist() == two.tolist()
    assert (marks([]).sentences.shape, marks([]).starts.tolist()) == ((0, 4), [0])


@pytest.mark.parametrize(
    ("kind", "body", "start"),
    [("body", 14, 0), ("faq", 14, 4), ("faq", 5, 0), ("faq", 99, 10)],
)
def test_of_an_faq_pair_only_the_answer_can_be_marked(kind: str, body: int, start: int) -> None:
    section = Section("s", "d", (), 0, 99, kind, body)
    assert markable_from(Passage("p", "d", "s", 10, 20, "x" * 10, ""), section) == start


def units(text: str) -> list[str]:
    return [text[start:end] for start, end in markable(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann, room 1\nBob, room 2", ["Ann, room 1", "Bob, room 2"]),
        ("Ann, one\nBob, two\nand three\nCid, four", ["Ann, one\nBob, two\nand three\nCid, four"]),
        ("A bird sang in\nMay and left.", ["A bird sang in\nMay and left."]),
        ("<tr><td>a</td></tr><tr><td>b</td></tr>", ["<tr><td>a</td></tr>", "<tr><td>b</td></tr>"]),
        ("Who pays?\n\nThe guest.", ["The guest."]),
        ("1. Who pays?\n\nThe guest.", ["The guest."]),
        ("Host: Who pays?\nGuest: I do.", ["Guest: I do."]),
        ("Why not? It rains.", ["Why not?", "It rains."]),
        ("Who pays?\n\nWho sings?", ["Who pays?", "Who sings?"]),
        ("It rains.\n\nLast reviewed: 3 May 2024", ["It rains."]),
        ("Source: http://example.org", ["Source: http://example.org"]),
    ],
)
def test_lines_rows_and_sentences_that_may_answer_can_be_marked(
    text: str, expected: list[str]
) -> None:
    assert units(text) == expected


def test_lines_that_go_on_belong_to_the_record_above() -> None:
    lines = [f"Guest {i}, room {i}" for i in range(12)]
    lines[5] += "\nwith a view"
    assert units("\n".join(lines)) == lines


TABLE = "Garage | Spaces | Price\nNorth | 140 | 62 EUR\nHarbour | 35 | 88 EUR"


def test_the_header_of_a_table_of_numbers_answers_nothing() -> None:
    assert units(TABLE) == ["North | 140 | 62 EUR", "Harbour | 35 | 88 EUR"]


def test_the_header_of_a_markdown_table_answers_nothing() -> None:
    rows = ["| Heron | Croaks |", "| Stork | None |"]
    assert units("\n".join(["| Bird | Song |", "| --- | :-: |", *rows])) == rows


@pytest.mark.parametrize(
    "text",
    [
        TABLE.replace("Spaces", "Spaces 2025"),
        TABLE.replace("Harbour | 35", "Harbour"),
        "Bird | Song\nHeron | Croaks\nStork | None",
    ],
)
def test_the_first_row_of_other_lines_may_answer(text: str) -> None:
    assert units(text) == text.split("\n")
