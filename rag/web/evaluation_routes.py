"""The route that shows how well the documents answered their own questions."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from rag.schemas import EvaluationResponse
from rag.web.problems import NOT_READY
from rag.web.state import State

router = APIRouter()


@router.get("/index/evaluation", responses=NOT_READY)
async def read_evaluation(state: State) -> EvaluationResponse | None:
    """The figures of the last `rag eval run`, of one on the corpus of the live index if any.

    It is null if nothing is measured yet.
    """
    manifest = state.serving.snapshot.manifest
    return await asyncio.to_thread(EvaluationResponse.of, state.upkeep.results, manifest)
