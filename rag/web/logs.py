"""Who watches the requests: the log, a line for each act of an operator, and traces."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from rag.types.settings import Settings
from rag.web.access import rule_of
from rag.web.problems import Problem
from rag.web.traces import trace_to
from rag.web.watched import Asked, RequestRecord, Watcher

requests = logging.getLogger("rag.requests")
audit = logging.getLogger("rag.audit")

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
# Digits of a hashed question.
DIGITS = 16


def watchers_of(settings: Settings) -> list[Watcher]:
    """Who is told of each request, by the settings. Raises UsageError."""
    watchers: list[Watcher] = [log_act]
    if settings.log == "json":
        watchers.append(log_request(shown_as(settings.log_questions)))
    if settings.traces:
        watchers.append(trace_to(settings.traces))
    return watchers


def log_request(shown: Callable[[str], str | None]) -> Watcher:
    """Logs a request; `shown` is what may be told of its question. Probes are not logged."""

    def tell(record: RequestRecord) -> None:
        if record.path in PROBES:
            return
        fields = {
            "request_id": record.request_id,
            "method": record.method,
            "path": record.path,
            "status": int(record.status),
            "ms": round(record.seconds * 1000, 3),
            "key": record.key,
            **(_asked(record.asked, shown) if record.asked else {}),
        }
        requests.info("request", extra={name: each for name, each in fields.items() if each})

    return tell


def _asked(asked: Asked, shown: Callable[[str], str | None]) -> dict[str, Any]:
    answer = asked.answer
    fields: dict[str, Any] = {"question": shown(asked.question), "snapshot": asked.snapshot}
    if answer is None:
        return {**fields, "remembered": True}
    return {**fields, "verdict": answer.verdict, "confidence": round(answer.confidence, 3)}


def log_act(record: RequestRecord) -> None:
    """Logs an act of an operator: what a key with more rights than reading has changed, or tried.

    Without keys it is whoever may reach the service.
    """
    if record.method in ("GET", "HEAD", "OPTIONS"):
        return
    try:
        scope = rule_of(record.method, record.path).scope
    except Problem:
        return
    if scope in ("build", "admin"):
        who = record.key or "no key"
        # Quoted: a path may hold spaces and line ends, and so pretend to be the rest of the line.
        path = quote(record.path)
        audit.info(
            "%s %s by %s: %s (request %s)",
            *(record.method, path, who, record.status, record.request_id),
        )


def hashed() -> Callable[[str], str]:
    """Hides questions: equal ones have equal hashes until the service is started again."""
    key = secrets.token_bytes(32)
    return lambda question: hashlib.blake2b(
        question.encode(), key=key, digest_size=DIGITS // 2
    ).hexdigest()


def shown_as(how: str) -> Callable[[str], str | None]:
    """What the log shows of questions: `hash`, `text` or `none`."""
    return {"hash": hashed(), "text": lambda question: question, "none": lambda _: None}[how]
