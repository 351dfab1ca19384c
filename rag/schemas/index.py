"""What the routes that change the index read and write as JSON."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic import model_validator as validator
from pydantic_core import PydanticCustomError

from rag.documents import SUFFIXES, is_by_product
from rag.schemas.models import Fields, refuse_nul
from rag.serving import Job, JobStatus
from rag.store import Listed, State

MAX_FILES = 1000
MAX_NAME_BYTES = 255
MAX_PATH = 4096

_FILE_NAME = re.compile(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*")
_SOURCES = ("path", "files")


def check_file_name(name: str) -> str:
    """The name itself; raises where it is none that a folder of documents can hold."""
    if not _FILE_NAME.fullmatch(name) or len(name.encode()) > MAX_NAME_BYTES:
        raise PydanticCustomError(
            "bad_name",
            "a file name has up to {bytes} bytes, begins with no dot and holds no separator",
            {"bytes": MAX_NAME_BYTES},
        )
    if not name.lower().endswith(SUFFIXES):
        raise PydanticCustomError(
            "bad_name", "a file name ends in one of {suffixes}", {"suffixes": ", ".join(SUFFIXES)}
        )
    if is_by_product(name):
        raise PydanticCustomError("bad_name", "a file of that name is an editor's, not a document")
    return name


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Response(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class FileModel(_Request):
    """A document to index: its text, and a name, which becomes its id."""

    name: Annotated[str, AfterValidator(check_file_name)] = Field(
        min_length=1, max_length=MAX_NAME_BYTES
    )
    text: str = Field(min_length=1)


def _declare_choice(schema: dict[str, Any]) -> None:
    """Says in the JSON schema what `_one_source` holds requests to."""
    schema["oneOf"] = [{"required": [name]} for name in _SOURCES]
    for name in _SOURCES:
        # Null is what leaves a source out in Python; in JSON it is left out.
        schema["properties"][name] = {
            **next(x for x in schema["properties"][name]["anyOf"] if x.get("type") != "null"),
            "description": schema["properties"][name]["description"],
        }
    schema["examples"] = [
        {"path": "corpus"},
        {"files": [{"name": "fruit.md", "text": "# Fruit\n\nApples are red."}]},
    ]


class RebuildRequest(_Request):
    """What to build the index from: a path that the service may read, or texts."""

    model_config = ConfigDict(json_schema_extra=_declare_choice)

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

    @validator(mode="before")
    @classmethod
    def _one_source(cls, given: object) -> object:
        named = [name for name in _SOURCES if isinstance(given, dict) and name in given]
        if len(named) != 1 or given[named[0]] is None:  # type: ignore[index]
            raise PydanticCustomError("one_source", "give either path or files")
        return given

    @validator(mode="after")
    def _names_once(self) -> RebuildRequest:
        names = [file.name for file in self.files or ()]
        if len(set(names)) < len(names):
            raise PydanticCustomError("bad_name", "two files have one name")
        return self

    @property
    def texts(self) -> list[tuple[str, str]]:
        """The name and text of each file."""
        return [(file.name, file.text) for file in self.files or ()]


class RollbackRequest(_Request):
    """The snapshot that is to answer again; null for the one that answered before."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "5b1e0c9d7a42"}, {"id": None}]}
    )

    id: Annotated[str, StringConstraints(pattern="^[0-9a-f]{1,12}$")] | None = Field(
        default=None, description="a kept snapshot: its id, or how the id begins"
    )


REBUILD_FIELDS: Fields = {
    "": frozenset(RebuildRequest.model_fields),
    "files": frozenset(FileModel.model_fields),
}
ROLLBACK_FIELDS: Fields = {"": frozenset(RollbackRequest.model_fields)}


class CountsModel(_Response):
    """How much a snapshot holds."""

    documents: int
    sections: int
    faq_pairs: int
    passages: int
    tokens: int


class VersionModel(_Response):
    """The last publication of a snapshot, and what has become of the snapshot since.

    `published` is in UTC, ISO 8601; `before` is the id that answered until then; `size` is in
    bytes; `eval` are figures by measure, or null.
    """

    state: State
    id: str
    published: str
    action: Literal["build", "rollback"]
    before: str | None
    corpus_sha256: str
    counts: CountsModel
    size: int
    eval: dict[str, float] | None
    forced: bool
    note: str


class VersionsResponse(_Response):
    """What was published, newest first."""

    versions: tuple[VersionModel, ...]


class RollbackResponse(_Response):
    """The snapshot that answers now, and the one that did before."""

    id: str
    before: str | None


class StartedResponse(_Response):
    """A build has been started."""

    job: str
    status: JobStatus


class ReusedModel(_Response):
    """How many passages kept their vectors and documents did not change, of how many."""

    passages: int
    of_passages: int
    documents: int
    of_documents: int


class GateModel(_Response):
    """What the gate found: FAQ figures, reasons against publishing, and what it could not judge."""

    passed: bool
    figures: dict[str, float]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


class SkippedFileModel(_Response):
    """A file that was skipped, wholly or in part, and why."""

    id: str
    reason: str


class SkippedModel(_Response):
    """How many files a build skipped, and the first 50 of them."""

    count: int = 0
    files: tuple[SkippedFileModel, ...] = ()


class BuiltModel(_Response):
    """The snapshot that a build has published; `reused` is null for the first of all, `gate` where
    nothing has changed. `skipped` are files that could not be read."""

    id: str
    counts: CountsModel
    reused: ReusedModel | None
    gate: GateModel | None
    skipped: SkippedModel = SkippedModel()


class FailureModel(_Response):
    """Why a build failed; the index is as it was."""

    code: str
    detail: str


class ProgressModel(_Response):
    """How many passages have been encoded, of how many; 0 of 0 until that is known."""

    done: int
    total: int


class JobResponse(_Response):
    """A build: how far it is, and how it ended."""

    job: str
    status: JobStatus
    progress: ProgressModel
    result: BuiltModel | None
    problem: FailureModel | None


def version_model(listed: Listed) -> VersionModel:
    """The version, in the words of the response."""
    return VersionModel(**listed.to_json())


def job_response(job: Job) -> JobResponse:
    """The job, in the words of the response."""
    failure = job.failure
    return JobResponse(
        job=job.id,
        status=job.status,
        progress=ProgressModel(done=job.done, total=job.total),
        result=BuiltModel(**job.result) if job.result else None,
        problem=FailureModel(code=failure.code, detail=failure.detail) if failure else None,
    )
