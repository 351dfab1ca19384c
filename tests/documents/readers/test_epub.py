"""An e-book is read chapter by chapter."""

from __future__ import annotations

import pytest

from rag.documents.readers.epub import read_epub
from rag.types.errors import CorpusError
from support.readings import headings, place_of
from support.zip_files import zipped

CONTAINER = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">
<metadata><dc:title>Of Herons</dc:title></metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="two" href="two.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>
</manifest>
<spine><itemref idref="nav"/><itemref idref="one"/><itemref idref="two"/></spine></package>"""
CHAPTER = (
    '<?xml version="1.0"?><!DOCTYPE html><html><head><title>x</title></head><body>{}</body></html>'
)


def epub(**chapters: str) -> bytes:
    files = {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": PACKAGE}
    files["OEBPS/nav.xhtml"] = CHAPTER.format("<p>Contents</p>")
    for name, body in chapters.items():
        files[f"OEBPS/{name.replace('_', '/')}.xhtml"] = CHAPTER.format(body)
    return zipped({"mimetype": "application/epub+zip", **files})


BOOK = epub(text_one="<h1>First</h1><p>They wade.</p>", two="<h1 id='food'>Then</h1><p>Fish.</p>")


def test_chapters_come_in_the_order_of_the_book_without_its_contents() -> None:
    reading = read_epub(BOOK)
    assert reading.title == "Of Herons"
    assert headings(reading) == [(1, "First"), (1, "Then")]
    assert "Contents" not in reading.text


def test_each_text_has_its_chapter_and_anchor() -> None:
    reading = read_epub(BOOK)
    assert place_of(reading, "They") == ("anchor", 0, "OEBPS/text/one.xhtml")
    assert place_of(reading, "Fish") == ("anchor", 0, "OEBPS/two.xhtml#food")


def test_damaged_and_empty_books_are_refused() -> None:
    for raw in (BOOK[:200], zipped({"a": "b"}), epub(text_one="<p>a</p>")):
        with pytest.raises(CorpusError, match="corrupt"):
            read_epub(raw)
    with pytest.raises(CorpusError, match="holds no text"):
        read_epub(epub(text_one="", two=""))
