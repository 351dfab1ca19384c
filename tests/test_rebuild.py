"""`rag build` and `rag watch`: what is rebuilt when."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from paper import PaperEncoder, corpus
from publishing import FIRST, SECOND, THIRD

from rag.rebuild import changes, rebuild, rebuilds, summary
from rag.store import writing
from rag.versions import current_id

ENCODER = PaperEncoder()
RAG = "import sys; from rag.cli import main; main(sys.argv[1:])"


def test_rebuild_says_what_it_took_over(tmp_path: Path) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST, b=SECOND)
    first = rebuild(index, [folder], ENCODER)
    assert first and first.to_json()["reused"] is None
    assert summary(first.manifest, index).endswith(
        f"{current_id(index)}: 2 documents, 2 sections, 0 FAQ pairs, 2 passages"
    )
    corpus(folder, b=THIRD)
    second = rebuild(index, [folder], ENCODER)
    assert second and second.to_json()["reused"] == {
        "passages": 1,
        "of_passages": 2,
        "documents": 1,
        "of_documents": 2,
    }
    assert second.to_json()["id"] == current_id(index)


def test_only_changes_that_make_a_difference_are_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST)

    def changes() -> Iterator[str]:
        yield "the first"
        (folder / "a.md").touch()
        yield "no difference"
        (folder / "b.xyz").write_text("?")
        yield "no document"
        (folder / "b.xyz").rename(folder / "b.md")
        yield "one more"

    built = list(rebuilds(index, [folder], ENCODER, changes()))
    assert [each.manifest.counts.documents for each in built] == [1, 2]
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("not")]
    assert len(said) == 1 and said[0].startswith("not rebuilt: ") and "b.xyz" in said[0]


def test_a_change_that_meets_another_build_is_built_when_that_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST)
    holding, done = threading.Event(), threading.Event()

    def build_elsewhere() -> None:
        with writing(index):
            holding.set()
            done.wait()

    other = threading.Thread(target=build_elsewhere)
    other.start()
    holding.wait()
    # Long enough for several refusals.
    threading.Timer(0.2, done.set).start()
    built = list(rebuilds(index, [folder], ENCODER, ["one change"], pause=0.01))
    other.join()
    assert [each.manifest.id for each in built] == [current_id(index)]
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("not")]
    assert len(said) == 1 and said[0].startswith("not yet rebuilt: another build is writing ")


def test_changes_are_seen_from_the_first_occasion_on(tmp_path: Path) -> None:
    occasions = changes([tmp_path])
    assert next(occasions) == set()
    (tmp_path / "a.md").write_text(FIRST)
    assert str(tmp_path / "a.md") in str(next(occasions))


def test_unreadable_files_are_said_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = corpus(tmp_path / "corpus", a=FIRST)
    (folder / "b.xyz").write_text("?")
    built = rebuild(tmp_path / "index", [folder], ENCODER, skip_unreadable=True)
    assert built and built.manifest.counts.documents == 1
    assert "skipped b.xyz: " in capsys.readouterr().err


def test_damage_does_not_stop_a_rebuild_and_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST)
    rebuild(index, [folder], ENCODER)
    for said in ("nothing is reused: ", "not reused: "):
        corpus(folder, a=SECOND)
        (index / current_id(index) / "dense.faiss").write_bytes(b"")
        built = rebuild(index, [folder], ENCODER, if_stale=True)
        assert built and said in capsys.readouterr().err
        corpus(folder, a=THIRD)
        rebuild(index, [folder], ENCODER)


def test_watch_builds_when_a_file_changes_and_ends_on_an_interrupt(tmp_path: Path) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST)
    command = [sys.executable, "-c", RAG, "watch", str(folder), "--index", str(index)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout and watching.stderr
        try:
            assert "1 documents" in watching.stdout.readline()
            corpus(folder, b=SECOND)
            assert "2 documents" in watching.stdout.readline()
            watching.send_signal(signal.SIGINT)
            assert watching.wait(timeout=20) == 130
        finally:
            watching.kill()
