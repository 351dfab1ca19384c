from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.web.bodies import MAX_MEMBERS, MAX_VALUES, parse_json
from rag.web.problems import Problem

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text('ab"\\[{,é\n🎟'),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text('a"\\,'), inner, max_size=5)
    ),
    max_leaves=20,
)


def code_of(body: str | bytes) -> str:
    with pytest.raises(Problem) as caught:
        parse_json(body if isinstance(body, bytes) else body.encode())
    return caught.value.code


@given(values, st.booleans())
def test_what_json_writes_is_read(value: object, ascii: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii).encode()) == value


@pytest.mark.parametrize("mark", ["[", "{", ",", '"', "\\\\", '\\"', '\\\\\\"[,{'])
@pytest.mark.parametrize("before", range(8))
def test_marks_within_text_are_no_values(mark: str, before: int) -> None:
    written = "x" * before + mark.replace('"', '\\"') if mark == '"' else "x" * before + mark
    text = written * 100_000
    assert parse_json(f'["{text}",1]'.encode()) == json.loads(f'["{text}",1]')


@pytest.mark.parametrize(
    "body",
    [
        "[" + "[]," * 2_000_000 + "[]]",
        "[" * 3_000_000,
        "[" + '"",' * 2_000_000 + '""]',
        '["\\\\' + '\\",' + '",' + "1," * MAX_VALUES + "1]",
        '["\\\\",' + "[]," * MAX_VALUES + "1]",
        "[" + "{}," * MAX_VALUES + "{}]",
        "[" + "1," * (MAX_VALUES + 1) + "1]",
    ],
)
def test_more_values_than_any_request_needs_are_refused(body: str) -> None:
    assert code_of(body) == "too_many_values"


def test_as_many_values_as_are_allowed_are_read() -> None:
    assert parse_json(b"[" + b"1," * (MAX_VALUES - 1) + b"1]") == [1] * MAX_VALUES


def test_object_has_so_many_members_and_no_more() -> None:
    members = {f"k{n}": n for n in range(MAX_MEMBERS)}
    assert parse_json(json.dumps(members).encode()) == members
    assert code_of(json.dumps({**members, "more": 1})) == "too_many_values"
