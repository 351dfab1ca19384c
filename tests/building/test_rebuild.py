"""`rag build` and `rag watch`: what is rebuilt when."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from rag.building.listener import Listener
from rag.building.origin import Origin
from rag.building.rebuild import (
    Built,
    Gate,
    changes,
    gate_of,
    rebuild,
    rebuilds,
)
from rag.checks.canaries import Canary
from rag.cli.console import say, summary
from rag.cli.listening import told_changes
from rag.documents.corpus import ReadOptions, read_corpus
from rag.documents.report import report_lines
from rag.store.open import open_current
from rag.store.publish import writing
from rag.store.versions import current_id, list_versions, read_versions
from rag.types.errors import CorpusError, GateRefused, UsageError
from rag.types.settings import Settings
from support.builds import build_snapshot
from support.letter_encoder import LetterEncoder, corpus
from support.snapshots import FIRST, SECOND, THIRD, tree
from support.topics_corpus import LETTERS, texts

ENCODER = LetterEncoder()
SAYING = Listener(say, lambda files: say("\n".join(report_lines(files))))
RAG = "import sys; from rag.cli.main import main; main(sys.argv[1:])"


def of(folder: Path) -> Origin:
    """The folder as what a build reads."""
    return Origin((folder,), "with")


def building(index: Path, folder: Path, gate: Gate | None = None) -> Callable[[], Built | None]:
    """What `rag watch` does on each occasion."""
    return partial(
        rebuild, index, of(folder), ENCODER, if_stale=True, gate=gate, listener=told_changes(SAYING)
    )


def test_rebuild_says_what_it_took_over(tmp_path: Path) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST, b=SECOND)
    first = rebuild(index, of(folder), ENCODER)
    assert first and first.to_json()["reused"] is None
    assert summary(first.manifest, index).endswith(
        f"{current_id(index)}: 2 documents, 2 sections, 0 FAQ pairs, 2 passages"
    )
    corpus(folder, b=THIRD)
    second = rebuild(index, of(folder), ENCODER)
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

    built = list(rebuilds(building(index, folder), changes(), SAYING))
    assert [each.manifest.counts.documents for each in built] == [1, 1, 2]
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("skipped")]
    assert len(said) == 1 and said[0].startswith("skipped b.xyz: ")


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
    built = list(rebuilds(building(index, folder), ["one change"], SAYING, pause=0.01))
    other.join()
    assert [each.manifest.id for each in built] == [current_id(index)]
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("not")]
    assert len(said) == 1 and said[0].startswith("not yet rebuilt: another build is writing ")


def test_changes_are_seen_from_the_first_occasion_on(tmp_path: Path) -> None:
    occasions = changes([tmp_path])
    assert next(occasions) == set()
    (tmp_path / "a.md").write_text(FIRST)
    assert str(tmp_path / "a.md") in str(next(occasions))


def test_changes_in_folders_of_programs_are_seen(tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    occasions = changes([tmp_path])
    next(occasions)
    (tmp_path / "node_modules" / "a.md").write_text(FIRST)
    assert "node_modules/a.md" in str(next(occasions))


def test_a_config_map_that_is_exchanged_is_seen(tmp_path: Path) -> None:
    for name in ("..1", "..2"):
        corpus(tmp_path / name, a=name)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "a.md").symlink_to("..data/a.md")
    occasions = changes([tmp_path])
    next(occasions)
    (tmp_path / "..tmp").symlink_to("..2")
    (tmp_path / "..tmp").rename(tmp_path / "..data")
    assert "..data" in str(next(occasions))
    assert read_corpus([tmp_path]).documents[0].document.text == "..2"


def test_unreadable_files_are_said_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = corpus(tmp_path / "corpus", a=FIRST)
    (folder / "b.xyz").write_text("?")
    (folder / "a.md~").write_text("?")
    built = rebuild(tmp_path / "index", of(folder), ENCODER, listener=SAYING)
    assert built and built.manifest.counts.documents == 1
    assert "skipped b.xyz: " in capsys.readouterr().err
    assert built.is_partial
    report = built.to_json()["report"]
    assert report["verdicts"] == {"indexed": 1, "skipped:unsupported": 1}
    assert [each["id"] for each in report["files"]] == ["b.xyz"]


def test_the_first_unreadable_file_stops_a_strict_build(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "corpus", a=FIRST, b="")
    with pytest.raises(CorpusError, match=r"b\.md: empty: the file is empty"):
        rebuild(tmp_path / "index", of(folder), ENCODER, options=ReadOptions(strict=True))
    assert not (tmp_path / "index").exists()


def test_a_file_that_is_mended_is_built_and_one_that_breaks_is_left_out(tmp_path: Path) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST, b="")
    documents = []

    def changes() -> Iterator[str]:
        yield "the first"
        corpus(folder, b=SECOND)
        yield "mended"
        (folder / "a.md").write_bytes(b"\0")
        yield "broken"
        (folder / "b.md").unlink()
        yield "nothing is left"
        corpus(folder, a=THIRD)
        yield "mended again"

    for built in rebuilds(building(index, folder), changes(), SAYING):
        documents.append(sorted(open_current(index, ENCODER).documents))
        full = build_snapshot([folder], ENCODER)
        assert built.manifest.id == full.id
    assert documents == [["a.md"], ["a.md", "b.md"], ["b.md"], ["a.md"]]


def test_what_is_skipped_is_said_when_it_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST, b="")

    def changes() -> Iterator[str]:
        yield "the first"
        corpus(folder, a=SECOND)
        yield "another document"
        corpus(folder, c="")
        yield "another empty file"

    list(rebuilds(building(index, folder), changes(), SAYING))
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("skipped")]
    assert [line[:13] for line in said] == ["skipped b.md:", "skipped b.md,"]


@pytest.fixture
def gated(tmp_path: Path) -> tuple[Path, Path]:
    """An index of 20 documents with an FAQ, built through the gate, and its corpus."""
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", **texts())
    built = rebuild(index, of(folder), ENCODER, gate=Gate())
    assert built and built.gate and built.gate.passed
    return index, folder


def test_gated_builds_record_their_figures(gated: tuple[Path, Path]) -> None:
    (version,) = read_versions(gated[0])
    assert version.eval == {"hit@1": 1.0, "hit@3": 1.0, "MRR": 1.0, "n": 19}
    assert (version.forced, version.note) == (False, "")
    assert "MRR 1.000, hit@1 1.000, hit@3 1.000, n 19" in str(list_versions(gated[0])[0])


def test_what_the_gate_refuses_changes_nothing(gated: tuple[Path, Path]) -> None:
    index, folder = gated
    before, corpus_before = tree(index), current_id(index)
    for letter in LETTERS[:11]:
        (folder / f"topic-{letter}.md").unlink()
    for full in (False, True):
        with pytest.raises(GateRefused) as refused:
            rebuild(index, of(folder), ENCODER, gate=Gate(), full=full)
        assert str(refused.value).startswith(
            f"the gate refuses the new snapshot, {corpus_before} stays live: "
            "20 documents before, 9 now, fewer than half"
        )
        assert str(refused.value).endswith(
            'run `rag build --force`, or over HTTP send "force": true'
        )
        assert "\n" not in str(refused.value)
        assert tree(index) == before


def test_a_forced_build_is_published_recorded_and_shown(gated: tuple[Path, Path]) -> None:
    index, folder = gated
    corpus(folder, **texts(empty="bcdfg"))
    built = rebuild(index, of(folder), ENCODER, gate=Gate(force=True))
    assert built and built.gate and not built.gate.passed
    assert built.to_json()["gate"] == built.gate.to_json()
    version = read_versions(index)[-1]
    assert version.id == current_id(index) == built.manifest.id
    assert (version.forced, version.eval) == (True, built.gate.figures)
    assert version.note.startswith("of 19 FAQ questions, 5 find less of their answer")
    assert f"forced, {version.note}" in str(list_versions(index)[0])


def test_force_where_nothing_is_refused_is_not_recorded(gated: tuple[Path, Path]) -> None:
    index, folder = gated
    corpus(folder, more="More.\n")
    rebuild(index, of(folder), ENCODER, gate=Gate(force=True))
    assert [version.forced for version in read_versions(index)] == [False, False]


def test_what_the_gate_could_not_judge_is_recorded(tmp_path: Path) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST)
    for more in ("one.\n", "two.\n"):
        corpus(folder, more=more)
        rebuild(index, of(folder), ENCODER, gate=Gate())
    assert [version.note[:17] for version in read_versions(index)] == ["", "too few to judge:"]


def test_an_index_that_cannot_be_asked_is_said_and_recorded(gated: tuple[Path, Path]) -> None:
    index, folder = gated
    rebuild(index, of(folder), LetterEncoder(sha256="1" * 64), gate=Gate())
    assert read_versions(index)[-1].note == "the snapshot before cannot be asked"


def test_nothing_new_needs_no_gate(gated: tuple[Path, Path]) -> None:
    unanswered = Gate((Canary("ttt uuu www"),))
    built = rebuild(gated[0], of(gated[1]), ENCODER, gate=unanswered)
    assert built and built.gate is None
    assert len(read_versions(gated[0])) == 1


def test_a_first_build_must_answer_the_canaries(tmp_path: Path) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST)
    with pytest.raises(GateRefused, match="nothing is published: of 1 canary"):
        rebuild(index, of(folder), ENCODER, gate=Gate((Canary("ttt uuu www"),)))
    assert not (index / "CURRENT").exists()


def test_watching_goes_on_after_a_refusal(
    gated: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    index, folder = gated

    def changes() -> Iterator[str]:
        corpus(folder, **texts(empty="bcdfg"))
        yield "worse"
        corpus(folder, **texts(empty="b"))
        yield "noise"

    built = list(rebuilds(building(index, folder, Gate()), changes(), SAYING))
    assert [each.gate and each.gate.passed for each in built] == [True]
    assert "not rebuilt: the gate refuses the new snapshot" in capsys.readouterr().err


def test_the_gate_is_what_the_settings_say(tmp_path: Path) -> None:
    path = tmp_path / "canaries.jsonl"
    assert gate_of(Settings(canaries=path)) is None
    assert gate_of(Settings(gate=True)) == Gate()
    assert gate_of(Settings(), force=True) == Gate(force=True)
    with pytest.raises(UsageError, match="cannot be read"):
        gate_of(Settings(gate=True, canaries=path))
    path.write_text('{"question": "Why?"}')
    assert gate_of(Settings(gate=True, canaries=path)) == Gate((Canary("Why?"),))


def test_damage_does_not_stop_a_rebuild_and_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST)
    rebuild(index, of(folder), ENCODER)
    for said in ("nothing is reused: ", "not reused: "):
        corpus(folder, a=SECOND)
        (index / current_id(index) / "dense.faiss").write_bytes(b"")
        built = rebuild(index, of(folder), ENCODER, if_stale=True, listener=SAYING)
        assert built and said in capsys.readouterr().err
        corpus(folder, a=THIRD)
        rebuild(index, of(folder), ENCODER)


def test_watch_builds_when_a_file_changes_and_ends_on_an_interrupt(tmp_path: Path) -> None:
    index, folder = tmp_path / "index", corpus(tmp_path / "corpus", a=FIRST)
    command = [sys.executable, "-c", RAG, "watch", str(folder), "--index", str(index)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job has interrupts ignored, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as watching:
        assert watching.stdout and watching.stderr
        try:
            assert "1 document" in watching.stdout.readline()
            corpus(folder, b=SECOND)
            assert "2 documents" in watching.stdout.readline()
            watching.send_signal(signal.SIGINT)
            assert watching.wait(timeout=20) == 130
        finally:
            watching.kill()
