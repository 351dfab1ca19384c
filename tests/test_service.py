from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import service
from support.client import check_problem


def test_app_is_made_from_the_environment_without_opening_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAG_INDEX", str(tmp_path / "nothing"))
    monkeypatch.setenv("RAG_HOST", "127.0.0.2")
    app = service.app
    with TestClient(app, base_url="http://127.0.0.2") as client:
        check_problem(client.get("/readyz"), 503, "not_ready")


def test_module_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'ap'"):
        service.__getattr__("ap")
