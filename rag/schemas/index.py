"""What the routes that change the index read and write as JSON."""

from __future__ import annotations

import binascii
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic import model_validator as validator
from pydantic_core import PydanticCustomError

from rag.documents import why_not_read
from rag.index import Counts, Snapshot
from rag.schemas.base import Fields, IndexModel, Model, Request, refuse_nul
from rag.serving import Failure, Job, JobStatus
from rag.store import Listed, SnapshotState
from rag.types import LeftOut, Remark, Reused

MAX_FILES = 1000
MAX_NAME_BYTES = 255
MAX_PATH = 4096

_FILE_NAME = re.compile(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*")
_SOURCES = ("path", "files")
_CONTENTS = ("text", "base64")
# So many characters are decoded at a time: a multiple of four.
_PIECE = 1 << 20


def check_file_name(name: str) -> str:
    """The name itself; raises if no folder of documents can hold a file of that name."""
    if not _FILE_NAME.fullmatch(name) or len(name.encode()) > MAX_NAME_BYTES:
        raise PydanticCustomError(
            "bad_name",
            "a file name has up to {bytes} bytes, begins with no dot and holds no separator",
            {"bytes": MAX_NAME_BYTES},
        )
    if why := why_not_read(name):
        raise PydanticCustomError("bad_name", "{why}", {"why": why})
    return name


def check_base64(text: str) -> str:
    """The text itself; raises unless it is base64 by RFC 4648 without line ends."""
    try:
        decoded(text)
    except ValueError:
        raise PydanticCustomError("bad_base64", "the content is not base64 (RFC 4648)") from None
    return text


def decoded(text: str) -> bytes:
    """The bytes that base64 stands for. Raises ValueError if it is not base64.

    In pieces, so that other threads run in between.
    """
    pieces = [
        binascii.a2b_base64(text[at : at + _PIECE], strict_mode=True)
        for at in range(0, len(text), _PIECE)
    ]
    if any(len(piece) < _PIECE // 4 * 3 for piece in pieces[:-1]):
        raise ValueError("padding within base64")
    return b"".join(pieces)


def _declare_contents(schema: dict[str, Any]) -> None:
    _declare_choice(schema, _CONTENTS)
    # Only said: pydantic would hold the interpreter's lock while it matches megabytes.
    schema["properties"]["base64"]["pattern"] = "^[A-Za-z0-9+/]+={0,2}$"


class FileModel(Request):
    """A file to index: a name, which becomes its id, and its text, or its bytes in base64."""

    model_config = ConfigDict(json_schema_extra=_declare_contents)

    name: Annotated[str, AfterValidator(check_file_name)] = Field(
        min_length=1, max_length=MAX_NAME_BYTES
    )
    text: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None, description="the text of a file that is UTF-8"
    )
    base64: Annotated[str, StringConstraints(min_length=1), AfterValidator(check_base64)] | None = (
        Field(default=None, description="the bytes of any file, in base64 (RFC 4648)")
    )

    @validator(mode="before")
    @classmethod
    def _one_content(cls, given: object) -> object:
        return _one_of(_CONTENTS, given, "a file has either text or base64")

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return decoded(self.base64) if self.base64 else (self.text or "").encode()


def _one_of(names: Sequence[str], given: object, refusal: str) -> object:
    """What was given, if it has one of these members, which is not null. Raises otherwise."""
    named = [name for name in names if isinstance(given, dict) and name in given]
    if len(named) != 1 or given[named[0]] is None:  # type: ignore[index]
        raise PydanticCustomError("one_source", refusal)
    return given


def _declare_source(schema: dict[str, Any]) -> None:
    _declare_choice(schema, _SOURCES)
    schema["examples"] = [
        {"path": "corpus"},
        {"files": [{"name": "fruit.md", "text": "# Fruit\n\nApples are red."}]},
    ]


def _declare_choice(schema: dict[str, Any], names: Sequence[str]) -> None:
    """Adds to the JSON schema what `_one_of` checks."""
    schema["oneOf"] = [{"required": [name]} for name in names]
    for name in names:
        # A source that is not given is None in Python; JSON leaves it out.
        schema["properties"][name] = {
            **next(x for x in schema["properties"][name]["anyOf"] if x.get("type") != "null"),
            "description": schema["properties"][name]["description"],
        }


class RebuildRequest(Request):
    """What to build the index from: a path that the service may read, or files."""

    model_config = ConfigDict(json_schema_extra=_declare_source)

    path: (
        Annotated[
            str, StringConstraints(min_length=1, max_length=MAX_PATH), AfterValidator(refuse_nul)
        ]
        | None
    ) = Field(default=None, description="a file or folder in one of the folders of `RAG_ROOTS`")
    files: (
        Annotated[list[FileModel], Field(min_length=1, max_length=MAX_FILES, fail_fast=True)] | None
    ) = Field(default=None, description="all documents of the new index, each name once")
    force: bool = Field(
        default=False, strict=True, description="publish in spite of the gate, and have it recorded"
    )

    strict: bool = Field(
        default=False, strict=True, description="fail at the first file that cannot be read"
    )

    @validator(mode="before")
    @classmethod
    def _one_source(cls, given: object) -> object:
        return _one_of(_SOURCES, given, "give either path or files")

    @validator(mode="after")
    def _names_once(self) -> RebuildRequest:
        names = [file.name for file in self.files or ()]
        if len(set(names)) < len(names):
            raise PydanticCustomError("bad_name", "two files have one name")
        return self

    @classmethod
    def known_fields(cls) -> Fields:
        """The fields of the request and of each of its files."""
        return {**super().known_fields(), "files": frozenset(FileModel.model_fields)}

    def contents(self) -> list[tuple[str, bytes]]:
        """The name and content of each file."""
        return [(file.name, file.content) for file in self.files or ()]


class RollbackRequest(Request):
    """The snapshot that becomes live again; null for the one that was live before."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "5b1e0c9d7a42"}, {"id": None}]}
    )

    id: Annotated[str, StringConstraints(pattern="^[0-9a-f]{1,12}$")] | None = Field(
        default=None, description="a kept snapshot: its id, or how the id begins"
    )


class VersionModel(Model):
    """The last publication of a snapshot, and the snapshot's state now.

    `published` is in UTC, ISO 8601; `before` is the id that was live until then; `size` is in
    bytes; `eval` are figures by measure, or null.
    """

    state: SnapshotState
    id: str
    published: str
    action: Literal["build", "rollback"]
    before: str | None
    corpus_sha256: str
    counts: Counts
    size: int
    eval: dict[str, float] | None
    forced: bool
    note: str


class VersionsResponse(Model):
    """What was published, newest first."""

    versions: tuple[VersionModel, ...]

    @classmethod
    def of(cls, listed: Iterable[Listed]) -> VersionsResponse:
        """The versions, in the words of the response."""
        return cls(versions=tuple(VersionModel(**each.to_json()) for each in listed))


class RollbackResponse(Model):
    """The snapshot that is live now, and the one that was before."""

    id: str
    before: str | None


class StartedResponse(Model):
    """A build has been started."""

    job: str
    status: JobStatus


class GateModel(Model):
    """What the gate found: FAQ figures, reasons against publishing, and what it could not judge."""

    passed: bool
    figures: dict[str, float]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


class FileVerdictModel(Model):
    """What became of a file, and why."""

    id: str
    verdict: str
    reasons: tuple[str, ...]


class VerdictsModel(Model):
    """How many files have each verdict, and the first 50 that are not plainly indexed."""

    verdicts: Mapping[str, int] = Field(default_factory=dict)
    files: tuple[FileVerdictModel, ...] = ()


class FileReportModel(Model):
    """What the build made of a file.

    `verdict` is `indexed`, `indexed_with_warning:<codes>` or `skipped:<code>`. `documents` is 0 for
    a skipped file; `size` and `sha256` are of its bytes. `pages` counts pages or slides.
    """

    id: str
    verdict: str
    media_type: str
    size: int
    sha256: str
    documents: int
    pages: int
    characters: int
    sections: int
    tables: int
    faq_pairs: int
    remarks: tuple[Remark, ...]
    left_out: tuple[LeftOut, ...]


class ReportResponse(Model):
    """The files of the corpus, ordered by id; `verdicts` counts all of them.

    `next` is what to give as `offset` for those that follow; null if none do.
    """

    index: IndexModel
    verdicts: dict[str, int]
    files: tuple[FileReportModel, ...]
    next: int | None

    @classmethod
    def of(
        cls, snapshot: Snapshot, verdict: str = "", offset: int = 0, limit: int | None = None
    ) -> ReportResponse:
        """The report of a snapshot: the files whose verdict begins so, a part of them."""
        found = [file for file in snapshot.files if file.verdict.startswith(verdict)]
        end = len(found) if limit is None else offset + limit
        return cls(
            index=IndexModel.of(snapshot),
            verdicts=dict(sorted(Counter(file.verdict for file in snapshot.files).items())),
            files=tuple(map(FileReportModel.model_validate, found[offset:end])),
            next=end if end < len(found) else None,
        )


class SlowModel(Model):
    """A file that took long to read, and the seconds."""

    id: str
    seconds: float


class BuiltModel(Model):
    """The snapshot that a build has published; `reused` is null for the first of all, `gate` if
    nothing has changed. `report` says what became of the files, and `slowest` names
    those that took longest to read."""

    id: str
    counts: Counts
    reused: Reused | None
    gate: GateModel | None
    report: VerdictsModel = VerdictsModel()
    slowest: tuple[SlowModel, ...] = ()


class ProgressModel(Model):
    """How many passages have been encoded, of how many; 0 of 0 until that is known."""

    done: int
    total: int


class JobResponse(Model):
    """A build: how far it is, and how it ended."""

    job: str
    status: JobStatus
    progress: ProgressModel
    result: BuiltModel | None
    problem: Failure | None

    @classmethod
    def of(cls, job: Job) -> JobResponse:
        """The job, in the words of the response."""
        return cls(
            job=job.id,
            status=job.status,
            progress=ProgressModel.model_validate(job),
            result=BuiltModel(**job.result) if job.result else None,
            problem=job.failure,
        )
