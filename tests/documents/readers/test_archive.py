"""A zip archive is opened without trust."""

from __future__ import annotations

import io
import zipfile

import pytest

from rag.documents.readers.archive import Archive, xml_of
from rag.types.errors import CorpusError
from support.zip_files import zipped

BOMB = """<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>"""
THIEF = """<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"""


def test_an_entry_is_read_and_a_missing_one_named() -> None:
    with Archive(zipped({"a.xml": "<a>b</a>"})) as archive:
        assert archive.xml("a.xml").text == "b"
        assert archive.optional_xml("c.xml") is None
        with pytest.raises(CorpusError, match=r"corrupt: 'c\.xml' is missing"):
            archive.read("c.xml")


@pytest.mark.parametrize("text", [BOMB, THIEF, "<!DOCTYPE html><a/>"])
def test_xml_with_a_doctype_is_refused(text: str) -> None:
    with pytest.raises(CorpusError, match="doctype"):
        xml_of(text.encode())


@pytest.mark.parametrize("text", ["", "<a>", "<a>" * 200, "<a>&nope;</a>"])
def test_malformed_xml_is_refused(text: str) -> None:
    with pytest.raises(CorpusError, match="corrupt"):
        xml_of(text.encode())


def test_inflated_bytes_are_counted_over_all_entries() -> None:
    blank = b" " * (120 << 20)
    with Archive(zipped({"a": blank, "b": blank})) as archive:
        archive.read("a")
        with pytest.raises(CorpusError, match="parse_limit: the file inflates to over 200 MB"):
            archive.read("b")


def test_an_archive_that_lies_about_a_size_is_refused() -> None:
    raw = bytearray(zipped({"a": b" " * 100_000}))
    at = raw.index(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    with Archive(bytes(raw)) as archive, pytest.raises(CorpusError, match="corrupt"):
        archive.read("a")


def test_an_archive_of_too_many_entries_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i in range(10_001):
            archive.writestr(str(i), "")
    with pytest.raises(CorpusError, match="parse_limit: the archive has over 10000 entries"):
        Archive(buffer.getvalue())


def test_an_entry_that_is_said_to_stand_before_the_file_is_refused() -> None:
    raw = zipped({"a": "text", "b": "text"})
    cut = raw[10:]
    with pytest.raises(CorpusError, match="corrupt"), Archive(cut) as archive:
        archive.read("a")


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", zipped({"a": "b"})[:40]])
def test_what_is_no_archive_is_refused(raw: bytes) -> None:
    with pytest.raises(CorpusError, match="corrupt"):
        Archive(raw)


def test_the_first_of_two_entries_with_one_name_counts() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a", "first")
        archive.writestr("a", "second")
    with Archive(buffer.getvalue()) as opened:
        assert opened.read("a") == b"first"


def test_targets_are_entries_and_never_leave_the_archive() -> None:
    kinds = "http://schemas.openxmlformats.org"
    rels = (
        f'<Relationships xmlns="{kinds}/package/2006/relationships">'
        f'<Relationship Id="1" Type="{kinds}/slide" Target="../b%20c.xml#d"/>'
        f'<Relationship Id="2" Type="{kinds}/image" Target="http://x" TargetMode="External"/>'
        f'<Relationship Id="3" Type="{kinds}/slide" Target="/top.xml"/></Relationships>'
    )
    with Archive(zipped({"x/y/_rels/z.xml.rels": rels})) as archive:
        assert archive.targets("x/y/z.xml") == {
            "1": ("slide", "x/b c.xml"),
            "3": ("slide", "top.xml"),
        }
