import re
from pathlib import Path

import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from rag.serving.live import Serving
from rag.serving.tally import Tally, tally_bytes
from rag.serving.upkeep import upkeep_of
from rag.types.settings import Settings
from rag.web.connection import Limits
from rag.web.counted import COUNTED, count_build
from service import create_app
from support.client import asked
from support.keyed import keyed_app, keyed_in
from support.places import ROOT
from support.raw_http import connected, raw, request, running
from support.word_count_service import serving_of

DEPLOY = ROOT / "docs" / "deploy"


def shown(client: TestClient) -> dict[tuple[str, ...], float]:
    """The value of each sample, by its name and the values of its labels."""
    reply = client.get("/metrics")
    assert reply.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def test_requests_answers_and_stages_are_counted(client: TestClient) -> None:
    before = shown(client)
    for body in ('{"question": "Which apples are red?"}', '{"question": ""}'):
        asked(client, body)
    after = shown(client)

    def more(*name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert more("rag_http_requests_total", "/ask", "200") == 1
    assert more("rag_http_requests_total", "/ask", "422") == 1
    assert more("rag_http_request_seconds_count", "/ask") == 2
    assert sum(more("rag_answers_total", each) for each in ("answered", "not_found")) == 1
    assert more("rag_ask_seconds_count", "search") == 1


def test_answers_to_limited_keys_are_counted_too(tmp_path: Path) -> None:
    keyed = keyed_in(tmp_path)
    app = keyed_app(serving_of({"guides/a.md": "Dogs travel.\n"}), keyed, tmp_path)
    with TestClient(app, base_url="http://localhost", headers=keyed.headers("read")) as client:
        asked(client, '{"question": "dogs"}', **keyed.headers("limited"))
        counted = {name: value for name, value in shown(client).items() if "rag_answers" in name[0]}
    assert sum(counted.values()) == 1


def refused(port: int) -> dict[str, float]:
    """The refusals before a request, by reason, without those that have not happened."""
    text = raw(port, request("GET /metrics")).partition(b"\r\n\r\n")[2].decode()
    return {
        sample.labels["reason"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "rag_refused_unread_total" and sample.value
    }


def test_what_is_refused_before_there_is_a_request_is_counted_by_reason(
    serving: Serving,
) -> None:
    app = create_app(serving)
    limits = Limits(connections=3, header=0.2)
    admission = app.state.service.admission
    with running(app, limits, admission) as port:
        raw(port, b"hello\r\n\r\n")
        raw(port, request("GET /", head=b"a:b\r\n" * 12_000))
        raw(port, request("GET /", head=b"Transfer-Encoding: gzip\r\n"))
        raw(port, b"GET / HTTP/1.1\r\nHost")
        raw(port, b"")
        assert refused(port) == {
            "malformed_request": 1,
            "headers_too_large": 1,
            "unsupported_encoding": 1,
            "request_timeout": 1,
            "silent": 1,
        }
    with running(app, Limits(connections=3), admission) as port:
        waiting = [connected(port) for _ in range(3)]
        assert refused(port)["made_room"] == 1
        for client in waiting:
            client.close()


def test_refusals_of_all_workers_are_counted(tmp_path: Path, serving: Serving) -> None:
    file = tmp_path / "tally"
    file.write_bytes(tally_bytes(COUNTED, 2))
    first, second = (Tally(COUNTED, file, worker, 2) for worker in range(2))
    for tally in (first, second):
        create_app(serving, tally=tally).state.service.admission.count("overloaded")
    assert dict(first.counts("rag_refused_unread"))["overloaded",] == 2


def test_a_path_that_a_client_invents_makes_no_metric(client: TestClient) -> None:
    before = set(shown(client))
    for path in ("/nowhere", "/else/where", "/ASK"):
        client.get(path)
    new = {name for name in set(shown(client)) - before if name[0].startswith("rag_http_request")}
    assert new <= {("rag_http_requests_total", "other", "404")}


def test_what_is_live_is_shown(client: TestClient, serving: Serving) -> None:
    manifest = serving.snapshot.manifest
    values = shown(client)
    assert values["rag_snapshot_info", manifest.id, manifest.model.name] == 1
    assert values["rag_snapshot_passages",] == manifest.counts.passages
    assert values["rag_index_degraded",] == 0
    assert values["process_resident_memory_bytes",] > 1e6


def test_without_an_index_there_is_no_snapshot(tmp_path: Path) -> None:
    app = create_app(upkeep=upkeep_of(Settings(index=tmp_path / "none")))
    with TestClient(app, base_url="http://localhost") as client:
        assert not [name for name, *_ in shown(client) if name.startswith("rag_snapshot")]


def test_builds_are_counted_by_result(serving: Serving) -> None:
    tally = Tally(COUNTED)
    for result in ("done", "failed", "failed"):
        count_build(tally, result)
    with TestClient(create_app(serving, tally=tally), base_url="http://localhost") as client:
        values = shown(client)
    assert [values["rag_builds_total", each] for each in ("done", "failed", "cancelled")] == [
        *(1, 2, 0)
    ]


def test_metrics_require_a_key_like_all_else(serving: Serving, tmp_path: Path) -> None:
    keyed = keyed_in(tmp_path)
    with TestClient(keyed_app(serving, keyed, tmp_path), base_url="http://localhost") as client:
        status = {
            kind: client.get("/metrics", headers=keyed.headers(kind)).status_code
            for kind in ("no key", "limited", "read")
        }
    assert status == {"no key": 401, "limited": 403, "read": 200}


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json"])
def test_rules_and_panels_use_metrics_that_there_are(client: TestClient, name: str) -> None:
    there = {each for each, *_ in shown(client)} | {"rag_snapshot_published_timestamp_seconds"}
    text = (DEPLOY / name).read_text()
    used = set(re.findall(r"\b(?:rag|process)_[a-z_]+\b", text)) - {"rag_key"}
    assert used and used <= there, used - there


def test_each_alert_says_what_to_do() -> None:
    groups = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        assert {"summary", "fix"} <= set(rule["annotations"])
