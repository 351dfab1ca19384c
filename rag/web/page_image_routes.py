"""The route that shows a page of a PDF as an image."""

from __future__ import annotations

import functools
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from rag.documents import MAX_WIDTH, page_image
from rag.index import Snapshot
from rag.types import FileReport
from rag.types.errors import CorpusError, CorruptIndex
from rag.web.document_routes import known_document, read_document
from rag.web.problems import NOT_FOUND, NOT_READY, Problem, refusal
from rag.web.state import State

PDF = "application/pdf"
MAX_PAGE_NUMBER = 100_000
WIDTH = 1200

router = APIRouter()


@router.get(
    "/documents/{id:id}/pages/{number}.png",
    response_class=Response,
    responses={
        200: {"description": "The image", "content": {"image/png": {}}},
        304: {"description": "The client has the image already: If-None-Match"},
        **NOT_FOUND,
        410: refusal("The file was not kept, is damaged, or its page cannot be drawn"),
        **NOT_READY,
    },
)
async def read_page_image(
    id: str,
    number: int,
    request: Request,
    state: State,
    width: Annotated[int, Query(ge=50, le=MAX_WIDTH, description="pixels")] = WIDTH,
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """A page of a PDF, from 1, drawn in a process with bounds of time and memory."""
    snapshot = (await state.intact()).snapshot
    if f"{id}/pages/{number}.png" in snapshot.documents:
        return await read_document(f"{id}/pages/{number}.png", state)
    file = snapshot.file(known_document(snapshot, id))
    if file is None or file.media_type != PDF or not 0 < number <= MAX_PAGE_NUMBER:
        raise _no_page()
    headers = {"ETag": f'"{file.sha256[:32]}-{number}-{width}"', "Cache-Control": "no-cache"}
    if headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    try:
        work = functools.partial(_drawn, snapshot, file, number, width)
        image = await state.drawing.run(request, work)
    except (CorpusError, CorruptIndex) as error:
        raise Problem(410, "page_gone", f"the page cannot be shown: {error}") from None
    if image is None:
        raise _no_page()
    return Response(image, media_type="image/png", headers=headers)


def _drawn(snapshot: Snapshot, file: FileReport, number: int, width: int) -> bytes | None:
    return page_image(b"".join(snapshot.originals.pieces(file)), number, width)


def _no_page() -> Problem:
    return Problem(404, "unknown_page", "no PDF of this index has this page")
