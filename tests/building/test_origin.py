"""An index remembers what it was built from, and is not replaced by something else by mistake."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag.building.origin import Origin, check_replaces, origin_of, remembered
from rag.cli.main import main
from rag.serving.uploads import upload_folder, write_files
from rag.store.disk import DISK
from rag.store.publish import publish, roll_back, writing
from rag.store.readback import in_process
from rag.store.sources import LONGEST, Sources
from rag.store.versions import Remarks, current_id, read_versions
from rag.types import FaqPolicy
from rag.types.errors import CorpusError, NotReplaced
from support.letter_encoder import corpus, snapshot_of
from support.live_index import app_of
from support.snapshots import ENCODER, FIRST, SECOND, noon, published


def build(index: Path, folder: Path, faq: FaqPolicy = "with") -> Origin:
    """Publishes what is in the folder, its sources recorded."""
    origin = Origin((folder,), faq)
    remarks = Remarks(sources=origin.recorded)
    with writing(index):
        publish(
            index,
            snapshot_of(folder),
            ENCODER,
            DISK,
            verify=in_process,
            clock=noon,
            remarks=remarks,
        )
    return origin


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index of `mine`; `other` has other documents."""
    corpus(tmp_path / "other", b=SECOND)
    build(tmp_path / "index", corpus(tmp_path / "mine", a=FIRST), "without")
    return tmp_path / "index"


def test_without_a_path_an_index_is_built_again_from_what_it_was_built_from(index: Path) -> None:
    again = origin_of(index, [], Path("corpus"), no_faq=False)
    assert again == Origin((index.parent / "mine",), "without")
    assert remembered(index) == again.sources
    named = origin_of(index, [index.parent / "other"], Path("corpus"), no_faq=False)
    assert named == Origin((index.parent / "other",), "with")


def test_a_first_index_is_built_from_the_corpus(tmp_path: Path) -> None:
    origin = origin_of(tmp_path / "none", [], Path("corpus"), no_faq=True)
    assert origin == Origin((Path("corpus"),), "without", assumed=True)
    check_replaces(tmp_path / "none", origin, "0" * 64)


def test_a_rollback_brings_the_sources_back_as_well(index: Path) -> None:
    build(index, index.parent / "other")
    assert remembered(index) == Sources.of([index.parent / "other"], "with")
    roll_back(index, ENCODER, verify=in_process, clock=noon)
    assert remembered(index) == Sources.of([index.parent / "mine"], "without")


def test_other_sources_need_consent_and_the_question_names_both(index: Path) -> None:
    asked: list[str] = []

    def agree(question: str) -> bool:
        asked.append(question)
        return True

    other = Origin((index.parent / "other",), "with")
    check_replaces(index, other, "0" * 64, agree)
    mine, folder = index.parent / "mine", index.parent / "other"
    assert asked == [f"{index} was built from {mine}, without FAQ pairs; replace it by {folder}?"]
    with pytest.raises(NotReplaced, match=r"nothing was changed; add --replace"):
        check_replaces(index, other, "0" * 64)


def test_the_same_sources_and_the_same_documents_need_none(index: Path) -> None:
    (index.parent / "link").symlink_to(index.parent / "mine")
    check_replaces(index, Origin((index.parent / "link",), "with"), "0" * 64)
    (version,) = read_versions(index)
    check_replaces(index, Origin((index.parent / "moved",), "with"), version.corpus_sha256)


def test_an_index_without_a_record_is_replaced_by_what_is_named_alone(tmp_path: Path) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    assert remembered(index) is None
    check_replaces(index, Origin((tmp_path / "named",), "with"), "0" * 64)
    assumed = origin_of(index, [], tmp_path / "corpus", no_faq=False)
    with pytest.raises(NotReplaced, match="holds other documents, not those of "):
        check_replaces(index, assumed, "0" * 64)
    check_replaces(index, assumed, read_versions(index)[-1].corpus_sha256)


def test_an_index_whose_record_is_lost_is_not_replaced_unasked(index: Path) -> None:
    (version,) = read_versions(index)
    (index / "VERSIONS").unlink()
    named = Origin((index.parent / "mine",), "with")
    with pytest.raises(NotReplaced, match="holds other documents"):
        check_replaces(index, named, "0" * 64)
    with pytest.raises(NotReplaced):
        check_replaces(index, named, version.corpus_sha256)


def test_where_current_is_damaged_the_last_record_tells(index: Path) -> None:
    (index / "CURRENT").write_text("")
    assert remembered(index) == Sources.of([index.parent / "mine"], "without")


def test_sources_that_are_gone_and_uploads_have_to_be_named(index: Path) -> None:
    (index.parent / "mine").rename(index.parent / "moved")
    with pytest.raises(CorpusError, match=r"mine, which is gone: name the documents"):
        origin_of(index, [], Path("corpus"), no_faq=False)
    uploaded = Origin((index.parent / "other",), "with", uploaded=True)
    with writing(index):
        snapshot = snapshot_of(index.parent / "other")
        remarks = Remarks(sources=uploaded.recorded)
        publish(index, snapshot, ENCODER, DISK, verify=in_process, remarks=remarks)
    with pytest.raises(CorpusError, match="was built from uploaded files, which are not kept"):
        origin_of(index, [], Path("corpus"), no_faq=False)


