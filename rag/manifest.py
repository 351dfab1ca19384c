"""The manifest: what a snapshot was built from and with, and what must match when it is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

FORMAT = 4

FaqPolicy = Literal["with", "without", "answers"]


@dataclass(frozen=True, slots=True)
class Model:
    """The encoder: its name, the sha256 of weights and head, its vectors' sizes, its window."""

    name: str
    sha256: str
    head_sha256: str
    dim: int
    token_dim: int
    window: int


@dataclass(frozen=True, slots=True)
class Counts:
    """`sections` are those of kind body; each FAQ pair is a section of its own kind."""

    documents: int
    sections: int
    faq_pairs: int
    passages: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides how documents become an index, beside the model.

    `faq`: `with` its pairs, `without` them, or `answers` alone, their questions left out.
    """

    faq: FaqPolicy
    passage_pieces: int
    bm25_k1: float
    bm25_b: float
    bm25_stop_words: int
    token_bits: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a confidence comes from its log odds on public sets: 1 / (1 + exp(-(bias + scale * it))).

    Below `threshold` is abstained, so that of the answers given at most a share of `risk` is wrong.
    `questions` is how many of the FAQ's it was fitted to; with 0 it is that of the public sets.
    """

    bias: float
    scale: float
    threshold: float
    risk: float
    questions: int


@dataclass(frozen=True, slots=True)
class FileEntry:
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`corpus_sha256` covers every document's id and raw bytes. `files` are the snapshot's own.

    `id` is a hash of all the rest: the same corpus, model and recipe give the same id where the
    software is the same. `software` names the versions that may move the last digits of vectors
    from one machine to another.
    """

    format: int
    corpus_sha256: str
    model: Model
    recipe: Recipe
    counts: Counts
    calibration: Calibration
    software: Mapping[str, str]
    files: Mapping[str, FileEntry]

    @property
    def id(self) -> str:
        """The snapshot's id."""
        return id_of(self.to_bytes())

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain JSON values, without its id."""
        return asdict(self)

    def to_bytes(self) -> bytes:
        """The manifest file's content: JSON, keys sorted, one trailing newline."""
        return json.dumps(self.to_json(), indent=1, sort_keys=True).encode() + b"\n"


def id_of(raw: bytes) -> str:
    """The id of the snapshot with this manifest file: 12 hexadecimal digits of its sha256."""
    return hashlib.sha256(raw).hexdigest()[:12]


def parse_manifest(raw: bytes) -> Manifest:
    """The manifest that `to_bytes` wrote.

    Raises ValueError where it is not one, or of another format than this version reads.
    """
    value = json.loads(raw)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        found = value.get("format") if isinstance(value, dict) else None
        raise ValueError(f"manifest format {found!r}, this version reads {FORMAT}")
    unknown = set(value) ^ {field.name for field in fields(Manifest)}
    if unknown:
        raise ValueError(f"manifest fields differ: {', '.join(sorted(unknown))}")
    try:
        return Manifest(
            format=FORMAT,
            corpus_sha256=value["corpus_sha256"],
            model=Model(**value["model"]),
            recipe=Recipe(**value["recipe"]),
            counts=Counts(**value["counts"]),
            calibration=Calibration(**value["calibration"]),
            software=dict(value["software"]),
            files={name: FileEntry(**entry) for name, entry in value["files"].items()},
        )
    except (TypeError, AttributeError) as error:
        raise ValueError(f"manifest is malformed: {error}") from error
