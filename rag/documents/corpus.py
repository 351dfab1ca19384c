"""Reads files into documents and their blocks."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rag.documents.beneath import FileStamp, NotRegular, TooLarge, read_beneath, stamp_of
from rag.documents.files import Source, check_system, find_sources, reason
from rag.documents.formats import SUFFIXES
from rag.documents.language import language_of
from rag.documents.parse import (
    NO_DIGESTS,
    Digests,
    Parse,
    ParsedFile,
    ending,
    parse,
    sha256,
)
from rag.documents.report import file_report, pages_of, refused
from rag.documents.skipped import Skips, remarks_of, shown
from rag.documents.spool import Spool, opened_spool
from rag.documents.stamps import Stamps, settled
from rag.text import counted
from rag.types import Document, FileReport, ParsedDocument, Progress, Remark, silent
from rag.types.errors import CorpusError


def _none(file: FileReport) -> bytes:
    raise KeyError(file.id)


@dataclass(frozen=True, slots=True)
class Known:
    """Documents read before, and the reports of their files, by id.

    `original` gives the bytes of such a file, and `stamps` tell whether it has changed since.
    """

    documents: Mapping[str, Document] = field(default_factory=dict)
    files: Mapping[str, FileReport] = field(default_factory=dict)
    original: Callable[[FileReport], bytes] = _none
    stamps: Stamps = field(default_factory=dict)


NONE_KNOWN = Known()

MB = 1 << 20
MAX_FILE_MB = 256


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file of the corpus, its bytes and what they hold; None if it is refused, with the reason.

    `known` is the report of a file that holds the same bytes as before; `seconds` is what reading
    it took; `stamp` is of a file that had not been changed for a while.
    """

    source: Source
    file: ParsedFile | None
    refusal: str = ""
    raw: bytes = b""
    sha256: str = ""
    known: FileReport | None = None
    seconds: float = 0
    stamp: FileStamp | None = None


# Reads a file, given what parses it.
Read = Callable[[Source, Parse], FileRead]
# What such a function returns for each source, in order.
Each = Callable[[Read, Iterable[Source]], Iterator[FileRead]]


def read_in_process(read: Read, sources: Iterable[Source]) -> Iterator[FileRead]:
    """Reads one file after the other, and parses it in this process."""
    return (read(source, parse) for source in sources)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read.

    `each` reads and parses them: in this process, or in others that have their bounds
    (`sandbox.Cage.each`). A file of more than `max_mb` megabytes is skipped. If `strict`, the
    first file that would be skipped is an error. Nothing outside the folder `within` is opened.
    `progress` hears of the files read, and `taken` gets each document that was not known.
    """

    each: Each = read_in_process
    max_mb: int = MAX_FILE_MB
    strict: bool = False
    within: Path | None = None
    progress: Progress = silent
    taken: Callable[[ParsedDocument], None] = lambda parsed: None


# Skips what cannot be read, and parses in this process.
LENIENT = ReadOptions()


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents ordered by id, and the reports of all files, in order too.

    The documents whose ids are `unchanged` were known before: their blocks were not read.
    `originals` are the bytes of the files that hold documents, in the order of `files`. `seconds`
    are those that each file took, unless it was as before. `stamps` are for the next build.
    """

    documents: list[ParsedDocument]
    files: tuple[FileReport, ...] = ()
    unchanged: frozenset[str] = frozenset()
    originals: memoryview = field(default_factory=lambda: memoryview(b""))
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)
    stamps: Stamps = field(default_factory=dict, compare=False)

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
    with opened_spool() as spool:
        skips = Skips(options.strict)
        gathered = _Gathered(known, skips, spool)
        for read in read_files(paths, skips, known, options):
            for parsed in gathered.take(read):
                options.taken(parsed)
        if not gathered.documents:
            raise CorpusError(_nothing_left(paths, skips.found))
        files = sorted([*gathered.files, *skips.found], key=lambda file: file.id)
        return Corpus(
            [gathered.documents[id] for id in sorted(gathered.documents)],
            tuple(files),
            frozenset(gathered.unchanged),
            spool.joined([file.sha256 for file in files if file.documents]),
            gathered.seconds,
            gathered.stamps,
        )


