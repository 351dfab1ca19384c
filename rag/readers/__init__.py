"""Reads files into documents and their blocks. A reader for a new type is a row in `_READERS`."""

from __future__ import annotations

import codecs
import hashlib
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag.errors import CorpusError
from rag.readers.jsonl import records
from rag.readers.markdown import markdown_blocks
from rag.readers.source import Source, find_sources, reason, shown
from rag.readers.text import paragraph_blocks, plain_blocks
from rag.types import Block, Document, ParsedDocument

__all__ = ["Corpus", "Source", "find_sources", "read_corpus", "read_source"]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents ordered by id, and the files passed over as (id, reason), in order too."""

    documents: list[ParsedDocument]
    skipped: list[tuple[str, str]]


def read_corpus(paths: Sequence[Path], skip_unreadable: bool = False) -> Corpus:
    """All documents at the paths.

    Raises CorpusError at the first file that cannot be read, unless `skip_unreadable`; and always
    where no document is left or two have one id.
    """
    documents: list[ParsedDocument] = []
    skipped = []
    for source in find_sources(paths):
        try:
            documents += read_source(source)
        except CorpusError as error:
            if not skip_unreadable:
                raise
            skipped.append((source.document_id, str(error)))
    if not documents:
        places = ", ".join(shown(path) for path in paths)
        raise CorpusError(f"{places}: no document to read; add files of type {_types()}")
    documents.sort(key=lambda parsed: parsed.document.id)
    _check_ids(documents)
    return Corpus(documents, sorted(skipped))


def read_source(source: Source) -> list[ParsedDocument]:
    """The documents in a file: one, or for a corpus.jsonl one a line.

    Raises CorpusError, naming file and cure, for a file of unknown type, one that is no regular
    file, cannot be opened, or does not hold text.
    """
    read = _READERS.get(source.path.suffix.lower())
    if read is None:
        raise CorpusError(
            f"{shown(source.path)}: cannot read files of this type, only {_types()};"
            " remove it or give --skip-unreadable"
        )
    if not _is_text(source.document_id):
        raise CorpusError(f"{shown(source.path)}: the name is not UTF-8; rename the file")
    return read(source, _raw_bytes(source.path))


def _types() -> str:
    return ", ".join(sorted(_READERS))


def _raw_bytes(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise CorpusError(
                f"{shown(path)}: a link or device, not a file; give the file itself"
                " or --skip-unreadable"
            )
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(
            f"{shown(path)}: cannot be opened ({reason(error)}); check its rights"
        ) from error


def _decoded(raw: bytes, path: Path) -> str:
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
            f"{shown(path)}: byte {error.start + len(mark)} is not {encoding.upper()};"
            " convert the file: iconv -f WINDOWS-1252 -t utf-8 (or from its real encoding)"
        ) from error
    if "\0" in text:
        raise CorpusError(f"{shown(path)}: holds NUL bytes, so it is not text; remove it")
    if not text.strip():
        raise CorpusError(f"{shown(path)}: the file is empty; remove it")
    return text


def _read_text(source: Source, raw: bytes) -> list[ParsedDocument]:
    text = _decoded(raw, source.path)
    return [_parsed(source, raw, "text/plain", "", text, plain_blocks(text))]


def _read_markdown(source: Source, raw: bytes) -> list[ParsedDocument]:
    text = _decoded(raw, source.path)
    title, blocks = markdown_blocks(text)
    return [_parsed(source, raw, "text/markdown", title, text, blocks)]


def _read_jsonl(source: Source, raw: bytes) -> list[ParsedDocument]:
    digest = hashlib.sha256(raw).hexdigest()
    found: dict[str, ParsedDocument] = {}
    for record in records(raw, shown(source.path)):
        place = f"{source.document_id}:{record.line}"
        if record.id in found:
            raise CorpusError(
                f"{shown(source.path)}:{record.line}: `_id` {record.id!r} stands on line"
                f" {found[record.id].document.source.rpartition(':')[2]} too; make it unique"
            )
        document = Document(
            id=record.id,
            title=record.title,
            source=place,
            media_type="text/plain",
            text=record.text,
            sha256=_sha256(record.text),
            source_sha256=digest,
        )
        found[record.id] = ParsedDocument(document, paragraph_blocks(record.text))
    return list(found.values())


def _parsed(
    source: Source, raw: bytes, media_type: str, title: str, text: str, blocks: tuple[Block, ...]
) -> ParsedDocument:
    document = Document(
        id=source.document_id,
        title=title or _title_from(source.document_id),
        source=source.document_id,
        media_type=media_type,
        text=text,
        sha256=_sha256(text),
        source_sha256=hashlib.sha256(raw).hexdigest(),
    )
    return ParsedDocument(document, blocks)


def _title_from(document_id: str) -> str:
    stem = PurePosixPath(document_id).stem
    return " ".join(stem.replace("-", " ").replace("_", " ").split()) or stem


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_text(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _check_ids(documents: list[ParsedDocument]) -> None:
    for i in range(1, len(documents)):
        one, other = documents[i - 1].document, documents[i].document
        if one.id == other.id:
            raise CorpusError(
                f"{shown(one.source)} and {shown(other.source)} both hold a document"
                f" {shown(one.id)}; rename one or build an index of each"
            )


_READERS: dict[str, Callable[[Source, bytes], list[ParsedDocument]]] = {
    ".txt": _read_text,
    ".text": _read_text,
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".jsonl": _read_jsonl,
}
