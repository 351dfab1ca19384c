"""How the service is, and how it refuses."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from rag.schemas.base import IndexModel, Model
from rag.serving import Serving


class HealthResponse(Model):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class ReadyResponse(Model):
    """An index is loaded: this one.

    `degraded` is what an operator should look into: why another snapshot is not live, and what is
    damaged on disk of the one that is, as found when it was last `verified` (ISO 8601, UTC).
    """

    status: Literal["ready"] = "ready"
    index: IndexModel
    degraded: tuple[str, ...] = ()
    verified: datetime | None = None

    @classmethod
    def of(cls, serving: Serving) -> ReadyResponse:
        """What is live."""
        return cls(
            index=IndexModel.of(serving.snapshot),
            degraded=(*serving.refused, *serving.damage),
            verified=serving.verified,
        )


class ProblemModel(Model):
    """Any refusal or failure (RFC 9457). `code` is for programs, `detail` for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
