"""PDF and Office files that are made to bring a reader down; each is made when it is asked for."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Callable

from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

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


def _encrypted(user: str) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, encrypt=StandardEncryption(user, "owner"))
    canvas.drawString(72, 700, "Words that a password may lock.")
    canvas.save()
    return file.getvalue()


def _lying(archive: bytes) -> bytes:
    """The archive, which now says that its largest entry inflates to a thousand bytes."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        largest = max(entry.file_size for entry in opened.infolist())
    return archive.replace(largest.to_bytes(4, "little"), (1000).to_bytes(4, "little"))


def _twice(archive: bytes) -> bytes:
    """The archive with a second entry of the document's name."""
    buffer = io.BytesIO(archive)
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as opened:
        warnings.simplefilter("ignore")
        opened.writestr("word/document.xml", _TEXT.replace("Text.", "Other."))
    return buffer.getvalue()


_TEXT = _body("<w:p><w:r><w:t>Text.</w:t></w:r></w:p>")
_WORDS = b"BT /F 12 Tf 50 700 Td (Words on a page.) Tj ET"

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
    "half.pdf": lambda: (whole := _page(_stream(_WORDS)))[: len(whole) // 2],
    "tail.pdf": lambda: _page(_stream(_WORDS)) + bytes(range(256)) * 40,
    "loop.pdf": lambda: _page(_stream(_WORDS)).replace(b"/Root 1", b"/Prev 9/Root 1"),
    "locked.pdf": lambda: _encrypted(user="secret"),
    "open.pdf": lambda: _encrypted(user=""),
    "surrogates.pdf": lambda: _page(
        _stream(b"BT /G 12 Tf 50 700 Td <00410042> Tj ET"),
        b"<</Type/Font/Subtype/Type0/BaseFont/G/Encoding/Identity-H/DescendantFonts[6 0 R]"
        b"/ToUnicode 7 0 R>>",
        b"<</Type/Font/Subtype/CIDFontType2/BaseFont/G/DW 600/CIDSystemInfo"
        b"<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>>>",
        _stream(
            b"begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange"
            b" 2 beginbfchar <0041> <D800> <0042> <0062> endbfchar endcmap"
        ),
        resources=b"/Font<</G 5 0 R>>",
    ),
    "script.pdf": lambda: _page(_stream(_WORDS)).replace(
        b"/Type/Catalog",
        b"/Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>"
        b"/AA<</WC<</S/Launch/F(/bin/true)>>>>",
    ),
    "not-a-zip.docx": lambda: b"This is no archive.",
    "half.docx": lambda: (whole := _docx(_TEXT))[: len(whole) // 2],
    "locked.docx": lambda: (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    ),
    "liar.docx": lambda: _lying(_docx(_body(f"<w:p>{' ' * (30 << 20)}</w:p>"))),
    "entries.docx": lambda: zipped(
        {_TYPES: "", "word/document.xml": _TEXT, **{f"word/{n}": "" for n in range(20_000)}}
    ),
    "entity.docx": lambda: _docx(
        "<!DOCTYPE a [<!ENTITY f SYSTEM 'file:///etc/shadow'>"
        "<!ENTITY h SYSTEM 'http://192.0.2.1/'>]>" + _TEXT.replace("Text.", "&f;&h;")
    ),
    "declared.docx": lambda: _docx(f"<!DOCTYPE document>{_TEXT}"),
    "climb.docx": lambda: zipped(
        {_TYPES: "", "word/document.xml": _TEXT, "../../../../tmp/rag-evil": "evil"}
    ),
    "twice.docx": lambda: _twice(_docx(_TEXT)),
    "remote.docx": lambda: zipped(
        {
            _TYPES: "",
            "word/document.xml": _TEXT,
            "word/_rels/document.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats'
            '.org/package/2006/relationships"><Relationship Id="a" TargetMode="External" Type='
            '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"'
            ' Target="http://192.0.2.1/styles.xml"/></Relationships>',
        }
    ),
    "sheet.docx": lambda: zipped({_TYPES: "", "xl/workbook.xml": "<workbook/>"}),
}
