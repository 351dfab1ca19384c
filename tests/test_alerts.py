"""Each alert of docs/deploy fires on what it is for, and not on what is like it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from support.deploy import DEPLOY, accepted, tool

Series = dict[str, str]

UP = 'up{job="rag",instance="a"}'
ASKED = 'rag_http_requests_total{path="/ask",status="200"}'
SECONDS = 'rag_http_request_seconds_bucket{path="/ask",le="%s"}'
ANSWERS = 'rag_answers_total{verdict="%s"}'
# An hour in steps of a minute, as promtool writes them: from, step, how often. For each alert what
# it is for, the labels with which it fires, and what is like it.
ALERTS: dict[str, tuple[Series, dict[str, str], Series]] = {
    "RagDown": ({UP: "0x60"}, {"job": "rag", "instance": "a"}, {UP: "1x60"}),
    "RagNotReady": (
        {UP: "1x60"},
        {"job": "rag", "instance": "a"},
        {UP: "1x60", 'rag_snapshot_info{instance="a",id="0a"}': "1x60"},
    ),
    "RagFails": (
        {'rag_http_requests_total{path="/ask",status="500"}': "0+1x60"},
        {},
        {'rag_http_requests_total{path="/ask",status="503"}': "0+100x60"},
    ),
    # Questions are refused before there is a request, so no 429 is among the requests.
    "RagRefuses": (
        {ASKED: "0+90x60", 'rag_refused_unread_total{reason="overloaded"}': "0+10x60"},
        {},
        {ASKED: "0+99x60", 'rag_refused_unread_total{reason="overloaded"}': "0+1x60"},
    ),
    "RagConnections": (
        {'rag_refused_unread_total{reason="made_room"}': "0+120x60"},
        {},
        {'rag_refused_unread_total{reason="silent"}': "0+120x60"},
    ),
    "RagSlow": (
        {SECONDS % "0.5": "0+90x60", SECONDS % "1": "0+100x60", SECONDS % "+Inf": "0+100x60"},
        {},
        {SECONDS % "0.5": "0+96x60", SECONDS % "1": "0+100x60", SECONDS % "+Inf": "0+100x60"},
    ),
    "RagDegraded": ({"rag_index_degraded": "1x60"}, {}, {"rag_index_degraded": "0x60"}),
    "RagBuildFailed": (
        {'rag_builds_total{result="refused"}': "0x30 1x30"},
        {"result": "refused"},
        {'rag_builds_total{result="succeeded"}': "0x30 1x30"},
    ),
    # Hours: ten days, and in the last of them half of the questions have no answer.
    "RagAbstainsMore": (
        {
            ANSWERS % "answered": "0+90x216 19490+50x24",
            ANSWERS % "not_found": "0+10x216 2210+50x24",
        },
        {},
        {ANSWERS % "answered": "0+90x240", ANSWERS % "not_found": "0+10x240"},
    ),
}
RULES = {
    rule["alert"]: rule
    for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}


def test_every_alert_is_tried() -> None:
    assert list(ALERTS) == list(RULES)


def case(name: str, series: Series, fired: list[dict[str, str]]) -> dict[str, Any]:
    """One test of promtool: what fires at the end of the series."""
    days = name == "RagAbstainsMore"
    expected = [
        {
            "exp_labels": {**labels, **RULES[name]["labels"]},
            "exp_annotations": RULES[name]["annotations"],
        }
        for labels in fired
    ]
    return {
        "interval": "1h" if days else "1m",
        "input_series": [{"series": each, "values": values} for each, values in series.items()],
        "alert_rule_test": [
            {"eval_time": "239h" if days else "50m", "alertname": name, "exp_alerts": expected}
        ],
    }


@pytest.mark.parametrize("name", RULES)
def test_it_fires_on_what_it_is_for_alone(tmp_path: Path, name: str) -> None:
    promtool = tool("promtool")
    harmful, labels, harmless = ALERTS[name]
    tests = [case(name, harmful, [labels]), case(name, harmless, [])]
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(DEPLOY / "alerts.yml")], "tests": tests}))
    accepted(promtool, "test", "rules", file)
