"""FAQ pairs from tables: what is read, and what is refused."""

import json
from pathlib import Path

import pytest

from eval.sets.faq import query_id, read_table, repeated
from rag.types.errors import UsageError


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_csv_is_read_with_quotes_line_breaks_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "faq.csv",
        '\ufeffid,question,answer,gold\n1,"A, b?","One\ntwo",x#top y#top\n2,C?,D,\n',
    )
    first, second = read_table(path)
    assert (first.question, first.answer, first.gold) == ("A, b?", "One\ntwo", ("x#top", "y#top"))
    assert (second.question, second.gold) == ("C?", ())


def test_a_jsonl_is_read_and_may_list_its_gold(tmp_path: Path) -> None:
    rows = [
        {"question": "A?", "answer": "B", "gold": ["x y#top"]},
        {"question": "C?", "answer": "D"},
    ]
    path = written(tmp_path, "faq.jsonl", "\n\n".join(map(json.dumps, rows)))
    assert [(pair.question, pair.gold) for pair in read_table(path)] == [
        ("A?", ("x y#top",)),
        ("C?", ()),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.csv",
            "frage,antwort\nA,B\n",
            "no column answer or question; the first line names frage",
        ),
        ("a.csv", "", "the first line names nothing"),
        ("a.csv", "question,answer\n", "holds no question"),
        ("a.csv", "question,answer\nA?,\n", "a.csv:2: no answer"),
        ("a.jsonl", '{"question": " ", "answer": "B"}', "a.jsonl:1: no question"),
        ("a.jsonl", "{", 'a.jsonl:1: not JSON .* write one {"question"'),
        ("a.jsonl", "[1]", "a.jsonl:1: no JSON object"),
        ("a.csv", "question,answer\n\udcff,b\n", "not UTF-8"),
    ],
)
def test_a_table_of_another_form_is_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=message):
        read_table(tmp_path / name)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"faq.csv cannot be read"):
        read_table(tmp_path / "faq.csv")


def test_a_question_is_the_same_whatever_its_case_and_marks(tmp_path: Path) -> None:
    assert query_id("What is it?") == query_id("what IS it ??")
    path = written(tmp_path, "f.csv", "question,answer\nWhat is it?,A\nOther?,B\nwhat is it,C\n")
    assert repeated(read_table(path)) == ["What is it?"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is R++ fast?", "Is R# fast?"),
        ("What is .ART?", "What is ART?"),
        ("What does + do?", "What does - do?"),
        ("Who is B*?", "Who is B?"),
        ("कल कब है?", "काल कब है?"),
        ("What is a_b?", "What is a b?"),
    ],
)
def test_questions_that_differ_in_a_sign_that_tells_are_two(one: str, other: str) -> None:
    assert query_id(one) != query_id(other)


def test_a_table_may_be_written_as_spreadsheets_do(tmp_path: Path) -> None:
    text = "Question; ANSWER; Gold\nWhy?; So, it is.; my notes.md#top b%20c.md#x\n;;\n"
    (pair,) = read_table(written(tmp_path, "faq.csv", text))
    assert (pair.question, pair.answer) == ("Why?", "So, it is.")
    assert pair.gold == ("my notes.md#top", "b c.md#x")


def test_a_bad_row_is_named_by_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "faq.csv", "question\tanswer\nWhy?\tSo.\nHow?\t\n")
    with pytest.raises(UsageError, match=r"faq.csv:3: no answer"):
        read_table(path)
