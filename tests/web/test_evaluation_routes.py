from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from rag.serving.upkeep import Upkeep
from service import create_app
from support.live_index import IDLE, folder_of
from support.snapshots import FIRST, published

FIGURE = {"mean": 0.5, "low": 0.25, "high": 0.75, "n": 4}


def result(name: str, corpus: str) -> dict[str, Any]:
    """The parts of a results file that are shown, and one that is not."""
    row = {"system": "all", "title": "All", "figures": {"nDCG@10": FIGURE}}
    facts = {"commit": "c", "command": "rag eval run", "corpus_sha256": corpus}
    groups = [{"name": "faq", "title": "FAQ", "note": "Asked.", "rows": [row]}]
    return {"name": name, "facts": facts, "groups": groups, "leaks": {}}


def written(folder: Path, name: str, content: object, time: int) -> None:
    """A file of the folder, written at that time."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    os.utime(folder / name, (time, time))


def client_of(tmp_path: Path) -> TestClient:
    published(tmp_path / "index", FIRST)
    upkeep = Upkeep(
        folder_of(tmp_path / "index"), lambda path, wanted: IDLE, (), results=tmp_path / "results"
    )
    return TestClient(create_app(upkeep=upkeep), base_url="http://localhost")


def test_the_newest_figures_of_the_live_corpus_are_shown(tmp_path: Path) -> None:
    with client_of(tmp_path) as client:
        assert client.get("/index/evaluation").json() is None
        corpus = client.get("/index").json()["corpus_sha256"]
        written(tmp_path / "results", "a.json", result("old", corpus), 1)
        written(tmp_path / "results", "b.json", result("own", corpus), 2)
        written(tmp_path / "results", "c.json", result("other", "0" * 64), 3)
        written(tmp_path / "results", "d.json", ["no result"], 4)
        shown = client.get("/index/evaluation").json()
        assert (shown["name"], shown["is_current"]) == ("own", True)
        assert shown["groups"][0]["rows"][0]["figures"]["nDCG@10"] == FIGURE


def test_figures_of_another_corpus_are_shown_as_such(tmp_path: Path) -> None:
    with client_of(tmp_path) as client:
        written(tmp_path / "results", "c.json", result("other", "0" * 64), 3)
        shown = client.get("/index/evaluation").json()
        assert (shown["name"], shown["is_current"]) == ("other", False)
