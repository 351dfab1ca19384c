"""Reads files into documents and their blocks. A reader for a new type is a row in `_READERS`."""

from __future__ import annotations

import codecs
import hashlib
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from rag.errors import CorpusError
from rag.readers.jsonl import records
from rag.readers.markdown import markdown_blocks
from rag.readers.source import Source, find_sources, reason, shown
from rag.readers.text import paragraph_blocks, plain_blocks
from rag.types import Block, Document, ParsedDocument

__all__ = ["SUFFIXES", "Corpus", "Source", "find_sources", "read_corpus", "read_source"]

# Documents read before, by id.
Known = Mapping[str, Document]
NONE_KNOWN: Known = {}


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents ordered by id, and the files passed over as (id, reason), in order too.

    The documents whose ids are `unchanged` were known before: their blocks were not read.
    """

    documents: list[ParsedDocument]
    skipped: list[tuple[str, str]]
    unchanged: frozenset[str] = frozenset()


def read_corpus(
    paths: Sequence[Path], skip_unreadable: bool = False, known: Known = NONE_KNOWN
) -> Corpus:
    """All documents at the paths; a `known` one with the same raw bytes is not parsed again.

    Raises CorpusError at the first file that cannot be read, unless `skip_unreadable`; and always
    where no document is left or two have one id.
    """
    documents: list[ParsedDocument] = []
    unchanged: list[str] = []
    skipped = []
    for source in find_sources(paths):
        try:
            for found in _read(source, known):
                if isinstance(found, Document):
                    unchanged.append(found.id)
                    found = ParsedDocument(found, ())
                documents.append(found)
        except CorpusError as error:
            if not skip_unreadable:
                raise
            skipped.append((source.document_id, str(error)))
    if not documents:
        places = ", ".join(shown(path) for path in paths)
        raise CorpusError(f"{places}: no document to read; add files of type {_types()}")
    documents.sort(key=lambda parsed: parsed.document.id)
    _check_ids(documents)
    return Corpus(documents, sorted(skipped), frozenset(unchanged))


def read_source(source: Source) -> list[ParsedDocument]:
    """The documents in a file: one, or for a corpus.jsonl one a line.

    Raises CorpusError, naming file and cure, for a file of unknown type, one that is no regular
    file, cannot be opened, or does not hold text.
    """
    return [found for found in _read(source, NONE_KNOWN) if isinstance(found, ParsedDocument)]


def _read(source: Source, known: Known) -> list[ParsedDocument | Document]:
    """The documents in a file, parsed, or as they were known."""
    read = _READERS.get(source.path.suffix.lower())
    if read is None:
        raise CorpusError(
            f"{shown(source.path)}: cannot read files of this type, only {_types()};"
            " remove it or give --skip-unreadable"
        )
    if not _is_text(source.document_id):
        raise CorpusError(f"{shown(source.path)}: the name is not UTF-8; rename the file")
    return read(source, _raw_bytes(source.path), known)


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


def _one(read: Callable[[Source, bytes], ParsedDocument]) -> _Reader:
    """A reader of files that hold one document each."""

    def reader(source: Source, raw: bytes, known: Known) -> list[ParsedDocument | Document]:
        was = known.get(source.document_id)
        # A line of a corpus.jsonl may have had this id; its source is not the id.
        if was and was.source == was.id and was.source_sha256 == hashlib.sha256(raw).hexdigest():
            return [was]
        return [read(source, raw)]

    return reader


def _read_text(source: Source, raw: bytes) -> ParsedDocument:
    text = _decoded(raw, source.path)
    return _parsed(source, raw, "text/plain", "", text, plain_blocks(text))


def _read_markdown(source: Source, raw: bytes) -> ParsedDocument:
    text = _decoded(raw, source.path)
    title, blocks = markdown_blocks(text)
    return _parsed(source, raw, "text/markdown", title, text, blocks)


def _read_jsonl(source: Source, raw: bytes, known: Known) -> list[ParsedDocument | Document]:
    found: dict[str, Document] = {}
    for record in records(raw, shown(source.path)):
        place = f"{source.document_id}:{record.line}"
        if record.id in found:
            raise CorpusError(
                f"{shown(source.path)}:{record.line}: `_id` {record.id!r} stands on line"
                f" {found[record.id].source.rpartition(':')[2]} too; make it unique"
            )
        found[record.id] = Document(
            id=record.id,
            title=record.title,
            source=place,
            media_type="text/plain",
            text=record.text,
            sha256=_sha256(record.text),
            source_sha256=record.sha256,
        )
    return [
        document
        if _same(document, known.get(document.id))
        else ParsedDocument(document, paragraph_blocks(document.text))
        for document in found.values()
    ]


def _same(document: Document, was: Document | None) -> bool:
    """Whether a line's document is as it was, though the line may stand elsewhere."""
    return was is not None and document == replace(was, source=document.source)


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


_Reader = Callable[[Source, bytes, Known], list[ParsedDocument | Document]]

_READERS: dict[str, _Reader] = {
    ".txt": _one(_read_text),
    ".text": _one(_read_text),
    ".md": _one(_read_markdown),
    ".markdown": _one(_read_markdown),
    ".jsonl": _read_jsonl,
}

# How the names of files that can be read end, in lower case, sorted.
SUFFIXES = tuple(sorted(_READERS))
