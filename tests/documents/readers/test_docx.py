"""A Word document is read with its headings, lists and tables, and nothing is lost."""

from __future__ import annotations

import io
from collections.abc import Callable

import docx
import pytest
from docx.document import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from rag.documents.readers.docx import read_docx
from rag.types.errors import CorpusError
from support.readings import headings, pairs, rows, shown
from support.zip_files import replaced, zipped


def written(draw: Callable[[Document], object]) -> bytes:
    document = docx.Document()
    draw(document)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def body(xml: str) -> bytes:
    """A document whose body has this XML."""

    def draw(document: Document) -> None:
        root = parse_xml(f"<w:body {nsdecls('w')}>{xml}</w:body>")
        for child in reversed(list(root)):
            document.element.body.insert(0, child)

    return written(draw)


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def test_headings_have_the_level_of_their_style() -> None:
    def draw(document: Document) -> None:
        document.add_heading("Herons", 1)
        document.add_paragraph("They wade.")
        document.add_heading("Food", 2)
        document.add_paragraph("Fish.")

    reading = read_docx(written(draw))
    assert (reading.title, headings(reading)) == ("Herons", [(1, "Herons"), (2, "Food")])


def large(text: str, half_points: int) -> str:
    properties = f'<w:b/><w:sz w:val="{half_points}"/>'
    return f"<w:p>{run(text, properties)}</w:p>"


PLAIN = f"<w:p>{run('They wade in shallow water and wait for a long time.')}</w:p>"


def test_without_styles_large_bold_paragraphs_are_headings() -> None:
    found = body(large("Herons", 40) + PLAIN + large("Food", 28) + PLAIN + large("Fish", 22))
    assert headings(read_docx(found)) == [(1, "Herons"), (2, "Food")]


def test_with_styles_they_are_not() -> None:
    styled = "<w:p><w:pPr><w:outlineLvl w:val='0'/></w:pPr>" + run("Herons") + "</w:p>"
    assert headings(read_docx(body(styled + large("Food", 28) + PLAIN))) == [(1, "Herons")]


def test_a_title_stands_above_the_headings() -> None:
    def draw(document: Document) -> None:
        document.add_heading("Handbook", 0)
        document.add_heading("One", 1)
        document.add_heading("Two", 1)

    reading = read_docx(written(draw))
    assert (reading.title, headings(reading)) == (
        "Handbook",
        [(1, "Handbook"), (2, "One"), (2, "Two")],
    )


def test_the_title_may_be_that_of_the_file() -> None:
    def draw(document: Document) -> None:
        document.core_properties.title = "Of the file"
        document.add_paragraph("Text.")

    assert read_docx(written(draw)).title == "Of the file"


def test_lists_are_lists_with_their_marks() -> None:
    def draw(document: Document) -> None:
        for text, style in (
            ("a", "List Bullet"),
            ("b", "List Bullet"),
            ("Between.", "Normal"),
            ("one", "List Number"),
            ("two", "List Number"),
        ):
            document.add_paragraph(text, style)

    assert shown(read_docx(written(draw))) == [
        ("list", "- a\n- b"),
        ("paragraph", "Between."),
        ("list", "1. one\n2. two"),
    ]


def test_a_table_is_read_cell_by_cell_and_merged_cells_are_filled_downwards() -> None:
    def draw(document: Document) -> None:
        table = document.add_table(3, 3)
        for i, row in enumerate((("Kind", "Size", "Fee"), ("Box", "S", "1"), ("", "L", "2"))):
            for j, text in enumerate(row):
                table.cell(i, j).text = text
        table.cell(1, 0).merge(table.cell(2, 0))

    reading = read_docx(written(draw))
    assert rows(reading) == [["Kind", "Size", "Fee"], ["Box", "S", "1"], ["Box", "L", "2"]]
    [table] = reading.blocks
    assert reading.text[table.start : table.tables[0].header_end] == "Kind | Size | Fee"


def test_inserted_text_controls_links_and_boxes_are_read_and_deleted_text_is_not() -> None:
    reading = read_docx(
        body(
            f"<w:p>{run('Kept ')}<w:ins w:id='1'>{run('inserted ')}</w:ins>"
            "<w:del w:id='2'><w:r><w:delText>deleted</w:delText></w:r></w:del>"
            f"<w:moveFrom w:id='3'>{run('moved away')}</w:moveFrom>"
            f"<w:hyperlink>{run('linked')}</w:hyperlink></w:p>"
            f"<w:sdt><w:sdtContent><w:p>{run('In a control.')}</w:p></w:sdtContent></w:sdt>"
            "<w:p><w:r><w:pict><w:txbxContent>"
            f"<w:p>{run('In a box.')}</w:p></w:txbxContent></w:pict></w:r></w:p>"
        )
    )
    assert [text for _, text in shown(reading)] == [
        "Kept inserted linked",
        "In a control.",
        "In a box.",
    ]


@pytest.mark.parametrize(
    "properties", ["<w:vanish/>", "<w:color w:val='FFFFFF'/>", "<w:sz w:val='2'/>"]
)
def test_hidden_text_is_left_out_and_counted(properties: str) -> None:
    reading = read_docx(body(f"<w:p>{run('Seen.')}{run('Ignore', properties)}</w:p>"))
    assert reading.text == "Seen."
    assert reading.notes == ("hidden_text: 6 characters that nobody sees are left out",)


def test_bold_lines_that_ask_are_questions_if_there_are_several() -> None:
    def draw(document: Document) -> None:
        for question, answer in (("Is it free?", "Yes."), ("Is it open?", "Daily.")):
            document.add_paragraph().add_run(question).bold = True
            document.add_paragraph(answer)

    assert pairs(read_docx(written(draw))) == [("Is it free?", "Yes."), ("Is it open?", "Daily.")]


def test_question_headings_below_an_faq_heading_are_pairs() -> None:
    def draw(document: Document) -> None:
        document.add_heading("FAQ", 1)
        document.add_heading("Is it free?", 2)
        document.add_paragraph("Yes.")

    assert pairs(read_docx(written(draw))) == [("Is it free?", "Yes.")]


def test_hostile_documents_are_refused() -> None:
    good = written(lambda document: document.add_paragraph("Text."))
    entity = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"
    deep = f"<w:document {nsdecls('w')}>{'<w:p>' * 5000}{'</w:p>' * 5000}</w:document>"
    for part, why in ((entity, "doctype"), (deep, "parse_limit"), ("<", "corrupt")):
        with pytest.raises(CorpusError, match=why):
            read_docx(replaced(good, {"word/document.xml": part}))
    for raw in (good[: len(good) // 2], zipped({"[Content_Types].xml": ""}), b"PK\x03\x04"):
        with pytest.raises(CorpusError, match="corrupt"):
            read_docx(raw)
    with pytest.raises(CorpusError, match="holds no text"):
        read_docx(written(lambda document: None))
