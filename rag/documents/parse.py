"""Parses the bytes of one file into documents and their blocks. A new type is a row in `_PARSERS`.

Nothing is opened here, so that it can be done in another process: see `rag/documents/sandbox.py`.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rag.documents.readers.hidden import merged, without_encoded
from rag.documents.readers.jsonl import BadLine, Record, records
from rag.documents.readers.markdown import Markdown, markdown_blocks
from rag.documents.readers.plain_text import paragraph_blocks, plain_blocks
from rag.errors import CorpusError
from rag.types import Document, Hidden, ParsedDocument

# The sha256 of lines read before, by the ids of their documents.
Digests = Mapping[str, str]
NO_DIGESTS: Digests = {}


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a file holds.

    `unchanged` are the documents, by id and line, whose lines are as they were. `left_out` says
    which part of the file is no document, and why; "" for none.
    """

    documents: tuple[ParsedDocument, ...]
    unchanged: tuple[tuple[str, int], ...] = ()
    left_out: str = ""


# The document id of a file, its bytes, and the digests of its lines as they were.
Parse = Callable[[str, bytes, Digests], ParsedFile]


def parse(document_id: str, raw: bytes, known: Digests = NO_DIGESTS) -> ParsedFile:
    """The documents in a file: one, or for a corpus.jsonl one a line.

    Raises CorpusError, saying what is wrong and the fix, for a file that does not hold text.
    """
    return _PARSERS[ending(document_id)](document_id, raw, known)


def ending(document_id: str) -> str:
    """How the name of a file ends, which tells its type: `.md`; in lower case."""
    return PurePosixPath(document_id).suffix.lower()


def sha256(content: str | bytes) -> str:
    """The sha256 of bytes, or of a text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def _decoded(raw: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte-order mark; without that mark."""
    encoding, mark = "utf-8", b""
    if raw.startswith(codecs.BOM_UTF8):
        mark = codecs.BOM_UTF8
    elif raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        mark = raw[:2]
        encoding = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    try:
        text = raw[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"byte {error.start + len(mark)} is not {encoding.upper()};"
            " convert the file: iconv -f WINDOWS-1252 -t utf-8 (or from its real encoding)"
        ) from error
    if "\0" in text:
        raise CorpusError("the file holds NUL bytes, so it is not text; remove it")
    if not text.strip():
        raise CorpusError("the file is empty; write something into it or remove it")
    return text


def _parse_text(document_id: str, raw: bytes, known: Digests) -> ParsedFile:
    text, encoded = without_encoded(_decoded(raw))
    return _one(document_id, raw, "text/plain", text, Markdown("", plain_blocks(text)), encoded)


def _parse_markdown(document_id: str, raw: bytes, known: Digests) -> ParsedFile:
    text, encoded = without_encoded(_decoded(raw))
    return _one(document_id, raw, "text/markdown", text, markdown_blocks(text), encoded)


def _parse_jsonl(document_id: str, raw: bytes, known: Digests) -> ParsedFile:
    """Each line is a document; a line that is none, or repeats an id, is left out alone."""
    found: dict[str, Record] = {}
    first, bad = "", 0
    for record in records(raw):
        if isinstance(record, Record) and record.id not in found:
            found[record.id] = record
            continue
        first = first or f"line {record.line}: {_bad_line(record, found)}"
        bad += 1
    left_out = first + _and_more(bad)
    if not found:
        raise CorpusError(left_out or "the file is empty; put documents into it or remove it")
    return ParsedFile(
        tuple(_line(document_id, r) for r in found.values() if known.get(r.id) != r.sha256),
        tuple((r.id, r.line) for r in found.values() if known.get(r.id) == r.sha256),
        left_out,
    )


def _bad_line(line: Record | BadLine, found: Mapping[str, Record]) -> str:
    if isinstance(line, BadLine):
        return line.reason
    first = found[line.id].line
    return f"`_id` {line.id!r:.80} stands on line {first} too; make it unique"


def _and_more(bad: int) -> str:
    if bad < 2:
        return ""
    return f"; {'1 more line is' if bad == 2 else f'{bad - 1} more lines are'} left out too"


def _line(document_id: str, record: Record) -> ParsedDocument:
    document = Document(
        id=record.id,
        title=record.title,
        source=f"{document_id}:{record.line}",
        media_type="text/plain",
        text=record.text,
        sha256=sha256(record.text),
        source_sha256=record.sha256,
    )
    return ParsedDocument(document, paragraph_blocks(document.text))


def _one(
    document_id: str,
    raw: bytes,
    media_type: str,
    text: str,
    read: Markdown,
    encoded: Sequence[Hidden],
) -> ParsedFile:
    document = Document(
        id=document_id,
        title=read.title or _title_from(document_id),
        source=document_id,
        media_type=media_type,
        text=text,
        sha256=sha256(text),
        source_sha256=sha256(raw),
    )
    return ParsedFile((ParsedDocument(document, read.blocks, merged([*read.hidden, *encoded])),))


def _title_from(document_id: str) -> str:
    stem = PurePosixPath(document_id).stem
    return " ".join(stem.replace("-", " ").replace("_", " ").split()) or stem


_PARSERS: dict[str, Parse] = {
    ".txt": _parse_text,
    ".text": _parse_text,
    ".md": _parse_markdown,
    ".markdown": _parse_markdown,
    ".jsonl": _parse_jsonl,
}

# How the names of files that can be read end, in lower case, sorted.
SUFFIXES = tuple(sorted(_PARSERS))
