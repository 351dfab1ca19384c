"""Bytes become text; a guess is told, and nothing is lost silently."""

from __future__ import annotations

import pytest

from rag.documents.encodings import decoded
from rag.types.errors import CorpusError

SAMPLES = {
    "cp1252": "Die Straße führt über die Brücke – “nach Köln”.",
    "cp1250": "Zażółć gęślą jaźń. Wszyscy ludzie rodzą się wolni i równi.",
    "cp1251": "Все люди рождаются свободными и равными в своём достоинстве.",
    "koi8_r": "Все люди рождаются свободными и равными в своём достоинстве.",
    "cp1253": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι.",
    "cp932": "すべての人間は、生まれながらにして自由であり、尊厳と権利とについて平等である。",
    "gb18030": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。",
    "cp949": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_told_for_certain(encoding: str) -> None:
    assert decoded("Übung 漢字".encode(encoding)) == ("Übung 漢字", "")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_found(encoding: str) -> None:
    text, note = decoded("A heron wades.".encode(encoding))
    assert (text, note) == ("A heron wades.", f"encoding_guessed: read as {encoding.upper()}")


@pytest.mark.parametrize("encoding", SAMPLES)
def test_other_encodings_are_guessed_with_a_note(encoding: str) -> None:
    text, note = decoded(SAMPLES[encoding].encode(encoding))
    assert text == SAMPLES[encoding]
    assert note == f"encoding_guessed: read as {encoding.upper()}"


def test_a_short_word_is_western() -> None:
    assert decoded("café".encode("cp1252"))[0] == "café"


def test_a_declared_encoding_counts_if_it_fits() -> None:
    assert decoded("Привет".encode("cp866"), "cp866") == ("Привет", "")
    assert decoded(b"caf\xe9", "no such encoding")[0] == "café"
    assert decoded(b"caf\xe9", "rot13")[0] == "café"


def test_bytes_of_no_encoding_are_counted() -> None:
    text, note = decoded(b"\xff\xfe" + "Heron".encode("utf-16-le") + b"\x00\xd8")
    assert (text, note) == (
        "Heron\ufffd",
        "broken_text: 1 characters are not UTF-16-LE and became U+FFFD",
    )


@pytest.mark.parametrize(("raw", "why"), [(b"a\0b", "NUL"), (b" \n", "blanks"), (b"", "blanks")])
def test_what_is_no_text_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(CorpusError, match=why):
        decoded(raw)
