"""The manifest: what a snapshot was built from and with, checked when it is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from rag.types import FaqPolicy

if TYPE_CHECKING:  # the child that reads a snapshot back imports no encoder
    from rag.encoders import Encoder

FORMAT = 10
MANIFEST = "manifest.json"

# 2**53 is the largest integer that every reader of JSON keeps exactly.
Count = Annotated[int, Meta(ge=0, le=2**53)]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
SnapshotId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{12}\Z")]
FileName = Annotated[str, Meta(pattern=r"\A[a-z0-9_]+\.[a-z]+\Z")]
Fraction = Annotated[float, Meta(ge=0, le=1)]
# Far beyond any fitted value; within it, no confidence overflows.
Coefficient = Annotated[float, Meta(ge=-1e6, le=1e6)]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The encoder: name, sha256 of weights and head, precision, sizes of its vectors, window.

    `passages_by` names what encoded the passages, if that was not what encodes questions.
    """

    name: str
    sha256: Sha256
    head_sha256: Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
    precision: Annotated[str, Meta(pattern=r"\A(float32|int8)\Z")]
    dim: Count
    token_dim: Count
    window: Count
    passages_by: Annotated[str, Meta(pattern=r"\A[ -~]{0,200}\Z")] = ""

    @classmethod
    def of(cls, encoder: Encoder) -> ModelInfo:
        """The encoder as the manifest names it."""
        return cls(
            name=encoder.name,
            sha256=encoder.sha256,
            head_sha256=encoder.head_sha256,
            precision=encoder.precision,
            dim=encoder.dim,
            token_dim=encoder.token_dim,
            window=encoder.window,
            passages_by=encoder.passages_by,
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a snapshot holds. `sections` are those of kind body, without FAQ pairs."""

    documents: Count
    sections: Count
    faq_pairs: Count
    passages: Count
    tokens: Count


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides how documents become an index, apart from the model.

    `faq`: `with` the pairs, `without` them, or their `answers` alone, without the questions.
    `pooled_bits` and `token_bits` are those of a component of a vector; with 16 bits the pooled
    vectors are searched by signs (`rag/index/vectors.py`).
    """

    faq: FaqPolicy
    passage_pieces: Count
    bm25_k1: float
    bm25_b: float
    bm25_stop_words: Count
    token_bits: Annotated[int, Meta(ge=1, le=2)]
    pooled_bits: Annotated[int, Meta(ge=16, le=32)]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The confidence for log odds x by public sets: 1 / (1 + exp(-(bias + scale * x))).

    `bias` includes the log odds of `answerable`, the share of questions that the documents are
    expected to answer. Below `threshold` the service abstains, so that at most a share of `risk` of
    its answers is wrong if half of the questions have no answer. It was fitted to that many
    `questions` of the FAQ and of feedback; with 0 it is that of the public sets.
    """

    bias: Coefficient
    scale: Coefficient
    threshold: Fraction
    risk: Fraction
    answerable: Fraction
    questions: Count


@dataclass(frozen=True, slots=True)
class FileEntry:
    """The size in bytes and the sha256 of a file."""

    size: Count
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot was built from and with, and its files.

    `corpus_sha256` covers every document's id and raw bytes. The same corpus, model, recipe and
    software give the same id. `software` names the versions that may change the last digits of a
    vector.
    """

    format: int
    corpus_sha256: Sha256
    model: ModelInfo
    recipe: Recipe
    counts: Counts
    calibration: Calibration
    software: Mapping[str, str]
    files: Mapping[FileName, FileEntry]

    @property
    def id(self) -> str:
        """The snapshot's id."""
        return id_of(self.to_bytes())

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain JSON values, without its id."""
        found = asdict(self)
        if not self.model.passages_by:
            # So the manifests of before remain what a build writes.
            del found["model"]["passages_by"]
        return found

    def to_bytes(self) -> bytes:
        """The manifest file's content: JSON, keys sorted, one trailing newline."""
        return json.dumps(self.to_json(), indent=1, sort_keys=True).encode() + b"\n"


def id_of(raw: bytes) -> str:
    """The id of the snapshot with this manifest file: 12 hexadecimal digits of its sha256."""
    return hashlib.sha256(raw).hexdigest()[:12]


def parse_manifest(raw: bytes) -> Manifest:
    """The manifest that `to_bytes` wrote.

    Raises ValueError if it is not one, or of another format than this version reads.
    """
    try:
        found = _FORMAT.decode(raw).format
        if found != FORMAT:
            raise ValueError(f"manifest format {found!r}, this version reads {FORMAT}")
        manifest = _MANIFEST.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"manifest is malformed: {error}") from error
    if manifest.to_bytes() != raw:
        # The id is a hash of the bytes, and must not depend on how they are written.
        raise ValueError("manifest is not written as a build writes it")
    return manifest


@dataclass(frozen=True, slots=True)
class _Format:
    """The format of a manifest of any version."""

    format: int | None = None


_FORMAT = msgspec.json.Decoder(_Format)
_MANIFEST = msgspec.json.Decoder(Manifest)
