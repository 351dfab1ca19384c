"""The route that shows how well the documents answered their own questions."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from rag.schemas import EvaluationResponse
from rag.web.problems import NOT_FOUND, NOT_READY, Problem
from rag.web.state import State

router = APIRouter()


@router.get("/index/evaluation", responses={**NOT_FOUND, **NOT_READY})
async def read_evaluation(state: State) -> EvaluationResponse:
    """The figures of the last `rag eval run`, of one on the corpus of the live index if any."""
    manifest = state.serving.snapshot.manifest
    found = await asyncio.to_thread(EvaluationResponse.of, state.upkeep.results, manifest)
    if found is None:
        raise Problem(404, "not_evaluated", "nothing is measured yet: run `rag eval run`")
    return found
