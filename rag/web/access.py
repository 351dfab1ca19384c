"""Who may do what: the one table of routes and scopes, and the check of each request's key.

Without a file of keys, whoever reaches the loopback address may do everything, and nobody else
anything. With one, each route but probes and the page itself requires a key.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.serving import Key, Keys, KeyScope, keys_beside
from rag.types.settings import Settings
from rag.web.addresses import Proxies, check_reached, proxies_of
from rag.web.convertors import register_id
from rag.web.pages import page_paths
from rag.web.problems import NOT_AUTHORIZED, Problem, dify_error, not_found
from rag.web.rates import Rates
from rag.web.sessions import Sessions
from rag.web.state import STATE
from rag.web.views import Views
from rag.web.watched import record_of

# Where the ASGI scope has the key of the request, None if no key is required.
KEY = "rag.key"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route requires: a scope, None for no key at all.

    `whole`: it tells of the whole index, so a key that is limited to some documents is refused.
    `told` are further members of the refusal of a request without a key.
    """

    scope: KeyScope | None
    whole: bool = False
    told: Mapping[str, object] | None = None


OPEN, READ, READ_WHOLE = Rule(None), Rule("read"), Rule("read", whole=True)
BUILD, ADMIN = Rule("build", whole=True), Rule("admin", whole=True)

# Every route. The page itself is open: it holds nothing of the documents, and a reader gives the
# key there.
RULES: dict[tuple[str, str], Rule] = {
    **{("GET", path): OPEN for path in page_paths()},
    ("GET", "/page.json"): OPEN,
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/session"): OPEN,
    ("POST", "/session"): OPEN,
    ("DELETE", "/session"): OPEN,
    ("GET", "/docs"): READ,
    ("GET", "/openapi.json"): READ,
    ("GET", "/llms.txt"): READ,
    ("POST", "/ask"): READ,
    ("POST", "/mcp"): READ,
    ("POST", "/verify"): READ,
    ("POST", "/v1/vector_stores/{id}/search"): READ,
    ("POST", "/retrieval"): Rule("read", told=dify_error(NOT_AUTHORIZED, "send a valid key")),
    ("POST", "/v1/rerank"): READ,
    ("POST", "/v2/rerank"): READ,
    ("POST", "/feedback"): READ,
    ("GET", "/feedback"): ADMIN,
    ("GET", "/documents"): READ,
    ("GET", "/documents/{id:id}/file"): READ,
    ("GET", "/documents/{id:id}/pages/{number}.png"): READ,
    ("GET", "/documents/{id:id}"): READ,
    ("GET", "/passages/{id}"): READ,
    ("GET", "/metrics"): READ_WHOLE,
    ("GET", "/index"): READ_WHOLE,
    ("GET", "/index/report"): READ_WHOLE,
    ("GET", "/index/evaluation"): READ_WHOLE,
    ("GET", "/index/versions"): READ_WHOLE,
    ("POST", "/index/rebuild"): BUILD,
    ("GET", "/index/jobs/{id}"): BUILD,
    ("GET", "/index/jobs/{id}/events"): BUILD,
    ("DELETE", "/index/jobs/{id}"): BUILD,
    ("POST", "/index/rollback"): ADMIN,
}
register_id()
# As the router has them: its pattern of a path also matches that path with a line end.
_PATTERNS = [(compile_path(path)[0], method, rule) for (method, path), rule in RULES.items()]


def rule_of(method: str, path: str) -> Rule:
    """The rule of a request. Raises Problem 404 for a path that is not in the table.

    Another method than those of the path is left to the router, which refuses it, or answers
    OPTIONS; for a path that requires a key, only with one.
    """
    rule = RULES.get((method, path))
    if rule is not None:
        return rule
    found = {own: rule for pattern, own, rule in _PATTERNS if pattern.match(path)}
    if not found:
        raise not_found()
    closed = any(each.scope is not None for each in found.values())
    return found.get(method, READ if closed else OPEN)


@dataclass(frozen=True, slots=True)
class Door:
    """What decides who comes in.

    `hosts` are names under which the service is reached, besides those of this machine; `rate` is
    how often a client may ask, "" for no limit. `secret` signs the sessions of browsers.
    """

    keys: Keys = field(default_factory=Keys)
    hosts: frozenset[str] = frozenset()
    proxies: Proxies = ()
    rate: str = ""
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def sessions(self) -> Sessions:
        """The sessions of browsers."""
        return Sessions(self.keys, self.secret)


def door_of(settings: Settings, secret: bytes | None = None, mark: Path | None = None) -> Door:
    """The door that the settings describe.

    Workers of one service share the secret, and the mark that one of them has seen keys.
    """
    return Door(
        keys=Keys(settings.keys or keys_beside(settings.index), mark=mark),
        hosts=frozenset(each.strip().lower() for each in settings.hosts.split(",") if each.strip()),
        proxies=proxies_of(settings.proxies),
        rate=settings.rate,
        secret=secret or secrets.token_bytes(32),
    )


class Access:
    """ASGI middleware: checks a request's key before its body is read, and how often it asks.

    The application finds the key in the scope, at `KEY`, and what a limited key sees at `STATE`.
    """

    def __init__(self, app: ASGIApp, door: Door, views: Views) -> None:
        self.app = app
        self._views = views
        self._keys = door.keys
        self._sessions = door.sessions
        self._rates = Rates(door.rate, door.proxies) if door.rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[KEY] = await self._admitted(scope)
        await self.app(scope, receive, send)

    async def _admitted(self, scope: Scope) -> Key | None:
        """The key of the request. Raises Problem 401, 403, 404 or 429."""
        required = self._keys.required
        if not required:
            check_reached(scope)
        if scope["path"] in ("/healthz", "/readyz"):
            # A load balancer has no key, and asks often.
            return None
        key = self._sessions.key(scope["headers"]) if required else None
        if (record := record_of(scope)) is not None and key is not None:
            record.key = key.id
        if self._rates is not None:
            await self._rates.count(scope, key)
        if required:
            rule = rule_of(scope["method"], scope["path"])
            check(key, rule)
            if rule.scope and key and key.paths:
                scope[STATE] = await self._views.of(key)
        return key


def check(key: Key | None, rule: Rule) -> None:
    """Raises Problem 401 or 403 unless the key satisfies the rule."""
    if rule.scope is None:
        return
    if key is None:
        raise key_required(rule.told)
    if not key.may(rule.scope):
        told = f'Bearer realm="rag", error="insufficient_scope", scope="{rule.scope}"'
        detail = f"this requires a key with the scope {rule.scope}"
        raise Problem(403, "scope_missing", detail, {"WWW-Authenticate": told})
    if rule.whole and key.paths:
        detail = "this tells of the whole index, and the key is limited to some documents"
        raise Problem(403, "limited_key", detail)


def key_required(told: Mapping[str, object] | None = None) -> Problem:
    """The refusal of a request without a valid key; it does not say what is wrong with one."""
    detail = "send a valid key as Authorization: Bearer rag_...; `rag keys add` makes one"
    headers = {"WWW-Authenticate": 'Bearer realm="rag"'}
    return Problem(401, "key_required", detail, headers, told)


def key_of(request: Request) -> Key | None:
    """The key of a request that was admitted; None if no key is required."""
    key: Key | None = request.scope.get(KEY)
    return key
