"""The routes in other services' shapes: thin adapters over the same search."""

from __future__ import annotations

import functools
import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request

from rag.schemas import (
    AskRequest,
    RerankRequest,
    RerankResponse,
    RetrievalRequest,
    RetrievalResponse,
    VectorStoreSearchRequest,
    VectorStoreSearchResponse,
)
from rag.serving import Serving
from rag.types import Answer
from rag.web.asking import answered
from rag.web.bodies import json_body, validated
from rag.web.problems import (
    BAD_AUTHORIZATION,
    NO_KNOWLEDGE,
    NOT_FOUND,
    NOT_READY,
    Problem,
    bad_body,
    dify_error,
    not_ready,
)
from rag.web.state import AppState, State

# Other services have many stores and knowledge bases, this one has one index: its name there.
NAME = "default"
# Texts to rank.
MAX_RERANK_BYTES = 512 * 1024

router = APIRouter()


@router.post(
    "/v1/vector_stores/{id}/search", responses={**bad_body("16 KB"), **NOT_FOUND, **NOT_READY}
)
async def search_vector_store(
    id: str,
    asked: Annotated[VectorStoreSearchRequest, Depends(json_body(VectorStoreSearchRequest))],
    request: Request,
    state: State,
) -> VectorStoreSearchResponse:
    """OpenAI's vector store search. The store's id is `default`, or the version of the index.

    The page is empty if the documents do not seem to answer.
    """
    if id not in (NAME, state.serving.snapshot.id):
        detail = f"there is one vector store, {NAME}: that is the live index"
        raise Problem(404, "unknown_store", detail)
    answer = await _answer(request, state, asked.asked())
    return VectorStoreSearchResponse.of(asked, answer)


@router.post("/retrieval", responses={**bad_body("16 KB"), **NOT_FOUND, **NOT_READY})
async def retrieve(
    asked: Annotated[RetrievalRequest, Depends(json_body(RetrievalRequest))],
    request: Request,
    state: State,
    authorization: Annotated[str | None, Header()] = None,
) -> RetrievalResponse:
    """Dify's external knowledge. The id of the knowledge is `default`, or the index's version.

    There are no records if the documents do not seem to answer. Refusals have Dify's `error_code`
    and `error_msg` too.
    """
    if authorization is not None and not authorization.startswith("Bearer "):
        detail = "write the header Authorization as: Bearer KEY"
        raise Problem(
            403, "bad_authorization", detail, members=dify_error(BAD_AUTHORIZATION, detail)
        )
    if asked.knowledge_id not in (NAME, state.serving.snapshot.id):
        detail = f"there is one knowledge base, {NAME}: that is the live index"
        raise Problem(404, "unknown_knowledge", detail, members=dify_error(NO_KNOWLEDGE, detail))
    answer = await _answer(request, state, asked.asked())
    return RetrievalResponse.of(asked, answer)


@router.post("/v1/rerank", responses={**bad_body("512 KB"), **NOT_READY})
@router.post("/v2/rerank", name="rerank_v2", responses={**bad_body("512 KB"), **NOT_READY})
async def rerank(
    asked: Annotated[RerankRequest, Depends(json_body(RerankRequest, MAX_RERANK_BYTES))],
    request: Request,
    state: State,
) -> RerankResponse:
    """Cohere's rerank: the given texts by how likely they answer, each with that probability."""

    def work(serving: Serving) -> list[float]:
        if serving.rerank is None:
            raise not_ready()
        return serving.rerank(asked.query, asked.texts)

    # As long as verifying: it encodes up to half a megabyte of text.
    scores = await state.on_live(work, functools.partial(state.verifying.run, request))
    return RerankResponse.of(uuid.uuid4().hex, asked, scores)


async def _answer(request: Request, state: AppState, body: dict[str, object]) -> Answer:
    """The answer to a body of `/ask`. Raises Problem 422 if that is not one."""
    asked = validated(AskRequest, body)

    def work(serving: Serving) -> Answer:
        return answered(serving, asked)[0]

    return await state.on_live(work, functools.partial(state.asking.run, request))
