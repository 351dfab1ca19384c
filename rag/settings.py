"""Every setting, with its default. Each can be given by environment as `RAG_<NAME>`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag.types import MAX_RISK


class Settings(BaseSettings):
    """Read once at the edge (CLI, service, eval) and handed down as values."""

    model_config = SettingsConfigDict(env_prefix="RAG_", frozen=True, extra="ignore")

    corpus: Path = Field(
        Path("corpus"),
        description="folder that `rag build` reads for a first index; if set, it counts as named",
    )
    index: Path = Field(Path("index"), description="folder that holds the snapshots")
    model: str = Field(
        "bundled", description="`bundled`, or a sentence-transformers model by name or path"
    )
    runtime: str = Field(
        "onnx",
        pattern="^(onnx|torch)$",
        description="what runs the bundled model: `onnx` or `torch`",
    )
    threads: int = Field(2, ge=1, le=64, description="threads that encode")
    host: str = Field("127.0.0.1", description="address that `rag serve` binds")
    port: int = Field(8000, ge=0, le=65535, description="port that `rag serve` binds")
    roots: str = Field(
        "",
        description="folders, separated by `:`, that a rebuild over HTTP may read; if none, the "
        "corpus",
    )
    max_file_mb: int = Field(
        64, ge=1, le=4096, description="megabytes of a file at most; a larger one is skipped"
    )
    job_hours: float = Field(4, gt=0, le=168, description="hours that a rebuild over HTTP may take")
    verify_hours: float = Field(
        24,
        ge=0,
        le=8760,
        description="hours after which the service verifies the served files again; 0 for never",
    )
    gate: bool = Field(
        False,
        description="whether `rag build` and `rag watch` publish only what is no worse than before",
    )
    risk: float = Field(
        MAX_RISK,
        ge=0.05,
        le=MAX_RISK,
        description="share of wrong answers among those given that `rag build` allows for, were "
        "half of the questions without an answer",
    )
    canaries: Path | None = Field(
        None, description="JSON lines of questions that the gate demands an answer to"
    )
