from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from support.client import check_problem
from support.live_index import app_of, script
from support.snapshots import FIRST, published

STEPS = """
import json, time
for done in (1, 2):
    event = {"event": "progress", "what": "encoding", "done": done, "total": 2}
    print(json.dumps(event), flush=True)
    time.sleep(0.5)
print(json.dumps({"event": "error", "message": "out of apples"}), flush=True)
raise SystemExit(3)
"""


def events(text: str) -> list[dict[str, Any]]:
    """The data of each event of a stream."""
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    assert all(block[0] == "event: job" for block in blocks)
    return [json.loads(block[1].removeprefix("data: ")) for block in blocks]


def test_a_build_is_followed_to_its_end(tmp_path: Path) -> None:
    published(tmp_path / "index", FIRST)
    files = [{"name": "a.md", "text": "A."}]
    with TestClient(
        app_of(tmp_path / "index", script(STEPS)), base_url="http://localhost"
    ) as client:
        started = client.post("/index/rebuild", json={"files": files}).headers["location"]
        response = client.get(f"{started}/events")
        told = events(response.text)
        assert response.headers["content-type"].startswith("text/event-stream")
        assert {"done": 2, "total": 2} in [each["progress"] for each in told]
        assert [each["status"] for each in told][:-1] == ["running"] * (len(told) - 1)
        assert told[-1] == client.get(started).json()
        assert told[-1]["problem"]["detail"] == "out of apples"
        begun = time.monotonic()
        assert events(client.get(f"{started}/events").text) == told[-1:]
        assert time.monotonic() - begun < 1
        check_problem(client.get("/index/jobs/none/events"), 404, "unknown_job")
