from __future__ import annotations

import base64

import pytest

from rag.schemas.index import RebuildRequest, decoded


def test_texts_and_bytes_are_the_contents_of_files() -> None:
    files = [{"name": "a.md", "text": "é\r\n"}, {"name": "b.pdf", "base64": "AP8="}]
    asked = RebuildRequest.model_validate({"files": files})
    assert asked.contents() == [("a.md", b"\xc3\xa9\r\n"), ("b.pdf", b"\x00\xff")]


@pytest.mark.parametrize("size", [0, 1, (1 << 20) // 4 * 3, (1 << 21) + 1])
def test_base64_is_decoded_in_pieces(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    assert decoded(base64.b64encode(content[:size]).decode()) == content[:size]


@pytest.mark.parametrize(
    "text", ["A", "AA==AAAA", "AA= A", "A\nAA", "é", "A" * ((1 << 20) - 2) + "==" + "AAAA"]
)
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decoded(text)
