"""The routes that show the documents and passages of the live index."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from rag.answering import cite
from rag.index import Snapshot
from rag.schemas import DocumentResponse, DocumentsResponse, PassageResponse
from rag.types import Document
from rag.types.errors import CorruptIndex
from rag.web.convertors import register_id
from rag.web.original_files import file_response
from rag.web.problems import NOT_FOUND, NOT_READY, Problem, refusal
from rag.web.state import State

log = logging.getLogger("rag.web.document_routes")

# How many documents are listed at once.
PAGE = 100
MAX_PAGE = 1000
UNKNOWN = "no document has this id: see GET /documents"


register_id()

router = APIRouter()


@router.get("/documents", responses={**NOT_FOUND, **NOT_READY})
async def list_documents(
    state: State,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="how many at most")] = PAGE,
    after: Annotated[str | None, Query(description="the id that the list goes on after")] = None,
) -> DocumentsResponse:
    """The documents of the index, page by page, in the order of the index."""
    snapshot = (await state.intact()).snapshot
    detail = "no document has the id in `after`: list them again from the first one"
    start = (
        0
        if after is None
        else snapshot.documents.row(known_document(snapshot, after, detail).id) + 1
    )
    # Each text is read, so that its characters are counted.
    return await asyncio.to_thread(DocumentsResponse.of, snapshot, start, limit)


@router.get(
    "/documents/{id:id}/file",
    response_class=Response,
    responses={
        200: {"description": "The file", "content": {"application/octet-stream": {}}},
        304: {"description": "The client has the file already: If-None-Match"},
        **NOT_FOUND,
        410: refusal("The file was not kept, or the stored file is damaged"),
        **NOT_READY,
    },
)
async def read_file(
    id: str, state: State, if_none_match: Annotated[str, Header()] = ""
) -> Response:
    """The original file of a document, byte for byte, as the index was built from it.

    A browser shows plain text, Markdown and PDF; everything else is a download.
    """
    snapshot = (await state.intact()).snapshot
    if f"{id}/file" in snapshot.documents:
        return await read_document(f"{id}/file", state)
    file = snapshot.file(known_document(snapshot, id))
    try:
        if file is not None:
            return await asyncio.to_thread(file_response, snapshot, file, if_none_match)
    except CorruptIndex as error:
        log.error("%s", error)
    raise Problem(410, "file_gone", "the file is not kept, or is damaged: build the index again")


@router.get(
    "/documents/{id:id}",
    response_model=DocumentResponse,
    responses={**NOT_FOUND, **NOT_READY},
)
async def read_document(id: str, state: State) -> StreamingResponse:
    """A document's canonical text and its sections.

    An id in another Unicode normal form than the document's finds it too.
    """
    snapshot = (await state.intact()).snapshot
    document = known_document(snapshot, id)
    pieces = DocumentResponse.pieces(document, snapshot.sections_of(document.id))
    # Starlette makes each piece in a thread, so other requests are served in between.
    return StreamingResponse(pieces, media_type="application/json")


@router.get("/passages/{id}", responses={**NOT_FOUND, **NOT_READY})
async def read_passage(id: str, state: State) -> PassageResponse:
    """A passage and its citation."""
    snapshot = (await state.intact()).snapshot
    passage = snapshot.passage(id)
    if passage is None:
        raise Problem(404, "unknown_passage", "no passage of this index has this id")
    return PassageResponse.of(passage, cite(snapshot, passage))


def known_document(snapshot: Snapshot, id: str, detail: str = UNKNOWN) -> Document:
    """The document of that id. Raises Problem 404 with the detail if there is none."""
    document = snapshot.document(id)
    if document is None:
        raise Problem(404, "unknown_document", detail)
    return document