def read_files(
    paths: Sequence[Path], skips: Skips, known: Known = NONE_KNOWN, options: ReadOptions = LENIENT
) -> Iterator[FileRead]:
    """Each file at the paths as it is read, in order; holds a few of them at a time.

    `skips` hears of links and folders that are not read. Raises CorpusError for a missing path.
    """
    sources = find_sources(paths, skips, options.within)
    reader = _Reader(known, options.max_mb * MB)
    before = [reader.as_before(source) for source in sources]
    others = [source for source, was in zip(sources, before, strict=True) if not was]
    reads = options.each(reader.read, others)
    pages = 0
    for done, (source, was) in enumerate(zip(sources, before, strict=True), start=1):
        read = reader.unread(source, was) if was else next(reads)
        parsed = read.file.documents if read.file else ()
        pages += sum(pages_of(each.document) for each in parsed)
        what = f"files read ({counted(pages, 'page')})" if pages else "files read"
        # A build that finds nothing new says nothing.
        if parsed:
            options.progress(what, done, len(sources))
        yield read


class _Reader:
    """Reads a file; used by several threads at once."""

    def __init__(self, known: Known, limit: int) -> None:
        self._known = known
        self._lines = _known_lines(known.documents)
        self._limit = limit

    def read(self, source: Source, parse: Parse) -> FileRead:
        """What a file holds, or why it is refused."""
        id = source.document_id
        if ending(id) not in SUFFIXES:
            why = f"unsupported: only files of type {_types()} are read; convert it or remove it"
            return FileRead(source, None, why)
        began, now = time.perf_counter(), time.time_ns()
        try:
            stamp = settled(stamp_of(source.anchor, source.path), now)
            raw = _raw_bytes(source, self._limit)
            digest = sha256(raw)
            was = self._known_file(id, digest)
            file = _unread(id) if was else parse(id, raw, self._lines.get(id, NO_DIGESTS))
        except CorpusError as error:
            return FileRead(source, None, str(error), seconds=time.perf_counter() - began)
        seconds = time.perf_counter() - began
        return FileRead(source, file, "", raw, digest, was, seconds, stamp)

    def as_before(self, source: Source) -> FileReport | None:
        """The report of a known file, if its stamp has not changed."""
        kept = self._known.stamps.get(str(source.path))
        was = self._known_file(source.document_id, kept[1]) if kept else None
        if kept is None or was is None or was.size > self._limit:
            return None
        return was if kept[0] == stamp_of(source.anchor, source.path) else None

    def unread(self, source: Source, was: FileReport) -> FileRead:
        """A file that is as before."""
        raw, (stamp, digest) = self._known.original(was), self._known.stamps[str(source.path)]
        return FileRead(source, _unread(source.document_id), "", raw, digest, was, 0, stamp)

    def _known_file(self, id: str, digest: str) -> FileReport | None:
        """The report of a known file that is one document, if it holds the same bytes."""
        was, file = self._known.documents.get(id), self._known.files.get(id)
        # A line of a corpus.jsonl may have had this id; its source is not the id.
        is_same = was is not None and was.source == id and was.source_sha256 == digest
        return file if is_same and file and file.sha256 == digest else None


