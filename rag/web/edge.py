"""The outer edge of the service: who may call it, and what every response carries."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from contextlib import suppress
from urllib.parse import unquote

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.web.addresses import address_of
from rag.web.problems import CLOSE, Problem, problem_response
from rag.web.watched import record_of

log = logging.getLogger("rag.web.edge")

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

# How much of an unread body is discarded before the response, and for how long: a connection that
# is closed with unread bytes is reset, and the client would not see the response.
READ_AWAY_BYTES = 64 * 1024 * 1024
READ_AWAY_SECONDS = 5.0

# A load balancer asks these by IP address, or without a host.
HEALTH_PATHS = frozenset({"/healthz", "/readyz"})

# A dot at the end of a full domain name, and a colon without a port, change nothing. Starlette's
# TrustedHostMiddleware knows neither these nor IPv6, and lets two Host headers pass.
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:]*?)\.?(:[0-9]{0,5})?")
# RFC 9112, 3.2.2: a target may be a whole address; its host then replaces the header.
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(/.*)?", re.IGNORECASE | re.DOTALL)


def allowed_hosts(bound: str | None = None) -> frozenset[str]:
    """The values of Host, without port, that reach a service bound to that address."""
    host = f"[{bound}]" if bound and ":" in bound else bound
    return LOCAL_HOSTS | ({host.lower()} if host else set())


def _is_address(host: str | None) -> bool:
    """Whether a value of Host, without port, is an IP address."""
    return host is not None and address_of(host.strip("[]")) is not None


def safe_headers(request_id: str) -> dict[str, str]:
    """The headers of every response."""
    return {**SAFE_HEADERS, "X-Request-Id": request_id}


class Edge:
    """ASGI middleware: checks headers and path, answers HEAD, and turns exceptions into responses.

    A Problem becomes its response, any other exception a plain 500, with its traceback in the log.
    Every response gets an X-Request-Id, which the log repeats on a crash, and `SAFE_HEADERS` unless
    it sets its own.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        incoming = _Incoming(
            receive, expects=any(name == b"expect" for name, _ in scope["headers"])
        )
        out = _Outgoing(send, incoming, request_id, without_body=scope["method"] == "HEAD")
        try:
            scope = to_path(scope)
            if (record := record_of(scope)) is not None:
                record.path = scope["path"]
            hostless = scope["path"] in HEALTH_PATHS or scope.get("http_version") == "1.0"
            check_headers(list(scope["headers"]), self.hosts, hostless)
            await self.app({**scope, "method": method}, incoming.receive, out.send)
        except Problem as problem:
            await problem_response(problem, request_id)(scope, receive, out.send)
        except Exception:
            log.exception("request %s failed", request_id)
            if out.started:
                raise
            await problem_response(_crash(), request_id)(scope, receive, out.send)


def to_path(scope: Scope) -> Scope:
    """The scope with a path as its target, whatever form it came in; raises Problem 400."""
    if (scope["method"], scope["path"]) == ("OPTIONS", "*"):
        # RFC 9110, 9.3.7: the request is about the whole service. Load balancers send it.
        return {**scope, "path": "/", "raw_path": b"/"}
    match = _ABSOLUTE.fullmatch(scope.get("raw_path") or scope["path"].encode())
    if match is not None:
        host, path = match[1], match[2] or b"/"
        headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
        scope = {
            **scope,
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "headers": [(b"host", host), *headers],
        }
    if not scope["path"].startswith("/"):
        raise Problem(400, "bad_target", "the request target must be a path")
    return scope


def check_headers(
    headers: list[tuple[bytes, bytes]], hosts: frozenset[str], hostless: bool = False
) -> None:
    """Raises Problem 400, 421 or 431 if the headers are not acceptable.

    Host must be one of `hosts`: a page of another site cannot forge it. If `hostless`, it may also
    be missing, as only a program can omit it, or an IP address, which is no name of a site.
    """
    size = sum(len(name) + len(value) for name, value in headers)
    if size > MAX_HEADER_BYTES or len(headers) > MAX_HEADERS:
        raise Problem(431, "headers_too_large", "the request has too many headers", CLOSE)
    given = [value for name, value in headers if name == b"host"]
    match = _HOST.fullmatch(given[0].decode("latin-1").lower()) if len(given) == 1 else None
    host = match[1] if match else None
    if host not in hosts and not (hostless and (given in ([], [b""]) or _is_address(host))):
        detail = "the service does not answer under this host name: add it to RAG_HOSTS"
        raise Problem(421 if len(given) == 1 else 400, "bad_host", detail)
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in headers}:
        raise Problem(400, "bad_framing", "the body's length is given in two ways", CLOSE)


class _Incoming:
    """The way in: knows whether the whole request has come.

    `expects`: the client sends its body only after it is asked for it, which `receive` does.
    """

    def __init__(self, receive: Receive, expects: bool) -> None:
        self._receive = receive
        self._is_whole = expects

    async def receive(self) -> Message:
        """The next message of the request."""
        message = await self._receive()
        self._is_whole = not message.get("more_body", False)
        return message

    async def read_away(self) -> None:
        """Discards the rest of the body, up to `READ_AWAY_BYTES` and `READ_AWAY_SECONDS`."""
        left = 0 if self._is_whole else READ_AWAY_BYTES
        # Most have nothing left, and a time limit takes a while to set.
        if not left:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(READ_AWAY_SECONDS):
                while not self._is_whole and left > 0:
                    left -= len((await self.receive()).get("body", b""))


class _Outgoing:
    """The way out: adds headers to a response, and drops its body for HEAD.

    The unread part of the request is discarded first, unless the refusal is that it came too late.
    """

    def __init__(
        self, send: Send, incoming: _Incoming, request_id: str, without_body: bool
    ) -> None:
        self.started = False
        self._send = send
        self._incoming = incoming
        self._request_id = request_id
        self._without_body = without_body

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] != 408:
                await self._incoming.read_away()
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in safe_headers(self._request_id).items():
                headers.setdefault(name, value)
        elif self._without_body:
            message = {**message, "body": b""}
        await self._send(message)


def _crash() -> Problem:
    detail = "the service failed on this request: see its log under the request id"
    return Problem(500, "internal_error", detail)
