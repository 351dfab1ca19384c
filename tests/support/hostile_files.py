"""Files that are made to bring a reader down, by name; each is made when it is asked for."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from support.zip_files import zipped

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TYPES = "[Content_Types].xml"


def _pdf(*objects: bytes) -> bytes:
    """A PDF of numbered objects, the first of which is the catalog."""
    body = b"%PDF-1.7\n"
    offsets = []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(body)
    return (
        body
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
        + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    )


def _page(content: bytes, *more: bytes, resources: bytes = b"") -> bytes:
    font = b"<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>%s>>" % resources
    return _pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 600 800]>>",
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources %s>>" % font,
        content,
        *more,
    )


def _stream(data: bytes, filters: int = 1) -> bytes:
    for _ in range(filters):
        data = zlib.compress(data, 9)
    names = b"/FlateDecode " * filters
    return b"<</Length %d/Filter[%s]>>stream\n%s\nendstream" % (len(data), names, data)


def _docx(document: str) -> bytes:
    return zipped({_TYPES: "", "word/document.xml": document})


def _body(inner: str) -> str:
    return f"<w:document {_W}><w:body>{inner}</w:body></w:document>"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "bomb.pdf": lambda: _page(_stream(b"q " * (100 << 20))),
    "bombs.pdf": lambda: _page(_stream(b" " * (300 << 20), filters=3)),
    "operators.pdf": lambda: _page(_stream(b"BT /F 9 Tf 9 9 Td (a) Tj ET " * 700_000)),
    "paths.pdf": lambda: _page(_stream(b"0 0 m 9 99 l S " * 1_000_000)),
    "cycle.pdf": lambda: _pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 9>>",
        b"<</Type/Pages/Kids[2 0 R]/Count 9/Parent 2 0 R>>",
    ),
    "count.pdf": lambda: _pdf(
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 1000000000>>"
    ),
    "form.pdf": lambda: _page(
        _stream(b"/X Do"),
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>"
        b"/Length 5>>stream\n/X Do\nendstream",
        resources=b"/XObject<</X 5 0 R>>",
    ),
    "pages.pdf": lambda: _pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count 100000>>" % (b"3 0 R " * 100_000),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    ),
    "outline.pdf": lambda: _pdf(
        b"<</Type/Catalog/Pages 2 0 R/Outlines 3 0 R>>",
        b"<</Type/Pages/Kids[]/Count 0>>",
        b"<</First 4 0 R/Last 4 0 R>>",
        b"<</Title(a)/Parent 3 0 R/Next 4 0 R/First 4 0 R>>",
    ),
    "text.docx": lambda: _docx(_body(f"<w:p><w:r><w:t>{'a' * (150 << 20)}</w:t></w:r></w:p>")),
    "paragraphs.docx": lambda: _docx(_body("<w:p/>" * 1_500_000)),
    "deep.docx": lambda: _docx(_body("<w:p>" * 5_000)),
    "tables.docx": lambda: _docx(_body("<w:tbl><w:tr><w:tc>" * 60 + "</w:tc></w:tr></w:tbl>" * 60)),
    "laughs.docx": lambda: _docx(
        "<!DOCTYPE a [<!ENTITY a 'ha'>"
        + "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 10))
        + "]><a>&a9;</a>"
    ),
    "styles.docx": lambda: zipped(
        {
            _TYPES: "",
            "word/document.xml": _body("<w:p><w:r><w:t>Text.</w:t></w:r></w:p>"),
            "word/styles.xml": " " * (250 << 20),
        }
    ),
    "bomb.xlsx": lambda: zipped({_TYPES: "", "xl/workbook.xml": " " * (250 << 20)}),
    "bomb.epub": lambda: zipped(
        {"mimetype": "application/epub+zip", "META-INF/container.xml": " " * (250 << 20)}
    ),
    "unclosed.html": lambda: b"<a " * 500_000,
    "comments.html": lambda: b"<!--" * 500_000,
    "deep.html": lambda: b"<div>" * 300_000 + b"text",
    "items.html": lambda: b"<ul><li>a" * 20_000,
    "tables.html": lambda: b"<table><tr><td>a" * 5_000,
    "attributes.html": lambda: b"<p " + b"a=b " * 500_000 + b">text",
    "quotes.csv": lambda: b'"' * 3_000_000,
    "cells.csv": lambda: b"a," * 2_000_000,
    "parts.eml": lambda: b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 50_000,
    "nested.eml": lambda: b"Content-Type: message/rfc822\n\n" * 20_000,
    "bullets.rst": lambda: "".join(f"{'  ' * i}- a\n\n" for i in range(400)).encode(),
    "roles.rst": lambda: b"`a" * 100_000,
    "titles.rst": lambda: b"a\n=\n\n" * 50_000,
}
