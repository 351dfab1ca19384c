"""A presentation is read slide by slide."""

from __future__ import annotations

import io

import pytest
from pptx import Presentation
from pptx.util import Inches

from rag.documents.readers.pptx import read_pptx
from rag.types.errors import CorpusError
from support.readings import headings, place_of, rows, shown


def written(is_hidden: bool = False) -> bytes:
    """Two slides: a list with notes, then a table and a box."""
    show = Presentation()
    first = show.slides.add_slide(show.slide_layouts[1])
    first.shapes.title.text = "Herons"
    frame = first.placeholders[1].text_frame
    frame.text = "They wade"
    for text, level in (("in water", 1), ("They fish", 0)):
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = text, level
    first.notes_slide.notes_text_frame.text = "Speak slowly."
    second = show.slides.add_slide(show.slide_layouts[5])
    second.shapes.title.text = "Food"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for i, row in enumerate((("Bird", "Food"), ("Heron", "Fish"))):
        for j, text in enumerate(row):
            table.cell(i, j).text = text
    second.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "In a box."
    if is_hidden:
        second._element.set("show", "0")
    buffer = io.BytesIO()
    show.save(buffer)
    return buffer.getvalue()


def test_slides_have_titles_lists_tables_and_notes() -> None:
    reading = read_pptx(written())
    assert headings(reading) == [(1, "Herons"), (1, "Food")]
    assert shown(reading)[1:3] == [
        ("list", "- They wade\n  - in water\n- They fish"),
        ("paragraph", "Speak slowly."),
    ]
    assert rows(reading) == [["Bird", "Food"], ["Heron", "Fish"]]
    assert "In a box." in reading.text


def test_each_text_has_its_slide() -> None:
    reading = read_pptx(written())
    assert place_of(reading, "Speak") == ("slide", 1, "")
    assert place_of(reading, "Fish") == ("slide", 2, "")


def test_hidden_slides_are_left_out_and_counted() -> None:
    reading = read_pptx(written(is_hidden=True))
    assert "Heron | Fish" not in reading.text
    assert reading.notes == ("hidden_slides: 1 hidden slides are left out",)


def test_damaged_and_empty_presentations_are_refused() -> None:
    for raw in (b"", written()[:2000]):
        with pytest.raises(CorpusError, match="corrupt"):
            read_pptx(raw)
    buffer = io.BytesIO()
    Presentation().save(buffer)
    with pytest.raises(CorpusError, match="holds no text"):
        read_pptx(buffer.getvalue())