def test_new_sources_of_the_same_snapshot_are_recorded(index: Path) -> None:
    (index.parent / "mine").rename(index.parent / "moved")
    build(index, index.parent / "moved")
    build(index, index.parent / "moved")
    assert [version.sources for version in read_versions(index)] == [
        Sources.of([index.parent / name], faq)
        for name, faq in (("mine", "without"), ("moved", "with"))
    ]


def test_sources_are_absolute_and_read_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    sources = Sources.of([Path("docs"), Path("/elsewhere/../notes")], "with")
    assert sources.paths == (str(tmp_path / "docs"), "/notes")
    assert str(sources) == "docs, /notes"
    assert (
        str(Sources.of([Path(f"{n}.md") for n in range(5)], "with"))
        == "0.md, 1.md, 2.md and 2 more"
    )
    assert str(Sources((), "with")) == "uploaded files"
    assert sources.names_same_as(Sources.of([Path("/notes"), Path("docs")], "without"))


def test_paths_that_versions_cannot_hold_are_not_remembered() -> None:
    assert Sources(("/a",), "with").can_be_kept
    assert not Sources(("/" + "a" * LONGEST,), "with").can_be_kept
    assert not Sources((os.fsdecode(b"/caf\xe9"),), "with").can_be_kept


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    return int(exit.value.code or 0)


def test_the_command_line_replaces_nothing_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus(Path("my-docs"), a=FIRST)
    corpus(Path("corpus"), b=SECOND)
    assert run("build", "my-docs") == 0
    mine = current_id(Path("index"))
    assert run("build") == 0 and current_id(Path("index")) == mine
    assert run("build", "--if-stale") == 0
    assert capsys.readouterr().err.endswith("index is up to date, built from my-docs\n")
    assert run("build", "corpus") == 2
    said = capsys.readouterr().err
    assert "index was built from my-docs, not from corpus: nothing was changed" in said
    assert current_id(Path("index")) == mine
    monkeypatch.setenv("RAG_CORPUS", "corpus")
    assert run("build") == 2
    monkeypatch.delenv("RAG_CORPUS")
    assert run("info") == 0
    assert "built from my-docs\n" in capsys.readouterr().out
    assert run("info", "--json") == 0
    sources = json.loads(capsys.readouterr().out)["sources"]
    assert sources == {"paths": [str(tmp_path / "my-docs")], "faq": "with"}
    assert run("build", "corpus", "--replace") == 0
    assert current_id(Path("index")) != mine


def test_what_is_there_is_served_where_its_sources_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus(Path("my-docs"), a=FIRST)
    assert run("build", "my-docs") == 0
    Path("my-docs").rename("elsewhere")
    assert run("build") == 2
    assert run("build", "--if-stale") == 0
    assert "not rebuilt: index was built from my-docs, which is gone" in capsys.readouterr().err
    assert run("build", "my-docs", "--if-stale") == 2


def answered(folder: Path, reply: bytes) -> tuple[int, str]:
    """The exit code of `rag build corpus` at a terminal with that reply, and what it shows."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from rag.cli.main import main; main()", "build", "corpus"]
    with subprocess.Popen(
        command, stdin=theirs, stderr=theirs, stdout=subprocess.DEVNULL, cwd=folder
    ) as process:
        os.close(theirs)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, reply)
        code = process.wait(60)
    os.close(ours)
    return code, shown.decode()


def test_at_a_terminal_it_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    corpus(Path("my-docs"), a=FIRST)
    corpus(Path("corpus"), b=SECOND)
    assert run("build", "my-docs") == 0
    mine = current_id(Path("index"))
    code, shown = answered(tmp_path, b"\n")
    assert code == 2 and "index was built from my-docs; replace it by corpus? [y/N]" in shown
    assert current_id(Path("index")) == mine
    assert answered(tmp_path, b"y\n")[0] == 0
    assert current_id(Path("index")) != mine


def test_sources_are_shown_to_no_client(index: Path) -> None:
    (version,) = read_versions(index)
    assert asdict(version)["sources"]["paths"] == (str(index.parent / "mine"),)
    with TestClient(app_of(index), base_url="http://localhost") as client:
        for path in ("/index", "/index/versions", "/readyz"):
            assert str(index.parent) not in client.get(path).text


def test_a_build_of_uploads_is_remembered_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = str(tmp_path / "index")
    with upload_folder() as upload:
        write_files(upload.folder, [("fruit.md", FIRST.encode())])
        assert run("build", "--json", "--replace", "--index", index, "--", str(upload.folder)) == 0
    assert remembered(tmp_path / "index") == Sources((), "with")
    assert run("build", "--index", index) == 2
    assert "was built from uploaded files, which are not kept" in capsys.readouterr().err
    assert run("build", "--if-stale", "--index", index) == 0
