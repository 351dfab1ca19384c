"""Reads files into documents and their blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rag.documents.beneath import NotRegular, TooLarge, read_file
from rag.documents.files import Source, check_system, find_sources, is_by_product, reason
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
from rag.text import counted
from rag.types import Document, ParsedDocument, Progress, silent

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
MAX_FILE_MB = 256


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file of the corpus and what it holds; None if it is refused, with the reason."""

    source: Source
    file: ParsedFile | None
    refusal: str = ""
    is_unread_type: bool = False

    @property
    def is_new(self) -> bool:
        """Whether documents were parsed."""
        return self.file is not None and bool(self.file.documents)

    @property
    def pages(self) -> int:
        """How many pages and slides with text it has."""
        if self.file is None:
            return 0
        places = (place for each in self.file.documents for place in each.document.places)
        return sum(place.kind in ("page", "slide") for place in places)


# Reads a file, given what parses it.
Read = Callable[[Source, Parse], FileRead]
# What such a function returns for each source, in order.
Each = Callable[[Read, Iterable[Source]], Iterator[FileRead]]


def in_process(read: Read, sources: Iterable[Source]) -> Iterator[FileRead]:
    """Reads one file after the other, and parses it in this process."""
    return (read(source, parse) for source in sources)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read.

    `each` reads and parses them: in this process, or in others that have their bounds
    (`sandbox.Cage.each`). A file of more than `max_mb` megabytes is skipped. If `strict`, the
    first file that would be skipped is an error. Nothing outside the folder `within` is opened.
    `progress` hears of the files read.
    """

    each: Each = in_process
    max_mb: int = MAX_FILE_MB
    strict: bool = False
    within: Path | None = None
    progress: Progress = silent


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
    skips = Skips(options.strict)
    gathered = _Gathered(known, skips)
    for read in read_files(paths, skips, known, options):
        gathered.take(read)
    if not gathered.documents:
        raise CorpusError(_nothing_left(paths, skips.found))
    return Corpus(
        [gathered.documents[id] for id in sorted(gathered.documents)],
        tuple(sorted(skips.found, key=lambda each: each.id)),
        frozenset(gathered.unchanged),
    )


def read_files(
    paths: Sequence[Path], skips: Skips, known: Known = NONE_KNOWN, options: ReadOptions = LENIENT
) -> Iterator[FileRead]:
    """Each file at the paths as it is read, in order; holds a few of them at a time.

    `skips` hears of links and folders that are not read. Raises CorpusError for a missing path.
    """
    sources = find_sources(paths, skips, options.within)
    reader = _Reader(known, options.max_mb * MB)
    pages = 0
    for done, read in enumerate(options.each(reader.read, sources), start=1):
        pages += read.pages
        what = f"files read ({counted(pages, 'page')})" if pages else "files read"
        # A build that finds nothing new says nothing.
        if read.is_new:
            options.progress(what, done, len(sources))
        yield read


class _Reader:
    """Reads a file; used by several threads at once."""

    def __init__(self, known: Known, limit: int) -> None:
        self._known = known
        self._lines = _known_lines(known)
        self._limit = limit

    def read(self, source: Source, parse: Parse) -> FileRead:
        """What a file holds, or why it is refused."""
        if ending(source.document_id) not in SUFFIXES:
            why = f"only files of type {_types()} are read; convert it or remove it"
            return FileRead(source, None, why, is_unread_type=True)
        try:
            raw = _raw_bytes(source, self._limit)
            return FileRead(source, self._parsed(source.document_id, raw, parse))
        except CorpusError as error:
            return FileRead(source, None, str(error))

    def _parsed(self, id: str, raw: bytes, parse: Parse) -> ParsedFile:
        was = self._known.get(id)
        # A line of a corpus.jsonl may have had this id; its source is not the id.
        if was and was.source == was.id and was.source_sha256 == sha256(raw):
            return ParsedFile((), unchanged=((id, 0),))
        return parse(id, raw, self._lines.get(id, NO_DIGESTS))


class _Gathered:
    """The documents of the files that have been read."""

    def __init__(self, known: Known, skips: Skips) -> None:
        self.documents: dict[str, ParsedDocument] = {}
        self.unchanged: set[str] = set()
        self._skips = skips
        self._sources: dict[str, Source] = {}
        self._known = known

    def take(self, read: FileRead) -> None:
        """Takes in the documents of a file, or notes why not."""
        source, file = read.source, read.file
        if file is None:
            self._skips.add(source.given, source.document_id, read.refusal, read.is_unread_type)
            return
        if why := "; ".join(filter(None, (file.left_out, self._take(source, file)))):
            self._skips.add(source.given, source.document_id, why)
        for note in file.notes:
            self._skips.note(source.document_id, note)

    def _take(self, source: Source, file: ParsedFile) -> str:
        """Adds the documents of a file; returns why some are left out, "" if none is."""
        documents = [*file.documents, *(self._unchanged(source, *each) for each in file.unchanged)]
        double = [each.document.id for each in documents if each.document.id in self.documents]
        taken = set(double)
        for each in documents:
            if each.document.id not in taken:
                self.documents[each.document.id] = each
                self._sources[each.document.id] = source
        self.unchanged.update(id for id, _ in file.unchanged if id not in taken)
        return _double(source, double, self._sources[double[0]]) if double else ""

    def _unchanged(self, source: Source, id: str, line: int) -> ParsedDocument:
        """A known document, whose line may have moved; line 0 is a whole file."""
        was = self._known[id]
        if not line:
            return ParsedDocument(was, ())
        return ParsedDocument(replace(was, source=f"{source.document_id}:{line}"), ())


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
