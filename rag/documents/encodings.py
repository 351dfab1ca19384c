"""Bytes become text: UTF-8 and UTF-16 are recognised, other encodings are guessed.

A guess is noted in the report. Bytes that do not fit the encoding become U+FFFD, and the note
counts them.
"""

from __future__ import annotations

import codecs
import re

from rag.types.errors import CorpusError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What is common in documents; more candidates make the guess slower and no better.
_CANDIDATES_NAMES = """
    cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 koi8_r cp932 euc_jp gb18030 big5
    cp949 mac_roman cp850
"""
_CANDIDATES = _CANDIDATES_NAMES.split()
_WESTERN = "cp1252"
_META = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_META_BYTES = 4096
_SAMPLE = 1 << 16
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


def decoded(raw: bytes, declared: str = "") -> tuple[str, str]:
    """The text of a file, without its byte-order mark, and a note if its encoding is a guess.

    `declared` is the encoding that the file names itself, which counts if the bytes fit. Raises
    CorpusError if the file holds no text.
    """
    text, note = _decoded(raw, declared)
    if "\0" in text:
        raise CorpusError("not_text: the file holds NUL bytes, so it is not text; remove it")
    if note and 10 * len(_CONTROL.findall(text)) > len(text):
        raise CorpusError(
            "not_text: the file holds control characters, so it is not text; remove it"
        )
    if not text.strip():
        raise CorpusError(
            "no_text: the file holds only blanks; write something into it or remove it"
        )
    return text, note


def decoded_html(raw: bytes) -> tuple[str, str]:
    """The same of a web page, which may name its encoding; it may hold NUL characters."""
    found = _META.search(raw, 0, _META_BYTES)
    return _decoded(raw, found[1].decode("ascii", "ignore") if found else "")


def _decoded(raw: bytes, declared: str) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _replaced(raw[len(mark) :], encoding, "")
    if encoding := _wide(raw):
        return _replaced(raw, encoding, f"encoding_guessed: read as {encoding.upper()}")
    for encoding in ("utf-8", _known(declared)):
        try:
            return raw.decode(encoding), ""
        except UnicodeDecodeError:
            continue
    encoding = _guess(raw)
    return _replaced(raw, encoding, f"encoding_guessed: read as {encoding.upper()}")


def _replaced(raw: bytes, encoding: str, note: str) -> tuple[str, str]:
    """The text, with U+FFFD for bytes that are not of the encoding, and a note that counts them."""
    try:
        return raw.decode(encoding), note
    except UnicodeDecodeError:
        text = raw.decode(encoding, "replace")
    broken = text.count("\ufffd")
    said = f"broken_text: {broken} characters are not {encoding.upper()} and became U+FFFD"
    return text, f"{note}; {said}" if note else said


def _wide(raw: bytes) -> str:
    """UTF-16 without a byte-order mark: every other byte of most characters is zero."""
    head = raw[:_META_BYTES]
    for encoding, zeros, letters in (("utf-16-le", 1, 0), ("utf-16-be", 0, 1)):
        wide, narrow = head[zeros::2].count(0), head[letters::2].count(0)
        if len(head) > 3 and wide > len(head) // 4 and not narrow:
            return encoding
    return ""


def _known(name: str) -> str:
    """Python's name of an encoding; UTF-8 for one that it does not know or that is no text."""
    try:
        b"a".decode(name or "utf-8")
        found = codecs.lookup(name or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    # Browsers read ASCII and Latin-1 as Windows-1252, of which they are a part.
    return {"ascii": _WESTERN, "iso8859-1": _WESTERN, "utf-7": "utf-8"}.get(found, found)


def _guess(raw: bytes) -> str:
    """The likeliest encoding; Western unless another fits better."""
    # Late, since most files are UTF-8: it takes a tenth of a second to load.
    from charset_normalizer import from_bytes

    first = _NOT_ASCII.search(raw)
    start = raw.rfind(b"\n", 0, first.start()) + 1 if first else 0
    found = from_bytes(raw[start : start + _SAMPLE], cp_isolation=_CANDIDATES)
    best = found.best()
    if best is None:
        return _WESTERN
    western = any(
        match.chaos <= best.chaos and match.coherence >= best.coherence
        for match in found
        if _WESTERN in match.could_be_from_charset
    )
    return _WESTERN if western else best.encoding
