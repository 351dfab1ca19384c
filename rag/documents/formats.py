"""The formats that are read, and how a file is recognised: by what it holds, then by its name.

A new format is a module in `readers/` with a function of bytes, and a row in `FORMATS`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.documents.readers.reading import Reader
from rag.types.errors import CorpusError

_PDF_HEAD = 1024
_MOST_ENTRIES = 10_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# What else people keep beside documents, by the bytes that it begins with.
_OTHERS = {
    b"{\\rtf": "RTF; save it as DOCX or PDF",
    b"\x89PNG": "a picture; read its text by OCR",
    b"\xff\xd8\xff": "a picture; read its text by OCR",
    b"GIF8": "a picture; read its text by OCR",
    b"\x7fELF": "a program; remove it",
    b"MZ\x90": "a program; remove it",
    b"\x1f\x8b": "a gzip archive; unpack it",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
    b"Rar!": "a RAR archive; unpack it",
}
# The folder of a zip archive that tells an Office format, and the type that others name.
_FOLDERS = {"word/": "docx", "ppt/": "pptx", "xl/": "xlsx"}
_MIME = {
    b"application/epub+zip": "epub",
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
}
_HTML_STARTS = (b"<!doctype html", b"<html")
# Texts whose own words and offsets are the document's, and documents one a line.
_OWN_ENDINGS = (".txt", ".text", ".md", ".markdown")
JSONL = ".jsonl"
_TEXT_ENDINGS = (*_OWN_ENDINGS, ".rst")


def _reader(name: str) -> Reader:
    """The reader of that format, imported with its libraries."""
    match name:
        case "html":
            from rag.documents.readers.html import read_html as read
        case "pdf":
            from rag.documents.readers.pdf import read_pdf as read
        case "docx":
            from rag.documents.readers.docx import read_docx as read
        case "pptx":
            from rag.documents.readers.pptx import read_pptx as read
        case "odt":
            from rag.documents.readers.odt import read_odt as read
        case "epub":
            from rag.documents.readers.epub import read_epub as read
        case "xlsx" | "ods":
            from rag.documents.readers.sheets import read_workbook as read
        case "csv" | "tsv":
            from rag.documents.readers.sheets import read_csv as read
        case "mail":
            from rag.documents.readers.mail import read_mail as read
        case _:
            from rag.documents.readers.rst import read_rst as read
    return read


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name, how names of such files end, and what loads a reader by the name.

    A reader is loaded when the first such file comes: its libraries take up to a third of a second.
    An `is_text` format is recognised by the name of the file alone.
    """

    name: str
    endings: tuple[str, ...]
    media_type: str
    is_text: bool = False
    load: Callable[[str], Reader] = _reader


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
FORMATS = (
    Format("html", (".html", ".htm", ".xhtml"), "text/html", is_text=True),
    Format("pdf", (".pdf",), "application/pdf"),
    Format("docx", (".docx", ".docm"), f"{_OFFICE}.wordprocessingml.document"),
    Format("pptx", (".pptx", ".pptm"), f"{_OFFICE}.presentationml.presentation"),
    Format("xlsx", (".xlsx", ".xlsm"), f"{_OFFICE}.spreadsheetml.sheet"),
    Format("odt", (".odt",), f"{_OPEN}.text"),
    Format("ods", (".ods",), f"{_OPEN}.spreadsheet"),
    Format("epub", (".epub",), "application/epub+zip"),
    Format("csv", (".csv",), "text/csv", is_text=True),
    Format("tsv", (".tsv",), "text/tab-separated-values", is_text=True),
    Format("mail", (".eml",), "message/rfc822", is_text=True),
    Format("rst", (".rst",), "text/x-rst", is_text=True),
)

# How the names of files that can be read end, in lower case, sorted.
SUFFIXES = tuple(sorted({*_OWN_ENDINGS, JSONL, *(end for each in FORMATS for end in each.endings)}))


def format_of(ending: str, raw: bytes, formats: Sequence[Format] = FORMATS) -> Format | None:
    """The format of a file whose name ends so; None for a text that other rules read.

    Raises CorpusError, saying what the file holds, if it is not read or not what its name says.
    """
    if not raw:
        raise CorpusError("empty: the file is empty; write something into it or remove it")
    named = next((each for each in formats if ending in each.endings), None)
    held = _held(ending, raw)
    if held:
        return next(each for each in formats if each.name == held)
    if named is not None and not named.is_text and named in FORMATS:
        kind = "HTML" if _is_html(raw) else "something else"
        raise CorpusError(
            f"type_mismatch: the name says {named.name.upper()}, the file holds {kind};"
            " save it again or give it the right name"
        )
    return named


def is_pdf(raw: bytes) -> bool:
    """Whether the bytes are those of a PDF."""
    return b"%PDF-" in raw[:_PDF_HEAD]


def _held(ending: str, raw: bytes) -> str:
    """The format that the bytes tell; "" if they tell none. Raises CorpusError for one unread."""
    if is_pdf(raw):
        return "pdf"
    if raw.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(raw)
    if raw.startswith(_OLE):
        if _ENCRYPTED in raw:
            raise CorpusError("encrypted: the file needs a password; save a copy without one")
        why = "unsupported: a file of Office 2003 or older; save it as DOCX, PPTX or XLSX"
        raise CorpusError(why)
    for start, what in _OTHERS.items():
        if raw.startswith(start):
            raise CorpusError(f"unsupported: the file is {what}")
    return "html" if ending in _TEXT_ENDINGS and _is_html(raw) else ""


def _zipped(raw: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = archive.namelist()[:_MOST_ENTRIES]
            mime = b""
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 256:
                mime = archive.read("mimetype").strip()
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise CorpusError("corrupt: a damaged zip archive; open it and save it again") from error
    if mime in _MIME:
        return _MIME[mime]
    if "[Content_Types].xml" in names:
        for folder, name in _FOLDERS.items():
            if any(each.startswith(folder) for each in names):
                return name
    if "META-INF/container.xml" in names:
        return "epub"
    what = f" of {names[0]!r:.60} and others" if names else ""
    raise CorpusError(f"unsupported: the file is a zip archive{what}; unpack it")


def _is_html(raw: bytes) -> bool:
    """Whether a text begins as a web page does, after comments and declarations."""
    head = raw[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    while head.startswith((b"<!--", b"<?xml")):
        end = b"-->" if head.startswith(b"<!--") else b"?>"
        _, found, head = head.partition(end)
        head = head.lstrip() if found else b""
    return head.startswith(_HTML_STARTS)
