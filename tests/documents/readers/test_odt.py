"""An OpenDocument text is read with its headings, lists and tables."""

from __future__ import annotations

import pytest

from rag.documents.readers.odt import read_odt
from rag.types.errors import CorpusError
from support.readings import headings, rows, shown
from support.zip_files import zipped

NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "text", "table", "style")
)


def odt(body: str, styles: str = "") -> bytes:
    content = (
        f"<office:document-content {NAMES}><office:automatic-styles>{styles}"
        f"</office:automatic-styles><office:body><office:text>{body}</office:text></office:body>"
        "</office:document-content>"
    )
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


def test_headings_paragraphs_lists_and_notes_are_read() -> None:
    reading = read_odt(
        odt(
            '<text:p text:style-name="P1">Handbook</text:p>'
            '<text:h text:outline-level="1">Herons</text:h>'
            "<text:p>They<text:s text:c='2'/>wade<text:line-break/>slowly<text:note>"
            "<text:note-body>"
            "<text:p>Mostly.</text:p></text:note-body></text:note>.</text:p>"
            "<text:list><text:list-item><text:p>a</text:p><text:list><text:list-item>"
            "<text:p>b</text:p></text:list-item></text:list></text:list-item>"
            "<text:list-item><text:p>c</text:p></text:list-item></text:list>",
            '<style:style style:name="P1" style:parent-style-name="Title"/>',
        )
    )
    assert (reading.title, headings(reading)) == ("Handbook", [(1, "Handbook"), (2, "Herons")])
    assert shown(reading)[2:] == [
        ("paragraph", "They wade\nslowly."),
        ("paragraph", "Mostly."),
        ("list", "- a\n  - b\n- c"),
    ]


def test_a_table_is_read_cell_by_cell() -> None:
    def row(*cells: str) -> str:
        inner = "".join(
            f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in cells
        )
        return f"<table:table-row>{inner}</table:table-row>"

    reading = read_odt(
        odt(
            "<table:table><table:table-header-rows>"
            f"{row('1', '2')}</table:table-header-rows>{row('a', 'b')}</table:table>"
        )
    )
    assert rows(reading) == [["1", "2"], ["a", "b"]]
    assert reading.blocks[0].tables[0].header_end == 5


def test_deleted_text_and_comments_are_left_out() -> None:
    reading = read_odt(
        odt(
            "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
            "<text:p>Kept<office:annotation><text:p>comment</text:p></office:annotation>.</text:p>"
        )
    )
    assert reading.text == "Kept."


def test_hostile_documents_are_refused() -> None:
    entity = "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"
    for files, why in (({"content.xml": entity}, "doctype"), ({"a": "b"}, "corrupt")):
        with pytest.raises(CorpusError, match=why):
            read_odt(zipped(files))
    with pytest.raises(CorpusError, match="holds no text"):
        read_odt(odt(""))
