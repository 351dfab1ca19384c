"""`rag demo` leads a newcomer from a build to a changed citation, and leaves nothing behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from rag.cli.demo import run_command
from rag.cli.main import main
from rag.errors import RagError
from support.places import ROOT


def left_over() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("rag-demo-*"))


def run(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("RAG_CORPUS", str(corpus))
    with pytest.raises(SystemExit) as exit:
        main(("demo",))
    return int(exit.value.code or 0)


def test_each_step_is_said_and_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left_over()
    assert run(ROOT / "corpus", monkeypatch) == 0
    said = capsys.readouterr().out
    places = [
        said.find(words)
        for words in (
            "1. Build.",
            "28 sections, 8 FAQ pairs",
            "2. Ask.",
            "leukapheresis. [1]",
            "3. If the documents do not answer",
            "Not found: chess",
            "4. Verify.",
            "\nvalid ",
            "5. Evaluate.",
            "all together, as served",
            "6. Rebuild.",
            "\nchanged ",
            "With your own documents:",
        )
    ]
    assert -1 not in places and places == sorted(places)
    assert left_over() <= before


def test_without_the_sample_it_says_where_to_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, monkeypatch) == 2
    assert f"{tmp_path / 'car-t-lupus.md'} is missing: run `rag demo`" in capsys.readouterr().err


def test_a_command_that_ends_otherwise_than_said_ends_it() -> None:
    with pytest.raises(RagError, match=r"`\$ rag info` ended with 5, not with 0"):
        run_command(lambda arguments, **options: 5, "info")
