"""The original files of documents as responses, safe to open in a browser.

A browser shows plain text, Markdown and PDF. Everything else is a download, because it could run
scripts in the name of this service. The media type is that of what the file holds, not of its name.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from rag.index import Snapshot
from rag.types import FileReport

INLINE = frozenset({"text/plain", "text/markdown", "application/pdf"})
# Nothing in the file runs or is loaded, whatever a browser takes it for.
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


def file_response(snapshot: Snapshot, file: FileReport, held: str) -> Response:
    """The file, or 304 if the client holds it: `held` is the header If-None-Match.

    Raises CorruptIndex if the stored file is damaged.
    """
    etag = f'"{file.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
    if {"*", etag} & {each.strip().removeprefix("W/") for each in held.split(",")}:
        return Response(status_code=304, headers=headers)
    headers |= {
        "Content-Type": _content_type(snapshot, file),
        "Content-Length": str(file.size),
        "Content-Disposition": disposition(file),
    }
    return StreamingResponse(snapshot.originals.pieces(file), headers=headers)


def disposition(file: FileReport) -> str:
    """The header Content-Disposition by RFC 6266; the name is there in ASCII too."""
    name = PurePosixPath(file.id).name
    kind = "inline" if file.media_type in INLINE else "attachment"
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _content_type(snapshot: Snapshot, file: FileReport) -> str:
    """The media type; of text, with its encoding if that is UTF-8."""
    is_shown_text = file.media_type in INLINE and file.media_type.startswith("text/")
    if is_shown_text and _is_utf8(snapshot.originals.pieces(file)):
        return f"{file.media_type}; charset=utf-8"
    return file.media_type


def _is_utf8(pieces: Iterable[bytes | memoryview]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces:
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
