"""A small service, and an index that was built with the bundled model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, sync_playwright

from rag.encoders.open import open_encoder
from rag.serving.live import Serving
from rag.store.disk import Files
from rag.store.publish import publish, writing
from service import create_app
from support.browser import CHROMIUM
from support.builds import build_snapshot
from support.word_count_service import GUIDE, serving_of


@pytest.fixture(scope="session")
def serving() -> Serving:
    return serving_of({"guide.md": GUIDE, "notes/two words.md": "Ferries sail on Sundays.\n"})


@pytest.fixture(scope="session")
def client(serving: Serving) -> Iterator[TestClient]:
    with TestClient(create_app(serving), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of one small document, built with the bundled model."""
    folder = tmp_path_factory.mktemp("built")
    corpus, index = folder / "corpus", folder / "index"
    corpus.mkdir()
    (corpus / "cells.md").write_text(
        "# Cells\n\n## Collection\n\nT cells are collected by leukapheresis.\n\n"
        "## Care\n\nThe nurses 👩🏽‍⚕️ watch for fever.\n"
    )
    encoder = open_encoder("bundled", "onnx", 1)
    with writing(index):
        publish(index, build_snapshot([corpus], encoder), encoder, Files())
    return index


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium. Not for the whole session: its event loop would stop others."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
