"""The routes that load balancers and operators ask."""

from __future__ import annotations

from fastapi import APIRouter

from rag.schemas import HealthResponse, ReadyResponse
from rag.web.problems import NOT_READY, draining
from rag.web.state import State

router = APIRouter()


@router.get("/healthz")
async def is_alive() -> HealthResponse:
    """The process is alive, whether or not it has an index."""
    return HealthResponse()


@router.get("/readyz", responses=NOT_READY)
async def is_ready(state: State) -> ReadyResponse:
    """Questions can be asked; `degraded` says what is wrong with the index all the same."""
    if state.draining:
        raise draining()
    return ReadyResponse.of(state.serving, state.board)
