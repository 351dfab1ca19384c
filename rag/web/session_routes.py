"""The routes by which a reader gives the key to the page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from rag.schemas import SessionRequest, SessionResponse
from rag.web.access import Door, key_required
from rag.web.addresses import is_secure
from rag.web.bodies import json_body
from rag.web.local_only import SAME_SITE
from rag.web.problems import bad_body, refusal
from rag.web.sessions import COOKIE, SECONDS

router = APIRouter()


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


async def door(request: Request) -> Door:
    """`_door` as a dependency. FastAPI would run a plain function in a thread."""
    return _door(request)


@router.get("/session")
async def read_session(request: Request, door: Annotated[Door, Depends(door)]) -> SessionResponse:
    """Whether a key is required, and what the key of this request may do."""
    required = door.keys.required
    key = door.sessions.key(request.scope["headers"]) if required else None
    return SessionResponse.of(required, key)


@router.post(
    "/session",
    dependencies=SAME_SITE,
    responses={
        **bad_body("16 KB"),
        401: refusal("The key is not valid"),
        403: refusal("A page of another site asks"),
    },
)
async def begin_session(
    asked: Annotated[SessionRequest, Depends(json_body(SessionRequest))],
    request: Request,
    response: Response,
    door: Annotated[Door, Depends(door)],
) -> SessionResponse:
    """Begins a session with a key: a cookie that no script can read and no other site can send.

    It lasts twelve hours, and no longer than the key or the service.
    """
    begun = door.sessions.begin(asked.key)
    if begun is None:
        raise key_required()
    key, value = begun
    response.set_cookie(
        COOKIE,
        value,
        max_age=SECONDS,
        secure=is_secure(request.scope, door.proxies),
        httponly=True,
        samesite="strict",
    )
    return SessionResponse.of(door.keys.required, key)


@router.delete("/session", dependencies=SAME_SITE, status_code=204)
async def end_session(response: Response) -> None:
    """Makes this browser forget its session."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
