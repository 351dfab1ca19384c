"""A file is recognised by what it holds; adding a format is a module and a row."""

from __future__ import annotations

import pytest

from rag.documents.formats import FORMATS, SUFFIXES, Format, format_of
from rag.documents.parse import parse
from rag.documents.readers.draft import Draft
from rag.documents.readers.reading import Reader, Reading
from rag.types.errors import CorpusError
from support.zip_files import zipped

PAGE = b"\xef\xbb\xbf\n<!-- saved -->\n<!DOCTYPE HTML><p>Text.</p>"
BOOK = zipped({"mimetype": "application/epub+zip"})
WORD = zipped({"[Content_Types].xml": "", "word/document.xml": ""})


@pytest.mark.parametrize(
    ("ending", "raw", "name"),
    [
        (".txt", b"%PDF-1.7", "pdf"),
        (".docx", b"\n%PDF-1.7", "pdf"),
        (".pdf", WORD, "docx"),
        (".docx", zipped({"[Content_Types].xml": "", "xl/workbook.xml": ""}), "xlsx"),
        (".zip", BOOK, "epub"),
        (".txt", PAGE, "html"),
        (".md", PAGE, "html"),
        (".html", b"<p>Text.", "html"),
        (".csv", b"<html>", "csv"),
    ],
)
def test_what_a_file_holds_tells_its_format(ending: str, raw: bytes, name: str) -> None:
    found = format_of(ending, raw)
    assert found is not None and found.name == name


@pytest.mark.parametrize(("ending", "raw"), [(".md", b"# a"), (".md", b"<div>a"), (".txt", b"a")])
def test_other_texts_are_left_to_their_names(ending: str, raw: bytes) -> None:
    assert format_of(ending, raw) is None


@pytest.mark.parametrize(
    ("ending", "raw", "why"),
    [
        (".pdf", PAGE, "type_mismatch: the name says PDF, the file holds HTML"),
        (".docx", b"text", "type_mismatch: the name says DOCX"),
        (".docx", zipped({"a.txt": "b"}), r"unsupported: the file is a zip archive of 'a\.txt'"),
        (".docx", b"PK\x03\x04junk", "corrupt: a damaged zip archive"),
        (".docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unsupported: a file of Office 2003"),
        (
            ".docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "encrypted",
        ),
        (".txt", b"\x89PNG\r\n", "unsupported: the file is a picture"),
        (".txt", b"\x7fELF", "unsupported: the file is a program"),
        (".pdf", b"", "the file is empty"),
    ],
)
def test_what_is_not_read_is_named(ending: str, raw: bytes, why: str) -> None:
    with pytest.raises(CorpusError, match=why):
        format_of(ending, raw)


def test_every_format_has_a_reader_and_endings_of_its_own() -> None:
    endings = [end for each in FORMATS for end in each.endings]
    assert len(endings) == len(set(endings))
    assert set(endings) <= set(SUFFIXES)
    assert all(callable(each.load(each.name)) for each in FORMATS)


def test_a_format_is_added_by_a_function_and_a_row() -> None:
    def read_shout(raw: bytes) -> Reading:
        draft = Draft()
        draft.paragraph(raw.decode().upper())
        return draft.reading("Shouted")

    def load(name: str) -> Reader:
        return read_shout

    shout = Format("shout", (".shout",), "text/x-shout", is_text=True, load=load)
    [parsed] = parse("a/b.shout", b"quiet", formats=(*FORMATS, shout)).documents
    document = parsed.document
    assert (document.title, document.text) == ("Shouted", "QUIET")
    assert (document.media_type, document.source) == ("text/x-shout", "a/b.shout")
