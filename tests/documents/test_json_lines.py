"""JSON lines: what is read, and how each error names file, line and fix."""

from pathlib import Path

import pytest

from rag.documents.json_lines import json_lines
from rag.types.errors import UsageError


def write(folder: Path, raw: bytes) -> Path:
    path = folder / "questions.jsonl"
    path.write_bytes(raw)
    return path


def test_objects_come_with_their_line_numbers_and_blank_lines_do_not(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"a": 1}\n\n \r\n{"b": [2]}\r\n{"c": 3}')
    assert list(json_lines(path)) == [(1, {"a": 1}), (4, {"b": [2]}), (5, {"c": 3})]


def test_a_mark_at_the_beginning_of_a_joined_file_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, b'\xef\xbb\xbf{"a": 1}\n\xef\xbb\xbf{"a": 2}\n\xef\xbb\xbf\n')
    assert list(json_lines(path)) == [(1, {"a": 1}), (2, {"a": 2})]


def test_a_line_ends_at_a_line_feed_alone(tmp_path: Path) -> None:
    text = "One\u2028two\u0085three\x0cfour"
    path = write(tmp_path, f'{{"a": "{text[:-5]}"}}\n'.encode())
    assert list(json_lines(path)) == [(1, {"a": "One\u2028two\u0085three"})]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"not json", r"not JSON in UTF-8 \(Expecting value, column 1\)"),
        (b'{"a": "caf\xe9"}', r"not JSON in UTF-8 \(.* byte 0xe9 in position 10"),
        (b"[" * 200_000, r"not JSON in UTF-8 \("),
        (b"[1]", "no JSON object"),
        (b"3", "no JSON object"),
    ],
)
def test_a_line_that_is_no_object_is_named_with_the_form_of_a_line(
    tmp_path: Path, line: bytes, fault: str
) -> None:
    path = write(tmp_path, b'{"a": 1}\n' + line)
    expected = rf'questions\.jsonl:2: {fault}.*; write one \{{"a": 0\}} a line$'
    with pytest.raises(UsageError, match=expected):
        list(json_lines(path, '{"a": 0}'))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.jsonl cannot be read \(No such file"):
        list(json_lines(tmp_path / "none.jsonl"))
    with pytest.raises(UsageError, match=r"cannot be read \(Is a directory\): give"):
        list(json_lines(tmp_path))
