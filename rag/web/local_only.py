"""Who may change something: no page of another site, and without keys only this machine."""

from __future__ import annotations

from fastapi import Depends, Request

from rag.web.access import key_of
from rag.web.addresses import is_loopback
from rag.web.problems import Problem, Responses, refusal
from rag.web.state import State

# What Sec-Fetch-Site says of a page of this service, and of the address bar.
OWN_SITE = frozenset({"same-origin", "none"})

LOCAL: Responses = {
    403: refusal("The service is bound to more than the loopback address, or another site asks")
}


async def check_local(request: Request, state: State) -> None:
    """Raises Problem 403 unless the bound address and the one that was reached are loopback.

    A request with a key, which has the scope, may come by any address.
    """
    if key_of(request) is not None:
        return
    # A server started by other means than `rag serve` may have bound another address.
    reached = (request.scope.get("server") or ("",))[0]
    if not is_loopback(reached) or not is_loopback(state.host or reached):
        detail = (
            "the index is changed only by a service that is bound to 127.0.0.1: "
            "bind it there, or use `rag build` and `rag rollback`"
        )
        raise Problem(403, "not_local", detail)


async def check_site(request: Request) -> None:
    """Raises Problem 403 if a page of another site has sent the request.

    Browsers say which page sends a request that changes something. Programs say nothing, and may
    change the index.
    """
    own = request.headers.get("host", "").lower()
    origin = request.headers.get("origin", "").lower()
    site = request.headers.get("sec-fetch-site", "none").lower()
    if origin not in ("", f"http://{own}", f"https://{own}") or site not in OWN_SITE:
        raise Problem(403, "cross_site", "a page of another site may not change anything")


# For the routes that change something, and those that change the index.
SAME_SITE = (Depends(check_site),)
LOCAL_ONLY = (Depends(check_local), Depends(check_site))
