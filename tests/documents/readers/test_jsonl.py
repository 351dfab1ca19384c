from __future__ import annotations

import hashlib

import pytest

from rag.documents.readers.jsonl import BadLine, JsonRecord, records


def found(raw: bytes) -> list[tuple[int, str, str, str]]:
    """Line, id, title and text of each record."""
    read = records(raw)
    return [(r.line, r.id, r.title, r.text) for r in read if isinstance(r, JsonRecord)]


def test_each_line_is_a_document_and_blank_lines_are_passed_over() -> None:
    raw = (
        '\ufeff{"_id": "1", "title": " A\\n b ", "text": "c\u2028d"}\r\n\n{"_id": "2", "text": "e"}'
    )
    assert found(raw.encode()) == [(1, "1", "A b", "c\u2028d"), (3, "2", "2", "e")]


def test_a_title_stands_in_for_an_empty_text_and_both_may_be_empty() -> None:
    raw = b'{"_id": "1", "title": "A", "text": " "}\n{"_id": "2", "title": "", "text": null}'
    assert found(raw) == [(1, "1", "A", "A"), (2, "2", "2", "")]


def test_a_record_has_the_digest_of_its_line() -> None:
    line = b'{"_id": "1", "text": "a"}'
    assert [r.sha256 for r in records(line + b"\n") if isinstance(r, JsonRecord)] == [
        hashlib.sha256(line).hexdigest()
    ]


def test_each_of_joined_files_may_begin_with_a_mark() -> None:
    raw = '\ufeff{"_id": "1", "text": "a"}\n\ufeff{"_id": "2", "text": "b"}\n'
    assert [id for _, id, _, _ in found(raw.encode())] == ["1", "2"]


def test_a_long_title_is_shortened_and_stands_whole_as_text() -> None:
    ((_, _, title, text),) = found(b'{"_id": "1", "title": "%s"}' % (b"word " * 1000))
    assert (len(title), title[-5:], len(text)) == (300, "word…", 4999)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"{]", "not JSON in UTF-8 (Expecting property name enclosed in double quotes, column 2)"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"_id": ' + b"1" * 5000 + b"}", "not JSON"),
        (b"[]", "no JSON object"),
        (b'{"text": "a"}', "no `_id`"),
        (b'{"_id": "%s"}' % (b"x" * 501), "`_id` has 501 characters, at most 500 are read"),
        (b'{"_id": 7, "text": "a"}', "`_id` is 7, not a string"),
        (b'{"_id": "1", "text": ["a"]}', "`text` is ['a'], not a string"),
        (b'{"_id": "1", "text": "\\ud800"}', "`text` holds half a surrogate pair"),
    ],
)
def test_a_line_that_is_no_document_says_why_and_the_next_is_read(
    line: bytes, complaint: str
) -> None:
    first, bad, last = records(b'{"_id": "1"}\n' + line + b'\n{"_id": "2"}')
    assert isinstance(first, JsonRecord) and isinstance(last, JsonRecord)
    assert isinstance(bad, BadLine)
    assert bad.line == 2 and bad.reason.startswith(complaint)
