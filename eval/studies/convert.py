"""Runs another converter, for comparison: `PYTHON eval/studies/convert.py NAME`.

Started by `converters` with a Python that has the converter; it imports nothing of this project.
Reads a file name and a page (0 for all) from each line of its input, and writes a line of JSON:
the markup, whether that is Markdown or HTML, and the seconds it took; or why it was not read.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Convert = Callable[[str], str]


def _markitdown() -> Convert:
    converter = importlib.import_module("markitdown").MarkItDown()
    return lambda path: str(converter.convert(path).text_content)


def _pymupdf4llm() -> Convert:
    return lambda path: str(importlib.import_module("pymupdf4llm").to_markdown(path))


def _edgeparse() -> Convert:
    return lambda path: str(
        importlib.import_module("edgeparse").convert(path, raster_table_ocr=False)
    )


def _pandoc() -> Convert:
    return lambda path: (
        subprocess.run(
            ["pandoc", "--to", "html", path],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout
    )


_CONVERTERS = {
    "markitdown": (_markitdown, "markdown"),
    "pymupdf4llm": (_pymupdf4llm, "markdown"),
    "edgeparse": (_edgeparse, "markdown"),
    "pandoc": (_pandoc, "html"),
}


# MuPDF would lay out the pages of other formats, for minutes.
_PDF_ONLY = ("pymupdf4llm", "edgeparse")


def _one_page(path: str, page: int) -> str:
    """The page as a file of its own: most converters read whole files only."""
    pdfium: Any = importlib.import_module("pypdfium2")
    cut = pdfium.PdfDocument.new()
    cut.import_pages(pdfium.PdfDocument(path), [page - 1])
    with tempfile.NamedTemporaryFile(suffix=".pdf", delete=False) as file:
        cut.save(file)
    return file.name


def main(name: str) -> None:
    """Convert the files that are named on standard input."""
    load, markup = _CONVERTERS[name]
    # What a converter prints must not stand between the lines of the answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    convert = load()
    for line in sys.stdin:
        path, page = json.loads(line)
        cut = _one_page(path, page) if page else path
        began = time.perf_counter()
        try:
            if name in _PDF_ONLY and not path.endswith(".pdf"):
                raise ValueError("not a PDF")
            answer = {"text": convert(cut), "markup": markup}
        except Exception as error:  # whatever another program raises is its result
            answer = {"error": f"{type(error).__name__}: {error}"[:200]}
        answer["seconds"] = str(time.perf_counter() - began)
        if page:
            with contextlib.suppress(OSError):
                Path(cut).unlink()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
