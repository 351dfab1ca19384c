"""Spreadsheets: XLSX and ODS read by calamine, CSV and TSV by Python's csv.

A sheet is a table whose rows know their number. Its first row with two cells or more names the
columns, if it looks like that; rows with one cell above it are text. Columns of questions and of
answers make FAQ pairs, with the other cells below the answer. Formulas have the values that they
had when the file was saved. Hidden sheets are left out.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import sys
from collections.abc import Sequence

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    ZipError,
)

from rag.documents.encodings import decoded
from rag.documents.readers.archive import Archive, title_in
from rag.documents.readers.draft import CELL, Draft, has_header, squeezed
from rag.documents.readers.facts import xml_facts
from rag.documents.readers.reading import Reading
from rag.types import Place
from rag.types.errors import CorpusError

# What the columns of an FAQ are called.
_QUESTION = re.compile(
    r"(?:faq )?(?:questions?|q|frage|fragen|pregunta|question asked|domanda|pergunta|vraag|вопрос"
    r"|問題|问题|質問|질문)(?: text)?",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"(?:faq )?(?:answers?|a|response|reply|antwort|antworten|respuesta|réponse|risposta|resposta"
    r"|antwoord|ответ|答案|回答|답변)(?: text)?",
    re.IGNORECASE,
)
_SAMPLE = 1 << 14
_DELIMITERS = ",;\t|"
_MOST_CELLS = 5_000_000

_Row = tuple[int, list[str]]


def read_workbook(raw: bytes) -> Reading:
    """The sheets of an XLSX or ODS file. Raises CorpusError if it cannot be read or is empty."""
    with Archive(raw) as archive:
        # The library that reads it does not count what it inflates.
        for name in archive.names():
            if name.endswith(".xml"):
                archive.read(name)
        properties = archive.optional_xml("docProps/core.xml")
        if properties is None:
            properties = archive.optional_xml("meta.xml")
    draft = Draft()
    draft.facts = xml_facts(properties)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        shown = [each for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
        hidden = [each.name for each in shown if each.visible != SheetVisibleEnum.Visible]
        names = [each.name for each in shown if each.name not in hidden]
        for name in names:
            sheet = book.get_sheet_by_name(name)
            if sheet.total_height * sheet.total_width > _MOST_CELLS:
                raise CorpusError(f"parse_limit: sheet {name!r:.40} has too many cells; split it")
            rows = [list(map(_shown, row)) for row in sheet.to_python(skip_empty_area=False)]
            if len(names) > 1 and any(map(any, rows)):
                draft.heading(name, 1)
            _write(draft, rows, name)
    except PasswordError as error:
        raise CorpusError("encrypted: the file needs a password; save one without") from error
    except (CalamineError, ZipError) as error:
        raise CorpusError(f"corrupt: {str(error)!r:.120}; open it and save it again") from error
    if hidden:
        draft.notes.append(f"hidden_sheets: {len(hidden)} hidden sheets are left out")
    return draft.reading(title_in(properties))


def read_csv(raw: bytes) -> Reading:
    """The rows of a CSV or TSV file. Raises CorpusError if it holds no text."""
    text, note = decoded(raw)
    draft = Draft()
    if note:
        draft.notes.append(note)
    csv.field_size_limit(sys.maxsize)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise CorpusError(f"corrupt: {error}; check the quotation marks of its cells") from error
    _write(draft, rows, "")
    return draft.reading()


def _delimiter(text: str) -> str:
    """What parts the cells: the sign that is most even over the first lines."""
    lines = [line for line in text[:_SAMPLE].splitlines()[:50] if line.strip()]

    def evenness(sign: str) -> tuple[int, int]:
        counts = [line.count(sign) for line in lines]
        common = max(set(counts), key=lambda count: (count > 0, counts.count(count), count))
        return (counts.count(common) if common else 0, common)

    return max(_DELIMITERS, key=evenness)


def _write(draft: Draft, rows: Sequence[Sequence[str]], sheet: str) -> None:
    numbered = [(i, [squeezed(cell) for cell in row]) for i, row in enumerate(rows, start=1)]
    kept = _without_blank([(i, row) for i, row in numbered if any(row)])
    while kept and sum(map(bool, kept[0][1])) < 2 and max(len(row) for _, row in kept) > 1:
        number, row = kept.pop(0)
        draft.place("row", number, sheet)
        draft.paragraph(" ".join(filter(None, row)))
    if not kept:
        return
    columns = _faq_columns(kept[0][1])
    if columns:
        _write_pairs(draft, kept, columns, sheet)
    elif len(kept[0][1]) < 2:
        for number, row in kept:
            draft.place("row", number, sheet)
            draft.paragraph(row[0])
    else:
        places = [Place(i, "row", number, sheet) for i, (number, _) in enumerate(kept)]
        cells = [row for _, row in kept]
        draft.rows(cells, int(has_header(cells)), places)


def _without_blank(rows: list[_Row]) -> list[_Row]:
    """The rows without columns that are blank in all of them, as wide as each other."""
    width = max((len(row) for _, row in rows), default=0)
    used = [i for i in range(width) if any(i < len(row) and row[i] for _, row in rows)]
    return [(n, [row[i] if i < len(row) else "" for i in used]) for n, row in rows]


def _faq_columns(header: list[str]) -> tuple[int, int] | None:
    """The columns of the questions and of the answers."""
    found = [
        next((i for i, name in enumerate(header) if pattern.fullmatch(name)), None)
        for pattern in (_QUESTION, _ANSWER)
    ]
    question, answer = found
    return (question, answer) if question is not None and answer is not None else None


def _write_pairs(draft: Draft, rows: list[_Row], columns: tuple[int, int], sheet: str) -> None:
    question, answer = columns
    header = rows[0][1]
    for number, row in rows[1:]:
        draft.place("row", number, sheet)
        if row[question] and row[answer]:
            draft.question(row[question])
            draft.paragraph(row[answer])
            more = [i for i, cell in enumerate(row) if cell and i not in columns]
            draft.paragraph("\n".join(f"{header[i]}: {row[i]}".lstrip(": ") for i in more))
        else:
            draft.paragraph(CELL.join(filter(None, row)))


def _shown(value: object) -> str:
    """A cell's value as a person would write it."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        is_date = value.time() == datetime.time()
        return value.date().isoformat() if is_date else value.isoformat(" ", "minutes")
    return str(value)
