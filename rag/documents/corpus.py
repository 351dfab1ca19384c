"""Reads files into documents and their blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rag.documents.beneath import NotRegular, TooLarge, read_file
from rag.documents.files import Source, check_system, find_sources, is_by_product, reason
from rag.documents.language import language_of
from rag.documents.parse import (
    NO_DIGESTS,
    SUFFIXES,
    Digests,
    Parse,
    ParsedFile,
    ending,
    parse,
    sha256,
)
from rag.documents.skipped import (
    Skipped,
    Skips,
    hidden_lines,
    refused,
    shown,
    skip_lines,
    skipped_json,
)
from rag.errors import CorpusError
from rag.types import Document, ParsedDocument

__all__ = [
    "LENIENT",
    "SUFFIXES",
    "Corpus",
    "Parse",
    "ParsedFile",
    "ReadOptions",
    "Skipped",
    "hidden_lines",
    "is_by_product",
    "parse",
    "read_corpus",
    "skip_lines",
    "skipped_json",
]

# Documents read before, by id.
Known = Mapping[str, Document]
NONE_KNOWN: Known = {}

MB = 1 << 20


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read.

    `parse` turns bytes into documents: in this process, or in one that has its bounds
    (`sandbox.Cage.parse`). A file of more than `max_mb` megabytes is skipped. If `strict`, the
    first file that would be skipped is an error. Nothing outside the folder `within` is opened.
    """

    parse: Parse = parse
    max_mb: int = 64
    strict: bool = False
    within: Path | None = None


# Skips what cannot be read, and parses in this process.
LENIENT = ReadOptions()


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents ordered by id, and what was skipped, in order too.

    The documents whose ids are `unchanged` were known before: their blocks were not read.
    """

    documents: list[ParsedDocument]
    skipped: tuple[Skipped, ...] = ()
    unchanged: frozenset[str] = frozenset()

    @property
    def sha256(self) -> str:
        """One hash over each document's id and the sha256 of its raw bytes, in whatever order."""
        documents = [parsed.document for parsed in self.documents]
        listed = sorted(f"{document.source_sha256} {document.id}\n" for document in documents)
        return sha256("".join(listed).encode())


def read_corpus(
    paths: Sequence[Path], known: Known = NONE_KNOWN, options: ReadOptions = LENIENT
) -> Corpus:
    """All documents at the paths; a `known` one with the same raw bytes is not parsed again.

    A file that cannot be read, and one with the id of a document that is there already, is skipped;
    of a corpus.jsonl only the lines that are no documents. Raises CorpusError at the first of them
    if the options are strict; and always if a path is missing or no document is left.
    """
    gathered = _Gathered(known, options)
    for source in find_sources(paths, gathered.skips, options.within):
        gathered.read(source)
    if not gathered.documents:
        raise CorpusError(_nothing_left(paths, gathered.skips.found))
    return Corpus(
        [gathered.documents[id] for id in sorted(gathered.documents)],
        tuple(sorted(gathered.skips.found, key=lambda each: each.id)),
        frozenset(gathered.unchanged),
    )


class _Gathered:
    """The documents of the files that have been read."""

    def __init__(self, known: Known, options: ReadOptions) -> None:
        self.documents: dict[str, ParsedDocument] = {}
        self.unchanged: set[str] = set()
        self.skips = Skips(options.strict)
        self._sources: dict[str, Source] = {}
        self._known = known
        self._lines = _known_lines(known)
        self._options = options

    def read(self, source: Source) -> None:
        """Takes in the documents of a file, or notes why not."""
        if ending(source.document_id) not in SUFFIXES:
            why = f"only files of type {_types()} are read; convert it or remove it"
            self.skips.add(source.given, source.document_id, why, is_unread_type=True)
            return
        try:
            raw = _raw_bytes(source, self._options.max_mb * MB)
            file = self._parsed(source.document_id, raw)
        except CorpusError as error:
            self.skips.add(source.given, source.document_id, str(error))
            return
        if why := "; ".join(filter(None, (file.left_out, self._take(source, file)))):
            self.skips.add(source.given, source.document_id, why)
        for note in file.notes:
            self.skips.note(source.document_id, note)

    def _parsed(self, id: str, raw: bytes) -> ParsedFile:
        was = self._known.get(id)
        # A line of a corpus.jsonl may have had this id; its source is not the id.
        if was and was.source == was.id and was.source_sha256 == sha256(raw):
            return ParsedFile((), unchanged=((id, 0),))
        return self._options.parse(id, raw, self._lines.get(id, NO_DIGESTS))

    def _take(self, source: Source, file: ParsedFile) -> str:
        """Adds the documents of a file; returns why some are left out, "" if none is."""
        documents = [*file.documents, *(self._unchanged(source, *each) for each in file.unchanged)]
        double = [each.document.id for each in documents if each.document.id in self.documents]
        taken = set(double)
        for each in documents:
            if each.document.id not in taken:
                self.documents[each.document.id] = _with_language(each)
                self._sources[each.document.id] = source
        self.unchanged.update(id for id, _ in file.unchanged if id not in taken)
        return _double(source, double, self._sources[double[0]]) if double else ""

    def _unchanged(self, source: Source, id: str, line: int) -> ParsedDocument:
        """A known document, whose line may have moved; line 0 is a whole file."""
        was = self._known[id]
        if not line:
            return ParsedDocument(was, ())
        return ParsedDocument(replace(was, source=f"{source.document_id}:{line}"), ())


def _with_language(parsed: ParsedDocument) -> ParsedDocument:
    """The document, with the language that its text is in unless the file declares one."""
    document = parsed.document
    if document.language is not None or not parsed.blocks:
        return parsed
    return replace(parsed, document=replace(document, language=language_of(document.text)))


def _double(source: Source, ids: Sequence[str], first: Source) -> str:
    same_name = first.document_id == source.document_id
    name = shown(first.given if same_name else first.document_id)
    more = f" (and {len(ids) - 1} more)" if len(ids) > 1 else ""
    return (
        f"{name} has a document {shown(ids[0][:80])} too{more};"
        " rename one, or build an index of each"
    )


def _known_lines(known: Known) -> dict[str, Digests]:
    """The digests of the known lines of each corpus.jsonl, by the name of the file."""
    lines: dict[str, dict[str, str]] = defaultdict(dict)
    for was in known.values():
        if was.source != was.id:
            lines[was.source.rpartition(":")[0]][was.id] = was.source_sha256
    return dict(lines)


def _raw_bytes(source: Source, limit: int) -> bytes:
    """The bytes of the file. Raises CorpusError with the reason alone."""
    if any("\ud800" <= character <= "\udfff" for character in source.document_id):
        raise CorpusError("the name is not UTF-8; rename the file")
    try:
        return read_file(source.anchor, source.path, limit)
    except NotRegular as error:
        raise CorpusError("a pipe, device or link, not a file; put a file there") from error
    except TooLarge as error:
        raise CorpusError(
            f"the file has {error.size / MB:.1f} MB, more than the {limit / MB:g} MB of"
            " RAG_MAX_FILE_MB; split it or raise the setting"
        ) from error
    except OSError as error:
        check_system(error, source.given)
        raise CorpusError(f"cannot be opened ({reason(error)}); check its rights") from error


def _nothing_left(paths: Sequence[Path], skipped: Sequence[Skipped]) -> str:
    places = ", ".join(shown(path) for path in paths)
    why = refused(skipped) if skipped else "no document to read"
    return f"{places}: {why}; add files of type {_types()}"


def _types() -> str:
    return ", ".join(SUFFIXES)
