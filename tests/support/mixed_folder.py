"""A small folder of many formats: a PDF, a sheet, a web page, a Word file and Markdown."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import xlsxwriter

from support.pdf_files import pdf, text

GUIDE = """---
notice: Ask the harbour master before you sail.
modified: 2026-03-01
---

# Harbour guide

Boats enter the harbour by the north channel.

## Fees

| Boat | Fee |
| --- | --- |
| Dinghy | 4 euros |
| Yacht | 19 euros |

## FAQ

### When does the harbour office open?

The harbour office opens at eight in the morning.

### May dogs walk on the pier?

Dogs walk on the pier on a lead.
"""
HTML = """<!doctype html><html lang="en"><title>Lighthouse</title><body><h1>The lighthouse</h1>
<p>The lighthouse was built in 1887 from red granite.</p>
<ul><li>Its lamp turns once in twelve seconds.</li><li>It has 142 steps.</li></ul></body></html>
"""


def write_mixed(folder: Path) -> Path:
    """Writes the files, some of them below a folder, and one that cannot be read."""
    below = folder / "reports"
    below.mkdir(parents=True)
    (folder / "guide.md").write_text(GUIDE, encoding="utf-8")
    (folder / "lighthouse.html").write_text(HTML, encoding="utf-8")
    (below / "tides.pdf").write_bytes(_tides())
    (below / "catch.xlsx").write_bytes(_catch())
    _log(below / "log.docx")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 cut off")
    return folder


def _tides() -> bytes:
    return pdf(
        text("Tide tables of the bay", "", "The highest tide is measured in March."),
        text("The tide gauge stands", "beside the old lock gate.", "It is read every hour."),
        title="Tide tables",
    )


def _catch() -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = book.add_worksheet("Catch")
    for row, cells in enumerate([("Fish", "Tonnes"), ("Herring", 812), ("Mackerel", 95)]):
        sheet.write_row(row, 0, cells)
    book.close()
    return file.getvalue()


def _log(path: Path) -> None:
    document = docx.Document()
    document.add_heading("Log of the ferry", 1)
    document.add_paragraph("The ferry Marianne lost her anchor in the storm of November.")
    document.save(str(path))
