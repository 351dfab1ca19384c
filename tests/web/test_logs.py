from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rag.serving.live import Serving
from rag.types.settings import Settings
from rag.web.logs import hashed, log_act, log_request, shown_as, watchers_of
from rag.web.server import logging_of
from rag.web.watched import Watcher
from service import create_app
from support.client import asked, call
from support.keyed import keyed_app, keyed_in

QUESTION = "Which apples are red?"


@contextmanager
def logged(*loggers: str) -> Iterator[list[dict[str, Any]]]:
    """What these loggers write as JSON meanwhile."""
    config = logging_of("json")["formatters"]["json"]
    formatter = logging.config.DictConfigurator({}).configure_formatter(dict(config))
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter)
    lines: list[dict[str, Any]] = []
    for name in loggers:
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield lines
    finally:
        for name in loggers:
            logging.getLogger(name).removeHandler(handler)
            logging.getLogger(name).setLevel(logging.NOTSET)
        lines += map(json.loads, written.getvalue().splitlines())


def client_of(serving: Serving, *watchers: Watcher) -> TestClient:
    return TestClient(create_app(serving, watchers=watchers), base_url="http://localhost")


def test_each_request_is_a_line(serving: Serving) -> None:
    with logged("rag.requests") as lines, client_of(serving, log_request(hashed())) as client:
        reply = asked(client, json.dumps({"question": QUESTION}))
        client.get("/documents/none")
    ask, missing = lines
    assert ask["request_id"] == reply.headers["x-request-id"]
    assert (ask["method"], ask["path"], ask["status"]) == ("POST", "/ask", 200)
    assert ask["verdict"] == reply.json()["verdict"]
    assert ask["snapshot"] == serving.snapshot.manifest.id
    assert ask["ms"] > 0 and "timestamp" in ask and ask["logger"] == "rag.requests"
    assert missing["status"] == 404 and "question" not in missing


def test_probes_are_not_logged(serving: Serving) -> None:
    with logged("rag.requests") as lines, client_of(serving, log_request(hashed())) as client:
        for path in ("/healthz", "/readyz", "/metrics"):
            client.get(path)
    assert not lines


@pytest.mark.parametrize("how", ["hash", "text", "none"])
def test_questions_are_shown_as_was_chosen(serving: Serving, how: str) -> None:
    watcher = log_request(shown_as(how))
    with logged("rag.requests") as lines, client_of(serving, watcher) as client:
        for _ in range(2):
            asked(client, json.dumps({"question": QUESTION}))
    first, second = (line.get("question") for line in lines)
    assert first == second
    assert (first == QUESTION) == (how == "text") and (first is None) == (how == "none")


def test_a_hash_says_nothing_after_a_restart() -> None:
    assert hashed()(QUESTION) != hashed()(QUESTION)


def test_each_act_of_an_operator_is_told_with_its_key(serving: Serving, tmp_path: Path) -> None:
    keyed = keyed_in(tmp_path)
    app = keyed_app(serving, keyed, tmp_path, watchers=[log_act])
    with logged("rag.audit") as lines, TestClient(app, base_url="http://localhost") as client:
        for kind in ("no key", "read", "admin"):
            client.post("/index/rollback", json={}, headers=keyed.headers(kind))
        asked(client, json.dumps({"question": QUESTION}), **keyed.headers("read"))
        client.get("/index/versions", headers=keyed.headers("admin"))
    told = [line["message"] for line in lines]
    assert len(told) == 3 and all(each.startswith("POST /index/rollback by ") for each in told)
    ids = [each.split(" by ")[1].split(":")[0] for each in told]
    assert ids[0] == "no key" and len(set(ids)) == 3
    assert not any(token in each for token in keyed.tokens.values() for each in told)


@pytest.mark.parametrize(
    "target", ["http://localhost/index/rollback", "/index/rollback\n", "/index/rollback"]
)
@pytest.mark.parametrize("kind", ["no key", "admin"])
def test_no_form_of_the_target_hides_an_act(
    serving: Serving, tmp_path: Path, target: str, kind: str
) -> None:
    keyed = keyed_in(tmp_path)
    app = keyed_app(serving, keyed, tmp_path, watchers=[log_act])
    headers = [(name.encode(), each.encode()) for name, each in keyed.headers(kind).items()]
    with logged("rag.audit") as lines:
        call(app, "POST", target, headers)
    [line] = lines
    assert line["message"].startswith("POST /index/rollback")


def test_path_cannot_pretend_to_be_the_rest_of_the_line(serving: Serving, tmp_path: Path) -> None:
    keyed = keyed_in(tmp_path)
    app = keyed_app(serving, keyed, tmp_path, watchers=[log_act])
    with logged("rag.audit") as lines:
        call(app, "DELETE", "/index/jobs/1 by 0123abcd: 200 (request 00)\nINFO: x", [])
    [line] = lines
    assert line["message"].split(" by ")[1].startswith("no key: 401")
    assert "\n" not in line["message"]


def test_what_a_client_sends_makes_no_second_line(serving: Serving) -> None:
    with logged("rag.requests") as lines, client_of(serving, log_request(str)) as client:
        asked(client, json.dumps({"question": 'a"}\n{"level": "INFO"'}))
    assert len(lines) == 1


def test_watchers_are_those_of_the_settings() -> None:
    assert watchers_of(Settings()) == [log_act]
    assert len(watchers_of(Settings(log="json"))) == 2
    assert len(watchers_of(Settings(log="json", traces="http://localhost:4318"))) == 3
