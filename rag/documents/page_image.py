"""A page of a PDF as a PNG image, drawn in a child process of its own.

A PDF may attack the library that draws it, so the child has what a child of `sandbox` has: bounds
of time and memory, no files, no network. It ends after its image.
"""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
import zlib

from rag.documents.confine import confine, limit
from rag.types.errors import CorpusError

MAX_WIDTH = 2000
SECONDS = 8.0
MEMORY_MB = 1024
# A page this much taller than it is wide is drawn smaller: the image has a bounded size.
TALLEST = 4

_CODE = "from rag.documents.page_image import serve; serve()"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NO_PAGE = 3


def page_image(raw: bytes, page: int, width: int, seconds: float = SECONDS) -> bytes | None:
    """The page, from 1, of the PDF as a PNG that many pixels wide; None if there is no such page.

    Raises CorpusError if it cannot be drawn within the bounds.
    """
    # It brings the readers, and few services draw a page before they answer a question.
    from rag.documents.sandbox import environment

    try:
        drawn = subprocess.run(
            [sys.executable, "-B", "-P", "-c", _CODE, str(page), str(width)],
            input=raw,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CorpusError(f"page {page} took over {seconds:g} s to draw") from None
    if drawn.returncode == _NO_PAGE:
        return None
    if drawn.returncode or not drawn.stdout.startswith(_SIGNATURE):
        raise CorpusError(f"page {page} cannot be drawn (exit code {drawn.returncode})")
    return drawn.stdout


def serve() -> None:
    """The child: draws the page that the arguments name, of the PDF on stdin, to stdout."""
    raw = sys.stdin.buffer.read()
    confine()
    limit(resource.RLIMIT_CPU, int(SECONDS))
    limit(resource.RLIMIT_AS, MEMORY_MB << 20)
    image = draw(raw, int(sys.argv[1]), int(sys.argv[2]))
    if image is None:
        os._exit(_NO_PAGE)
    sys.stdout.buffer.write(image)
    sys.stdout.buffer.flush()


def draw(raw: bytes, number: int, width: int) -> bytes | None:
    """The page as a PNG, rotated and cut as the file says; None if there is no such page."""
    # Late, as the others: only the child needs the library.
    import pypdfium2

    with pypdfium2.PdfDocument(raw) as document:
        if not 1 <= number <= len(document):
            return None
        page = document[number - 1]
        wide, high = page.get_size()
        scale = min(width / wide, TALLEST * width / high)
        bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=False)
        return png(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride)


def png(pixels: bytes, width: int, height: int, stride: int) -> bytes:
    """A PNG of rows of red, green and blue bytes; each row begins `stride` bytes after the last."""
    rows = b"".join(b"\0" + pixels[at : at + 3 * width] for at in range(0, height * stride, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(rows, 6)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
