"""How often a client may ask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag.serving.live import Serving
from rag.types.errors import UsageError
from rag.web.access import Door
from rag.web.addresses import proxies_of
from rag.web.rates import Rates
from service import create_app
from support.client import check_problem
from support.keyed import keyed_in


def client_of(serving: Serving, door: Door, peer: str = "198.51.100.7") -> TestClient:
    return TestClient(
        create_app(serving, door=door), base_url="http://localhost", client=(peer, 50000)
    )


def test_client_that_asks_too_often_is_told_when_to_come_back(serving: Serving) -> None:
    with client_of(serving, Door(rate="3/hour")) as client:
        assert [client.get("/documents").status_code for _ in range(3)] == [200] * 3
        reply = client.get("/documents")
        check_problem(reply, 429, "rate_limited")
        assert 1 <= int(reply.headers["retry-after"]) <= 3600
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_spoofed_addresses_do_not_help(serving: Serving) -> None:
    with client_of(serving, Door(rate="5/hour")) as client:
        codes = [
            client.get("/documents", headers={"x-forwarded-for": f"203.0.113.{n}"}).status_code
            for n in range(100)
        ]
    assert codes == [200] * 5 + [429] * 95


def test_behind_a_proxy_each_client_counts_for_itself(serving: Serving) -> None:
    door = Door(rate="2/hour", proxies=proxies_of("10.0.0.1"))
    with client_of(serving, door, "10.0.0.1") as client:
        codes = [
            client.get("/documents", headers={"x-forwarded-for": f"9.9.9.9, 203.0.113.{n % 2}"})
            for n in range(6)
        ]
    assert [reply.status_code for reply in codes] == [200] * 4 + [429] * 2


def test_each_key_counts_for_itself_and_wrong_ones_by_address(
    serving: Serving, tmp_path: Path
) -> None:
    keyed = keyed_in(tmp_path)
    with client_of(serving, replace(keyed.door(), rate="2/hour")) as client:
        codes = {
            kind: [
                client.get("/documents", headers=keyed.headers(kind)).status_code for _ in range(3)
            ]
            for kind in ("read", "build", "wrong", "no key")
        }
    assert codes == {
        "read": [200, 200, 429],
        "build": [200, 200, 429],
        "wrong": [401, 401, 429],
        "no key": [429, 429, 429],
    }


def test_rate_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(UsageError, match="RAG_RATE is 'often': write it as in 60/minute"):
        Rates("often", ())
