"""A sheet is read row by row, each with the header of its columns."""

from __future__ import annotations

import datetime
import io
from collections.abc import Mapping, Sequence

import pytest
import xlsxwriter

from rag.documents.readers.sheets import read_csv, read_workbook
from rag.types.errors import CorpusError
from support.readings import headings, pairs, place_of, rows, shown

Rows = Sequence[Sequence[object]]


def book(sheets: Mapping[str, Rows], hidden: Sequence[str] = ()) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"default_date_format": "yyyy-mm-dd"}) as workbook:
        for name, cells in sheets.items():
            sheet = workbook.add_worksheet(name)
            for i, row in enumerate(cells):
                for j, cell in enumerate(row):
                    sheet.write(i, j, cell)
            if name in hidden:
                sheet.hide()
    return buffer.getvalue()


FEES: Rows = [["Kind", "Fee", "Since"], ["Box", 2.5, datetime.date(2026, 1, 31)], ["Bag", 4, ""]]


def test_a_sheet_is_a_table_whose_rows_know_sheet_and_number() -> None:
    reading = read_workbook(book({"Fees": FEES}))
    assert rows(reading) == [["Kind", "Fee", "Since"], ["Box", "2.5", "2026-01-31"], ["Bag", "4"]]
    [table] = reading.blocks
    assert reading.text[table.start : table.tables[0].header_end] == "Kind | Fee | Since"
    assert place_of(reading, "Box") == ("row", 2, "Fees")
    assert place_of(reading, "Bag") == ("row", 3, "Fees")


def test_several_sheets_stand_below_their_names_and_hidden_ones_are_left_out() -> None:
    reading = read_workbook(book({"Fees": FEES, "Tips": [["Be kind."]], "Old": FEES}, ["Old"]))
    assert headings(reading) == [(1, "Fees"), (1, "Tips")]
    assert place_of(reading, "Be kind.") == ("row", 1, "Tips")
    assert reading.notes == ("hidden_sheets: 1 hidden sheets are left out",)


def test_lines_above_a_header_and_blank_rows_do_not_hide_it() -> None:
    reading = read_csv(b"Fees of 2026\n\nKind,Fee\n\nBox,2\nBag,4\n")
    assert shown(reading) == [
        ("paragraph", "Fees of 2026"),
        ("table", "Kind | Fee\nBox | 2\nBag | 4"),
    ]
    assert place_of(reading, "Box") == ("row", 5, "")


@pytest.mark.parametrize(
    "header",
    [
        "id,Question,Answer",
        "id,question,response",
        "id,FAQ Question,FAQ Answer",
        "id,Frage,Antwort",
    ],
)
def test_columns_of_questions_and_answers_are_pairs(header: str) -> None:
    reading = read_csv(f'{header}\n7,"Is it, free?",Yes.\n8,Open?,"Daily.\nAlways."\n'.encode())
    assert pairs(reading) == [("Is it, free?", "Yes."), ("Open?", "Daily. Always.")]
    assert place_of(reading, "Open?") == ("row", 3, "")
    assert "id: 7" in reading.text


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_sign_between_cells_is_found(sign: str) -> None:
    lines = [sign.join(cells) for cells in (("Kind", "Fee"), ("Box, big", "2"), ("Bag", "4"))]
    if sign == ",":
        lines[1] = '"Box, big",2'
    assert rows(read_csv("\r\n".join(lines).encode())) == [
        ["Kind", "Fee"],
        ["Box, big", "2"],
        ["Bag", "4"],
    ]


def test_ragged_rows_formulas_and_huge_cells_stay_text() -> None:
    huge = "x" * 200_000
    reading = read_csv(f"a,b\n=cmd(),{huge},more\nc\n".encode())
    assert rows(reading) == [["a", "b"], ["=cmd()", huge, "more"], ["c"]]


def test_other_encodings_are_guessed_with_a_note() -> None:
    reading = read_csv("Name,Straße\nJosé,Königsallee\n".encode("cp1252"))
    assert "José | Königsallee" in reading.text
    assert reading.notes == ("encoding_guessed: read as CP1252",)


def test_damaged_and_empty_sheets_are_refused() -> None:
    for raw in (b"", b"PK\x03\x04", book({"a": FEES})[:3000]):
        with pytest.raises(CorpusError, match="corrupt"):
            read_workbook(raw)
    with pytest.raises(CorpusError, match="holds no text"):
        read_workbook(book({"a": []}))
    with pytest.raises(CorpusError, match="blanks"):
        read_csv(b" \n")
    with pytest.raises(CorpusError, match="NUL"):
        read_csv(b"a,b\n\0,c\n\x80")
