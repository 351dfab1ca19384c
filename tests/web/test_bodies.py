from __future__ import annotations

import json

import anyio
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from rag.serving.live import Serving
from rag.web.bodies import MAX_MEMBERS, MAX_VALUES, parse_json, read_body
from rag.web.problems import Problem
from service import create_app
from support.client import asked, call, check_problem

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


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("", 400, "malformed_json"),
        ("hello", 400, "malformed_json"),
        ('{"question":"a",}', 400, "malformed_json"),
        ('{"question":"a"} x', 400, "malformed_json"),
        ('{"question":"a","top_k":NaN}', 400, "malformed_json"),
        ('{"question":"a","top_k":-Infinity}', 400, "malformed_json"),
        ('{"question":"a\tb"}', 400, "malformed_json"),
        ('{"question":"a","top_k":' + "9" * 5000 + "}", 400, "malformed_json"),
        ('{"question":"a","top_k":1e400}', 400, "number_out_of_range"),
        ('\ufeff{"question":"a"}', 400, "malformed_json"),
        ('{"question":"a"}'.encode("utf-16"), 400, "not_utf8"),
        ('{"question":"a"}'.encode("utf-16-le"), 400, "malformed_json"),
        ('{"question":"é"}'.encode("latin-1"), 400, "not_utf8"),
        (b'{"question":"\xed\xa0\x80"}', 400, "not_utf8"),
        ("[" * 65 + "]" * 65, 422, "invalid_request"),
        ("[" * 66 + "]" * 66, 400, "too_deep"),
        ("[" * 8000 + "]" * 8000, 400, "too_deep"),
        (r'{"question":"a\ud800b"}', 422, "invalid_unicode"),
        (r'{"question":"a","x":["\udfff"]}', 422, "invalid_unicode"),
        (r'{"question":"a","\ud800":1}', 422, "invalid_unicode"),
        ('{"question":"a","question":"b"}', 422, "duplicate_key"),
        ('{"question":"a","filters":{"section":"x","section":"y"}}', 422, "duplicate_key"),
        ("[]", 422, "invalid_request"),
        ("null", 422, "invalid_request"),
        ('"question"', 422, "invalid_request"),
    ],
)
def test_strange_bodies_are_refused(
    client: TestClient, body: bytes | str, status: int, code: str
) -> None:
    check_problem(asked(client, body), status, code)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"question": "a",\n "top_k": 1,}', "illegal trailing comma before end of object at line"),
        ('{"question": secret}', "expecting value at line 1, column 14"),
        ('{"question": "a"} x', "extra data at line 1, column 19"),
        ('{"question": "a\nb"}', "invalid control character at line 1, column 16"),
        ('{"top_k":' + "9" * 5000 + "}", "a number has too many digits"),
        ('\ufeff{"question": "a"}', "it begins with a byte-order mark"),
        (b'{"question":"\xe9"}', "the body is not UTF-8: see byte 14"),
    ],
)
def test_malformed_body_is_told_where(client: TestClient, body: bytes | str, detail: str) -> None:
    told = asked(client, body).json()["detail"]
    assert "secret" not in told
    if "illegal" in detail:
        # Python 3.13 tells it so, and earlier ones as a missing name.
        assert "at line 2, column 1" in told
    else:
        assert told.endswith(detail)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/problem+json",
        "json",
    ],
)
def test_other_content_types_are_refused(client: TestClient, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = client.post("/ask", content=b'{"question":"a"}', headers=headers)
    check_problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    [
        "Application/JSON",
        "application/json;",
        *(
            f"application/json; charset={name}"
            for name in ("UTF-8", "utf8", "UTF_8", "u8", "'utf-8'", '"Utf-8"', "cp65001", "", '""')
        ),
    ],
)
def test_json_may_name_its_charset(client: TestClient, content_type: str) -> None:
    response = asked(client, '{"question":"a"}', **{"content-type": content_type})
    assert response.status_code == 200


@pytest.mark.parametrize("encoding", ["", "identity", "Identity", ", identity"])
def test_body_that_is_not_encoded_may_say_so(client: TestClient, encoding: str) -> None:
    assert asked(client, '{"question":"a"}', **{"content-encoding": encoding}).status_code == 200


def test_compressed_bodies_are_refused(client: TestClient) -> None:
    response = asked(client, b"\x1f\x8b", **{"content-encoding": "gzip"})
    check_problem(response, 415, "unsupported_encoding")


def test_body_of_16_kilobytes_is_read_and_one_byte_more_is_not(client: TestClient) -> None:
    body = b'{"question":"a"}'
    assert asked(client, body.ljust(16 * 1024)).status_code == 200
    response = asked(client, body.ljust(16 * 1024 + 1))
    check_problem(response, 413, "body_too_large")
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("length", ["17000", "9" * 30, "9" * 5000])
def test_declared_length_is_refused_and_read_away_up_to_64_megabytes(
    serving: Serving, length: str
) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", length.encode())]
    status, body, read = call(create_app(serving), "POST", "/ask", headers)
    assert (status, body["code"], read) == (413, "body_too_large", 64 * 1024)


def test_endless_body_is_refused_and_read_away_up_to_64_megabytes(serving: Serving) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"junk")]
    status, body, read = call(create_app(serving), "POST", "/ask", headers)
    assert (status, body["code"], read) == (413, "body_too_large", 17 + 64 * 1024)


def test_client_that_waits_to_be_told_to_send_is_refused_at_once(serving: Serving) -> None:
    headers = [(b"content-length", b"17000"), (b"expect", b"100-continue")]
    status, _, read = call(create_app(serving), "POST", "/ask", headers)
    assert (status, read) == (415, 0)


@pytest.mark.parametrize(("event", "status"), [(None, 408), ({"type": "http.disconnect"}, 400)])
def test_body_that_does_not_arrive_is_given_up(event: dict[str, str] | None, status: int) -> None:
    async def receive() -> dict[str, str]:
        if event is None:
            await anyio.sleep_forever()
        assert event is not None
        return event

    scope = {"type": "http", "method": "POST", "headers": []}
    with pytest.raises(Problem) as caught:
        anyio.run(read_body, Request(scope, receive), 0.01)
    assert caught.value.status == status
