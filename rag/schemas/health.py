"""How the service is, and how it refuses."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from rag.schemas.base import IndexModel, Model
from rag.serving import Board, Figure

if TYPE_CHECKING:  # refusals need no index
    from rag.serving import Serving


class HealthResponse(Model):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class QuestionsModel(Model):
    """How many questions are being answered, and how many wait for that."""

    running: int
    waiting: int


class RememberedModel(Model):
    """How many questions found their answer remembered (`hits`), and how many did not."""

    hits: int
    misses: int


class ReadyResponse(Model):
    """An index is loaded: this one.

    `degraded` is what an operator should look into: why another snapshot is not live, and what is
    damaged on disk of the one that is, as found when it was last `verified` (ISO 8601, UTC).
    The other figures are of all `workers` that have an index, since each was started.
    """

    status: Literal["ready"] = "ready"
    index: IndexModel
    degraded: tuple[str, ...] = ()
    verified: datetime | None = None
    workers: int
    questions: QuestionsModel
    remembered: RememberedModel

    @classmethod
    def of(cls, serving: Serving, board: Board) -> ReadyResponse:
        """What is live."""
        return cls(
            index=IndexModel.of(serving.snapshot),
            degraded=(*serving.refused, *serving.damage),
            verified=serving.verified,
            workers=board.serving,
            questions=QuestionsModel(
                running=board.total(Figure.RUNNING), waiting=board.total(Figure.WAITING)
            ),
            remembered=RememberedModel(
                hits=board.total(Figure.HITS), misses=board.total(Figure.MISSES)
            ),
        )


class ProblemModel(Model):
    """Any refusal or failure (RFC 9457). `code` is for programs, `detail` for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
