"""The routes that take readers' feedback and list it. With RAG_FEEDBACK=off they are not there."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from rag.answering import cite, cite_span
from rag.index import Snapshot
from rag.schemas import (
    FeedbackListResponse,
    FeedbackRequest,
    FeedbackResponse,
)
from rag.store import UnknownFeedback, add_feedback, read_feedback
from rag.types import Citation, Feedback
from rag.types.errors import IndexNotWritable, UsageError
from rag.web.access import key_of
from rag.web.bodies import json_body
from rag.web.local_only import LOCAL, LOCAL_ONLY, SAME_SITE
from rag.web.problems import NOT_FOUND, NOT_READY, Problem, bad_body, refusal
from rag.web.state import State

log = logging.getLogger("rag.web.feedback_routes")

# How many are listed at once.
PAGE = 100
MAX_PAGE = 1000

router = APIRouter()


@router.post(
    "/feedback",
    status_code=201,
    dependencies=SAME_SITE,
    responses={
        **bad_body("16 KB"),
        403: refusal("Another site asks"),
        404: refusal("There is no such passage or place in a document"),
        409: refusal("The documents have changed since the answer"),
        **NOT_READY,
        507: refusal("The index cannot be written"),
    },
)
async def take_feedback(
    asked: Annotated[FeedbackRequest, Depends(json_body(FeedbackRequest))],
    request: Request,
    state: State,
) -> FeedbackResponse:
    """Stores what a reader says of an answer: the question, the verdict, and the text that it is
    about."""
    folder = state.upkeep.folder
    citation = _cited((await state.intact()).snapshot, asked)
    key = key_of(request)
    if citation is not None and key is not None and not key.sees(citation.document_id):
        raise _unknown_place()
    given = Feedback(
        id=uuid.uuid4().hex,
        created=folder.clock().isoformat(timespec="seconds"),
        question=asked.question,
        verdict=asked.verdict,
        index=asked.index,
        comment=asked.comment,
        passage_id=asked.passage_id,
    )
    if citation is not None:
        given = replace(
            given,
            document_id=citation.document_id,
            sha256=citation.sha256,
            char_start=citation.char_start,
            char_end=citation.char_end,
            quote=citation.quote,
        )
    try:
        await asyncio.to_thread(add_feedback, folder.path, given)
    except IndexNotWritable as error:
        log.error("no feedback: %s", error)
        raise Problem(507, "index_not_writable", folder.unplaced(str(error))) from None
    return FeedbackResponse(id=given.id)


@router.get(
    "/feedback",
    dependencies=LOCAL_ONLY,
    responses={**LOCAL, **NOT_FOUND, **NOT_READY, 507: refusal("The table cannot be read")},
)
async def list_feedback(
    state: State,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="how many at most")] = PAGE,
    after: Annotated[str | None, Query(description="the id that the list goes on after")] = None,
) -> FeedbackListResponse:
    """The feedback that was stored, page by page, oldest first."""
    folder = state.upkeep.folder
    try:
        found = await asyncio.to_thread(read_feedback, folder.path, after, limit + 1)
    except UnknownFeedback:
        raise Problem(404, "unknown_feedback", "no feedback has the id in `after`") from None
    except UsageError as error:
        log.error("%s", error)
        raise Problem(507, "feedback_damaged", folder.unplaced(str(error))) from None
    return FeedbackListResponse.of(found, limit)


def _cited(snapshot: Snapshot, asked: FeedbackRequest) -> Citation | None:
    """The place that the feedback is about, quoted from the live snapshot; None for none.

    A passage's id is a hash of its text and place, so it may be from an older answer. Raises
    Problem: 404 for an unknown passage or place, 409 for a place in another snapshot.
    """
    document_id = asked.document_id
    if asked.passage_id is not None:
        passage = snapshot.passage(asked.passage_id)
        if passage is None:
            raise _unknown_place()
        if asked.char_start is None:
            return cite(snapshot, passage)
        document_id = passage.document_id
    elif document_id is not None and asked.index != snapshot.id:
        detail = "the documents have been indexed again since the answer: ask again"
        raise Problem(409, "index_replaced", detail)
    if document_id is None or asked.char_start is None or asked.char_end is None:
        return None
    document = snapshot.document(document_id)
    if document is None or asked.char_end > len(document.text):
        raise _unknown_place()
    return cite_span(snapshot, document.id, asked.char_start, asked.char_end)


def _unknown_place() -> Problem:
    detail = "no document of this index has this passage or place: ask again"
    return Problem(404, "unknown_place", detail)
