"""The outer edge of the service: who may call it, and what every response carries."""

from __future__ import annotations

import logging
import re
import uuid
from ipaddress import ip_address

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.problem import CLOSE, Problem, problem_response

log = logging.getLogger("rag.edge")

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

# Other services on the same host name may have left long cookies.
MAX_HEADER_BYTES = 32 * 1024
MAX_HEADERS = 100

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:]*)(:[0-9]{1,5})?")
# RFC 3986, 2.3: letters, digits and - . _ ~ are never escaped; who escapes them is hiding a path.
_HIDDEN = re.compile(rb"%(2[de]|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])", re.IGNORECASE)


def allowed_hosts(bound: str) -> frozenset[str]:
    """The values of Host, without port, that reach a service bound to that address."""
    return LOCAL_HOSTS | {f"[{bound}]".lower() if ":" in bound else bound.lower()}


def is_loopback(host: str) -> bool:
    """Whether a host name or address reaches this machine alone."""
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Edge:
    """ASGI middleware: checks headers and path, answers HEAD, and turns a crash into a plain 500.

    Every response gets `SAFE_HEADERS` and an X-Request-Id, which the log names on a crash.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        state = {**scope.get("state", {}), "request_id": request_id}
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        out = _Outgoing(send, request_id, without_body=scope["method"] == "HEAD")
        try:
            check_headers(list(scope["headers"]), self.hosts)
            check_target(scope["path"], scope.get("raw_path") or b"")
            await self.app({**scope, "state": state, "method": method}, receive, out.send)
        except Problem as problem:
            await problem_response(problem, request_id)(scope, receive, out.send)
        except Exception:
            log.exception("request %s failed", request_id)
            if out.started:
                raise
            await problem_response(_crash(), request_id)(scope, receive, out.send)


def check_headers(headers: list[tuple[bytes, bytes]], hosts: frozenset[str]) -> None:
    """None where the headers are acceptable; raises Problem 400, 403 or 431."""
    size = sum(len(name) + len(value) for name, value in headers)
    if size > MAX_HEADER_BYTES or len(headers) > MAX_HEADERS:
        raise Problem(431, "headers_too_large", "the request has too many headers", CLOSE)
    given = [value for name, value in headers if name == b"host"]
    match = _HOST.fullmatch(given[0].decode("latin-1").lower()) if len(given) == 1 else None
    if match is None or match[1] not in hosts:
        raise Problem(403, "bad_host", "the service does not answer under this host name")
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in headers}:
        raise Problem(400, "bad_framing", "the body's length is given in two ways", CLOSE)


def check_target(path: str, raw_path: bytes) -> None:
    """None where the target is a path that hides nothing; raises Problem 400 or 404."""
    if not path.startswith("/"):
        raise Problem(400, "bad_target", "the request target must be a path")
    if _HIDDEN.search(raw_path):
        raise Problem(404, "not_found", "there is nothing at this path")


class _Outgoing:
    """The way out: adds the headers to the start of a response, drops the body where asked."""

    def __init__(self, send: Send, request_id: str, without_body: bool) -> None:
        self.started = False
        self._send = send
        self._request_id = request_id
        self._without_body = without_body

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers.update({**SAFE_HEADERS, "X-Request-Id": self._request_id})
        elif self._without_body:
            message = {**message, "body": b""}
        await self._send(message)


def _crash() -> Problem:
    detail = "the service failed on this request; its log tells more under the request id"
    return Problem(500, "internal_error", detail)
