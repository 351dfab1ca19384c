"""Parses the bytes of one file into documents and their blocks.

Nothing is opened here, so that it can be done in another process: see `rag/documents/sandbox.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rag.documents.encodings import decoded
from rag.documents.formats import FORMATS, JSONL, Format, format_of
from rag.documents.readers.jsonl import BadLine, JsonRecord, records
from rag.documents.readers.reading import Reading
from rag.types import Document, ParsedDocument
from rag.types.errors import CorpusError

# The sha256 of lines read before, by the ids of their documents.
Digests = Mapping[str, str]
NO_DIGESTS: Digests = {}


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a file holds.

    `unchanged` are the documents, by id and line, whose lines are as they were. `left_out` names
    the parts of the file that could not be read, and why. `notes` are remarks about what was
    read.
    """

    documents: tuple[ParsedDocument, ...]
    unchanged: tuple[tuple[str, int], ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


# The document id of a file, its bytes, and the digests of its lines as they were.
Parse = Callable[[str, bytes, Digests], ParsedFile]


def parse(
    document_id: str,
    raw: bytes,
    known: Digests = NO_DIGESTS,
    formats: Sequence[Format] = FORMATS,
) -> ParsedFile:
    """The documents in a file: one, or for a corpus.jsonl one a line.

    Raises CorpusError, saying what is wrong and the fix, for a file that does not hold text.
    """
    end = ending(document_id)
    if found := format_of(end, raw, formats):
        try:
            return _one(document_id, raw, found.media_type, found.load(found.name)(raw))
        except RecursionError as error:
            raise CorpusError("parse_limit: the file nests too deeply; flatten it") from error
    if end == JSONL:
        return _parse_jsonl(document_id, raw, known)
    media_type, read = _TEXTS[end]
    return _one(document_id, raw, media_type, read(raw))


def ending(document_id: str) -> str:
    """How the name of a file ends, which tells its type: `.md`; in lower case."""
    return PurePosixPath(document_id).suffix.lower()


def sha256(content: str | bytes) -> str:
    """The sha256 of bytes, or of a text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def load_readers() -> None:
    """Loads what reads most files; else it is loaded with the first, as other readers are."""
    _read_markdown(b"a")


def _read_text(raw: bytes) -> Reading:
    from rag.documents.readers.hidden import without_encoded
    from rag.documents.readers.plain_text import plain_blocks

    text, note = decoded(raw)
    text, encoded = without_encoded(text)
    return Reading("", text, plain_blocks(text), hidden=tuple(encoded), notes=_notes(note))


def _read_markdown(raw: bytes) -> Reading:
    from rag.documents.readers.facts import NO_FACTS, front_facts
    from rag.documents.readers.hidden import front_values, merged, without_encoded
    from rag.documents.readers.markdown import markdown_blocks

    text, note = decoded(raw)
    text, encoded = without_encoded(text)
    read = markdown_blocks(text)
    hidden = merged([*read.hidden, *encoded])
    front = front_values(text)
    own = front_facts(front[0]) if front else NO_FACTS
    return Reading(read.title, text, read.blocks, hidden=hidden, notes=_notes(note), facts=own)


def _notes(note: str) -> tuple[str, ...]:
    return (note,) if note else ()


def _parse_jsonl(document_id: str, raw: bytes, known: Digests) -> ParsedFile:
    """Each line is a document; a line that is none, or repeats an id, is left out alone."""
    found: dict[str, JsonRecord] = {}
    first, bad = "", 0
    for record in records(raw):
        if isinstance(record, JsonRecord) and record.id not in found:
            found[record.id] = record
            continue
        first = first or f"bad_lines: line {record.line}: {_bad_line(record, found)}"
        bad += 1
    left_out = first + _and_more(bad)
    if not found:
        why = "empty: the file is empty; put documents into it or remove it"
        raise CorpusError(left_out or why)
    return ParsedFile(
        tuple(_line(document_id, r) for r in found.values() if known.get(r.id) != r.sha256),
        tuple((r.id, r.line) for r in found.values() if known.get(r.id) == r.sha256),
        (left_out,) if left_out else (),
    )


def _bad_line(line: JsonRecord | BadLine, found: Mapping[str, JsonRecord]) -> str:
    if isinstance(line, BadLine):
        return line.reason
    first = found[line.id].line
    return f"`_id` {line.id!r:.80} stands on line {first} too; make it unique"


def _and_more(bad: int) -> str:
    if bad < 2:
        return ""
    return f"; {'1 more line is' if bad == 2 else f'{bad - 1} more lines are'} left out too"


def _line(document_id: str, record: JsonRecord) -> ParsedDocument:
    from rag.documents.readers.plain_text import paragraph_blocks

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


def _one(document_id: str, raw: bytes, media_type: str, reading: Reading) -> ParsedFile:
    document = Document(
        id=document_id,
        title=reading.title or _title_from(document_id),
        source=document_id,
        media_type=media_type,
        text=reading.text,
        sha256=sha256(reading.text),
        source_sha256=sha256(raw),
        places=reading.places,
        words=reading.words,
        language=reading.facts.language,
        created=reading.facts.created,
        modified=reading.facts.modified,
        notice=reading.facts.notice,
    )
    return ParsedFile(
        (ParsedDocument(document, reading.blocks, reading.hidden),),
        left_out=reading.left_out,
        notes=reading.notes,
    )


def _title_from(document_id: str) -> str:
    stem = PurePosixPath(document_id).stem
    return " ".join(stem.replace("-", " ").replace("_", " ").split()) or stem


# The texts whose own words and offsets are the document's.
_TEXTS: dict[str, tuple[str, Callable[[bytes], Reading]]] = {
    ".txt": ("text/plain", _read_text),
    ".text": ("text/plain", _read_text),
    ".md": ("text/markdown", _read_markdown),
    ".markdown": ("text/markdown", _read_markdown),
}
