"""Every setting, with its default. Each can be given by environment as `RAG_<NAME>`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag.types import ANSWERABLE, MAX_RISK


class Settings(BaseSettings):
    """Read once at the edge (CLI, service, eval) and passed down as values."""

    model_config = SettingsConfigDict(env_prefix="RAG_", frozen=True, extra="ignore")

    corpus: Path = Field(
        Path("corpus"),
        description="folder that `rag build` reads for a first index; if set, it counts as given",
    )
    index: Path = Field(Path("index"), description="folder that holds the snapshots")
    model: str = Field(
        "bundled", description="`bundled`, or a sentence-transformers model by name or path"
    )
    runtime: str = Field(
        "onnx",
        pattern="^(onnx|torch)$",
        description="what runs the bundled model: `onnx` (8-bit integers) or `torch` (float32)",
    )
    device: str = Field(
        "",
        pattern="^(cpu|cuda(:[0-9]{1,2})?)?$",
        description="device on which torch encodes the passages of a build, in float32: `cuda`, "
        "`cuda:1`, or `cpu` to try it; if none, they are encoded as questions are",
    )
    threads: int = Field(2, ge=1, le=64, description="threads that encode")
    host: str = Field("127.0.0.1", description="address that `rag serve` binds")
    port: int = Field(8000, ge=0, le=65535, description="port that `rag serve` binds")
    workers: int = Field(1, ge=1, le=64, description="processes in which `rag serve` answers")
    cache: int = Field(
        256,
        ge=0,
        le=100_000,
        description="answers that each process remembers, for the same question; 0 for none",
    )
    queue: int = Field(
        24,
        ge=0,
        le=10_000,
        description="questions that may wait in each process; one more is refused with 429",
    )
    deadline: float = Field(
        2, gt=0, le=600, description="seconds after which a question without answer is given up"
    )
    drain: float = Field(
        2,
        ge=0,
        le=600,
        description="seconds that `rag serve` goes on after SIGTERM, while `/readyz` says 503",
    )
    keys: Path | None = Field(
        None, description="file of the keys that `rag keys` makes; if none, beside the index"
    )
    hosts: str = Field(
        "", description="names, separated by `,`, under which other machines reach the service"
    )
    proxies: str = Field(
        "", description="addresses or networks of proxies whose X-Forwarded-For counts"
    )
    rate: str = Field(
        "",
        pattern=r"^([1-9][0-9]{0,6}/(second|minute|hour|day))?$",
        description="requests that each key, or address without one, may send: `600/minute`; if "
        "none, any number",
    )
    roots: str = Field(
        "",
        description="folders, separated by `:`, that a rebuild over HTTP, and so the page, may "
        "read; if none, those that the index was built from, and RAG_CORPUS",
    )
    max_file_mb: int = Field(
        256, ge=1, le=4096, description="largest file in megabytes; a larger one is skipped"
    )
    readers: int = Field(
        0, ge=0, le=64, description="processes that read files; 0 for one a processor"
    )
    results: Path = Field(
        Path("eval/local/results"),
        description="folder of evaluation results whose newest figures the page shows",
    )
    memory: str = Field(
        "",
        pattern="^([1-9][0-9]{0,4}[MG])?$",
        description="memory that `rag build` may take, such as `2G`, at least `768M`; if none, no "
        "limit",
    )
    job_hours: float = Field(4, gt=0, le=168, description="hours that a rebuild over HTTP may take")
    verify_hours: float = Field(
        24,
        ge=0,
        le=8760,
        description="hours between two checks of the served files; 0 for none",
    )
    gate: bool = Field(
        False,
        description="`rag build` and `rag watch` publish only an index no worse than the live one",
    )
    risk: float = Field(
        MAX_RISK,
        ge=0.05,
        le=MAX_RISK,
        description="share of wrong answers that the confidence threshold allows for, if half of "
        "the questions have no answer",
    )
    answerable: float = Field(
        ANSWERABLE,
        ge=0.05,
        le=0.95,
        description="share of questions that the documents are expected to answer: the confidence "
        "is higher if it is larger",
    )
    history: bool = Field(
        True,
        description="whether `rag ask` without a question keeps the questions, in "
        "`~/.local/state/rag/history`",
    )
    feedback: bool = Field(
        True,
        description="readers may judge answers: question and passage are kept in the index folder, "
        "and a build fits the confidence to them",
    )
    canaries: Path | None = Field(
        None,
        description="file of JSON lines: a `question` each, which the gate requires to be answered",
    )
    log: str = Field(
        "text",
        pattern="^(text|json)$",
        description="what `rag serve` logs: `text` for people, or `json`, with a line a request",
    )
    log_questions: str = Field(
        "hash",
        pattern="^(hash|text|none)$",
        description="what that line shows of a question: a `hash` that differs with each start, "
        "its `text`, or `none`",
    )
    traces: str = Field(
        "",
        pattern="^(https?://.+)?$",
        description="address of a collector of OpenTelemetry traces (OTLP over HTTP)",
    )
    generate_url: str = Field(
        "",
        description="OpenAI-compatible endpoint that may write answers from the passages, such as "
        "`http://localhost:11434/v1`; if none, nothing is generated",
    )
    generate_model: str = Field("", description="the model that writes there")
    generate_key: SecretStr | None = Field(
        None, description="the key that is sent there, and shown nowhere"
    )
