"""`rag demo` leads a newcomer from a build to a changed citation, and leaves nothing behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from rag.cli.demo import run_command
from rag.cli.main import main
from rag.types.errors import RagError


def left_over() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("rag-demo-*"))


def run() -> int:
    with pytest.raises(SystemExit) as exit:
        main(("demo",))
    return int(exit.value.code or 0)


def test_each_step_is_said_and_done_in_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left_over()
    monkeypatch.chdir(tmp_path)
    assert run() == 0
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


def test_a_command_that_ends_otherwise_than_said_ends_it() -> None:
    with pytest.raises(RagError, match=r"`\$ rag info` ended with 5, not with 0"):
        run_command(lambda arguments, **options: 5, "info")