class _Gathered:
    """The documents of the files that have been read."""

    def __init__(self, known: Known, skips: Skips, spool: Spool) -> None:
        self.documents: dict[str, ParsedDocument] = {}
        self.unchanged: set[str] = set()
        self.files: list[FileReport] = []
        self.seconds: dict[str, float] = {}
        self.stamps: dict[str, tuple[FileStamp, str]] = {}
        self._skips = skips
        self._spool = spool
        self._sources: dict[str, Source] = {}
        self._known = known

    def take(self, read: FileRead) -> list[ParsedDocument]:
        """Takes in the documents of a file, or notes why not; returns those that are new."""
        source, file = read.source, read.file
        if read.stamp:
            self.stamps[str(source.path)] = read.stamp, read.sha256
        if read.known is None:
            self.seconds[shown(source.document_id)] = read.seconds
        if file is None:
            self._skips.add(source.given, source.document_id, read.refusal)
            return []
        taken, double = self._take(source, file)
        report = read.known
        if report is None or not taken:
            remarks = _remarks(file, double, read.known.remarks if read.known else ())
            report = file_report(source.document_id, read.raw, read.sha256, taken, remarks)
        self._add(source, report, read.raw)
        return [each for each in taken if each.document.id not in self.unchanged]

    def _add(self, source: Source, report: FileReport, raw: bytes) -> None:
        if report.has_loss:
            lost = [str(remark) for remark in report.remarks if remark.is_loss]
            self._skips.lose(source.given, "; ".join(lost))
        self.files.append(report)
        if report.documents:
            self._spool.add(report.sha256, raw)

    def _take(self, source: Source, file: ParsedFile) -> tuple[list[ParsedDocument], str]:
        """Adds the documents of a file; returns them, and why others are not, "" if all are."""
        documents = [*file.documents, *(self._unchanged(source, *each) for each in file.unchanged)]
        double = [each.document.id for each in documents if each.document.id in self.documents]
        new = [each for each in documents if each.document.id not in set(double)]
        new = list(map(_with_language, new))
        for each in new:
            self.documents[each.document.id] = each
            self._sources[each.document.id] = source
        self.unchanged.update(id for id, _ in file.unchanged if id not in set(double))
        return new, _double(source, double, self._sources[double[0]]) if double else ""

    def _unchanged(self, source: Source, id: str, line: int) -> ParsedDocument:
        """A known document, whose line may have moved; line 0 is a whole file."""
        was = self._known.documents[id]
        if not line:
            return ParsedDocument(was, ())
        return ParsedDocument(replace(was, source=f"{source.document_id}:{line}"), ())


def _unread(id: str) -> ParsedFile:
    """What a file holds that is one document, unchanged: line 0 is the whole file."""
    return ParsedFile((), unchanged=((id, 0),))


def _with_language(parsed: ParsedDocument) -> ParsedDocument:
    """The document, with the language that its text is in unless the file declares one."""
    document = parsed.document
    if document.language is not None or not parsed.blocks:
        return parsed
    return replace(parsed, document=replace(document, language=language_of(document.text)))


def _remarks(file: ParsedFile, double: str, known: Sequence[Remark]) -> list[Remark]:
    """The losses first; of a file that was not read, those `known` of the same bytes."""
    losses = [*file.left_out, *([double] if double else [])]
    return [
        *(remark for remark in known if remark.is_loss),
        *(remark for why in losses for remark in remarks_of(why, is_loss=True)),
        *(remark for note in file.notes for remark in remarks_of(note)),
        *(remark for remark in known if not remark.is_loss),
    ]


def _double(source: Source, ids: Sequence[str], first: Source) -> str:
    same_name = first.document_id == source.document_id
    name = "a file of this name" if same_name else shown(first.document_id)
    more = f" (and {len(ids) - 1} more)" if len(ids) > 1 else ""
    return (
        f"duplicate: {name} has a document {shown(ids[0][:80])} too{more};"
        " rename one, or build an index of each"
    )


def _known_lines(known: Mapping[str, Document]) -> dict[str, Digests]:
    """The digests of the known lines of each corpus.jsonl, by the name of the file."""
    lines: dict[str, dict[str, str]] = defaultdict(dict)
    for was in known.values():
        if was.source != was.id:
            lines[was.file][was.id] = was.source_sha256
    return dict(lines)


def _raw_bytes(source: Source, limit: int) -> bytes:
    """The bytes of the file. Raises CorpusError with the reason alone."""
    if any("\ud800" <= character <= "\udfff" for character in source.document_id):
        raise CorpusError("bad_name: the name is not UTF-8; rename the file")
    try:
        return read_beneath(source.anchor, source.path, limit)
    except NotRegular as error:
        why = "not_regular: a pipe, device or link, not a file; put a file there"
        raise CorpusError(why) from error
    except TooLarge as error:
        raise CorpusError(
            f"too_large: the file has {error.size / MB:.1f} MB, more than the {limit / MB:g} MB of"
            " RAG_MAX_FILE_MB; split it or raise the setting"
        ) from error
    except OSError as error:
        check_system(error, source.given)
        why = f"io_error: cannot be opened ({reason(error)}); check its rights"
        raise CorpusError(why) from error


def _nothing_left(paths: Sequence[Path], skipped: Sequence[FileReport]) -> str:
    places = ", ".join(shown(path) for path in paths)
    why = refused(skipped) if skipped else "no document to read"
    return f"{places}: {why}; add files of type {_types()}"


def _types() -> str:
    return ", ".join(SUFFIXES)
