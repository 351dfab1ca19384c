"""What is served is verified again while it is served, and damage is never silent."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag.answering.verify import SavedCitation
from rag.encoders.base import Encoder
from rag.index.manifest import MANIFEST
from rag.index.originals import ORIGINALS
from rag.serving.embedded import ask, open_index, verify
from rag.serving.live import IndexFolder, Live, Serving
from rag.serving.upkeep import Upkeep, kept_up
from rag.store.versions import CURRENT
from rag.types.errors import CorruptIndex
from support.live_index import app_of
from support.snapshots import ENCODER, FIRST, SECOND, changed, published

NOON, ONE = (datetime(2026, 1, 2, hour, tzinfo=UTC) for hour in (12, 13))


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index of two snapshots."""
    for text in (FIRST, SECOND):
        published(tmp_path / "index", text)
    return tmp_path / "index"


def live_of(index: Path) -> Live:
    """What serves the index since noon."""
    times = iter([NOON])
    folder = IndexFolder(index, lambda: ENCODER, clock=lambda: next(times, ONE))
    return Live(folder, folder.open())


def serving_of(live: Live) -> Serving:
    assert live.serving
    return live.serving


def rechecked(live: Live) -> Serving:
    """What is served when the files have been verified again."""
    asyncio.run(live.recheck())
    return serving_of(live)


def other(index: Path, id: str) -> str:
    """The id of the snapshot that is not this one."""
    (found,) = {path.parent.name for path in index.glob("*/manifest.json")} - {id}
    return found


def flip(path: Path) -> None:
    """Changes a bit in the middle of a file, in place."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def test_sound_files_are_verified_and_nothing_else_changes(index: Path) -> None:
    live = live_of(index)
    was = serving_of(live)
    assert (was.verified, was.refused, was.damage) == (NOON, (), ())
    now = rechecked(live)
    assert now == replace(was, verified=ONE)


def test_damage_of_what_no_answer_reads_is_shown_and_it_goes_on(
    index: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = live_of(index)
    was = serving_of(live)
    flip(index / was.snapshot.id / "originals.bin")
    now = rechecked(live)
    assert now.snapshot is was.snapshot
    assert [said.split(": ")[0] for said in now.damage] == ["originals.bin is damaged"]
    assert f"{was.snapshot.id} is served and damaged: originals.bin is damaged: " in caplog.text


@pytest.mark.parametrize("name", ["tokens.npy", "passages.bin"])
@pytest.mark.parametrize("harm", [flip, lambda path: os.truncate(path, 0), Path.unlink])
def test_damage_of_what_is_mapped_lets_the_snapshot_before_answer(
    index: Path, harm: Callable[[Path], None], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    live = live_of(index)
    damaged = serving_of(live).snapshot.id
    harm(index / damaged / name)
    now = rechecked(live)
    assert now.snapshot.id == other(index, damaged)
    assert len(now.refused) == 1 and now.refused[0].startswith(f"{damaged}/{name} ")
    assert now.ask("green").passages[0].hit.passage.text == FIRST
    assert f"{now.snapshot.id} is live instead" in caplog.text


def test_where_nothing_is_whole_nothing_is_served_until_a_build(index: Path) -> None:
    live = live_of(index)
    for path in index.glob("*/tokens.npy"):
        flip(path)
    asyncio.run(live.recheck())
    assert live.serving is None
    repaired = published(index, SECOND)
    asyncio.run(live.catch_up())
    assert serving_of(live).snapshot.id == repaired


def test_a_large_index_is_served_at_once_and_verified_behind(index: Path) -> None:
    live = Live(IndexFolder(index, lambda: ENCODER, at_once=0))
    asyncio.run(live.catch_up())
    was = serving_of(live)
    assert was.verified is None and was.ask("pears").passages
    assert rechecked(live).verified is not None


def test_a_large_index_that_is_damaged_is_served_until_it_is_verified(index: Path) -> None:
    damaged = (index / CURRENT).read_text().strip()
    flip(index / damaged / "dense.faiss")
    live = Live(IndexFolder(index, lambda: ENCODER, at_once=0))
    asyncio.run(live.catch_up())
    assert serving_of(live).snapshot.id == damaged
    asyncio.run(live.recheck())
    assert serving_of(live).snapshot.id == other(index, damaged)


class Verifying(Live):
    """A live index whose files take without end to read."""

    async def recheck(self) -> None:
        await asyncio.Event().wait()


def test_a_newer_index_is_live_while_a_large_one_is_verified(tmp_path: Path) -> None:
    published(tmp_path, FIRST)
    folder = IndexFolder(tmp_path, lambda: ENCODER, at_once=0)
    upkeep = Upkeep(folder, lambda path, wanted: ["false"], (), seconds=0.01)
    live = Verifying(folder)

    async def replaced() -> None:
        async with asyncio.timeout(20), kept_up(upkeep, live, upkeep.jobs(live.catch_up)):
            await asyncio.sleep(0.05)
            newer = await asyncio.to_thread(published, tmp_path, SECOND)
            while serving_of(live).snapshot.id != newer:
                await asyncio.sleep(0.01)

    asyncio.run(replaced())


def test_a_large_index_of_which_a_file_is_cut_short_is_never_served(index: Path) -> None:
    damaged = (index / CURRENT).read_text().strip()
    os.truncate(index / damaged / "tokens.npy", 1)
    live = Live(IndexFolder(index, lambda: ENCODER, at_once=0))
    asyncio.run(live.catch_up())
    assert serving_of(live).snapshot.id == other(index, damaged)


def test_a_large_index_whose_parts_do_not_agree_is_replaced_when_it_is_verified(
    index: Path,
) -> None:
    whole = serving_of(live_of(index)).snapshot
    originals = (index / whole.id / ORIGINALS).read_bytes()
    whole = replace(whole, content={**whole.content, ORIGINALS: originals})
    forged = changed(whole, lexical=replace(whole.lexical, impacts=-whole.lexical.impacts))
    (index / forged.id).mkdir()
    for name, content in {**forged.content, MANIFEST: forged.manifest.to_bytes()}.items():
        (index / forged.id / name).write_bytes(content)
    (index / CURRENT).unlink()
    (index / CURRENT).write_text(f"{forged.id}\n")
    live = Live(IndexFolder(index, lambda: ENCODER, at_once=0))
    asyncio.run(live.catch_up())
    assert serving_of(live).snapshot.id == forged.id
    now = rechecked(live)
    assert now.snapshot.id == whole.id
    assert "a BM25 impact is not from 0" in now.refused[0]


def test_damage_that_a_build_has_repaired_meanwhile_is_none(index: Path) -> None:
    live = live_of(index)
    id = serving_of(live).snapshot.id
    flip(index / id / "originals.bin")
    assert rechecked(live).damage
    assert published(index, SECOND) == id
    assert rechecked(live).damage == ()
    assert (index / f"bad-{id}").exists()


def test_damage_and_a_new_index_that_cannot_be_opened_are_both_shown(index: Path) -> None:
    live = live_of(index)
    id = serving_of(live).snapshot.id
    flip(index / id / "originals.bin")
    shutil.rmtree(index / other(index, id))
    (index / CURRENT).unlink()
    (index / CURRENT).write_text("nonsense")
    now = rechecked(live)
    assert now.snapshot.id == id
    assert "CURRENT names no snapshot (found 'nonsense')" in now.refused[0]
    assert now.damage[0].startswith("originals.bin is damaged: ")


def test_files_that_are_gone_are_shown_and_it_goes_on(index: Path) -> None:
    live = live_of(index)
    id = serving_of(live).snapshot.id
    shutil.rmtree(index / id)
    now = rechecked(live)
    assert (now.snapshot.id, now.damage) == (
        id,
        (f"{id} cannot be read (No such file or directory)",),
    )


def test_manifest_and_strange_files_are_looked_at_too(index: Path) -> None:
    live = live_of(index)
    folder = index / serving_of(live).snapshot.id
    flip(folder / "manifest.json")
    (folder / "notes.txt").write_text("?")
    first, second = rechecked(live).damage
    assert first == "notes.txt does not belong there"
    assert second.startswith(f"manifest.json was altered: expected id {folder.name}, found ")


def test_without_an_index_there_is_nothing_to_verify(tmp_path: Path) -> None:
    live = Live(IndexFolder(tmp_path / "none", lambda: ENCODER))
    asyncio.run(live.recheck())
    assert live.serving is None


def test_failure_of_another_kind_is_logged_and_does_not_end_the_verifying(
    index: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def opening() -> Encoder:
        raise ZeroDivisionError

    whole = serving_of(live_of(index))
    live = Live(IndexFolder(index, opening), whole)
    flip(index / whole.snapshot.id / "tokens.npy")

    async def twice() -> None:
        task = asyncio.create_task(live.recheck_every(0.01))
        while caplog.messages.count("what is served cannot be verified") < 2:
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(twice())


def test_service_verifies_by_itself_and_readyz_shows_what_it_found(index: Path) -> None:
    app = app_of(index, verify_seconds=0.01)
    with TestClient(app, base_url="http://localhost") as client:
        ready = client.get("/readyz").json()
        assert (ready["status"], ready["degraded"]) == ("ready", [])
        flip(index / ready["index"]["version"] / "originals.bin")
        deadline = time.monotonic() + 20
        while not (ready := client.get("/readyz").json())["degraded"]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        (said,) = ready["degraded"]
        assert said.startswith("originals.bin is damaged: ") and str(index) not in str(ready)
        assert client.post("/ask", json={"question": "pears"}).status_code == 200


def test_a_damaged_start_is_shown_too(index: Path) -> None:
    current = (index / CURRENT).read_text().strip()
    flip(index / current / "dense.faiss")
    with TestClient(app_of(index), base_url="http://localhost") as client:
        ready = client.get("/readyz").json()
    assert ready["index"]["version"] == other(index, current)
    assert ready["degraded"][0].startswith(f"{current}/dense.faiss is damaged: ")
    assert str(index) not in str(ready)


def restore(path: Path, times: tuple[int, int]) -> None:
    os.utime(path, ns=times)


@pytest.mark.parametrize("harm", [flip, lambda path: os.truncate(path, 0)])
def test_a_mapped_file_altered_in_place_is_noticed_by_the_next_question(
    index: Path, harm: Callable[[Path], None]
) -> None:
    with TestClient(app_of(index), base_url="http://localhost") as client:
        damaged = client.get("/readyz").json()["index"]["version"]
        path = index / damaged / "tokens.npy"
        was = path.stat()
        harm(path)
        restore(path, (was.st_atime_ns, was.st_mtime_ns))
        answer = client.post("/ask", json={"question": "green"})
        assert answer.status_code == 200
        assert answer.json()["index"]["version"] == other(index, damaged)
        assert "tokens.npy" in client.get("/readyz").json()["degraded"][0]


@pytest.mark.parametrize("name", ["passages.bin", "tokens.npy"])
def test_the_library_tells_that_a_mapped_file_was_altered(index: Path, name: str) -> None:
    opened = open_index(index, encoder=ENCODER)
    assert ask(opened, "green").passages
    flip(index / opened.snapshot.id / name)
    with pytest.raises(CorruptIndex, match=f"{name} was altered after it had been verified"):
        ask(opened, "green")
    with pytest.raises(CorruptIndex, match=f"{name} was altered after it had been verified"):
        verify(opened, SavedCitation("a.md", "0" * 64, 0, 1, "F"))


SAVED = {"document_id": "a.md", "sha256": "0" * 64, "char_start": 0, "char_end": 1}


@pytest.mark.parametrize("harm", [flip, lambda path: os.truncate(path, 0)])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/documents", None),
        ("GET", "/index/report", None),
        ("POST", "/verify", {"citations": [SAVED]}),
        ("POST", "/ask", {"question": "green", "filters": {"document_id": ["a.md"]}}),
    ],
)
def test_nothing_is_read_from_an_altered_file(
    index: Path, method: str, path: str, body: object, harm: Callable[[Path], None]
) -> None:
    with TestClient(app_of(index), base_url="http://localhost") as client:
        damaged = client.get("/readyz").json()["index"]["version"]
        for name in ("documents.bin", "report.bin"):
            harm(index / damaged / name)
        assert client.request(method, path, json=body).status_code == 200
        assert client.get("/readyz").json()["index"]["version"] == other(index, damaged)


def test_with_no_whole_snapshot_left_a_question_is_told_so(index: Path) -> None:
    with TestClient(app_of(index), base_url="http://localhost") as client:
        for path in index.glob("*/tokens.npy"):
            flip(path)
        assert client.post("/ask", json={"question": "green"}).status_code == 503
        assert client.get("/healthz").status_code == 200
        repaired = published(index, SECOND)
        deadline = time.monotonic() + 20
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        answer = client.post("/ask", json={"question": "green"}).json()
        assert answer["index"]["version"] == repaired


def test_a_file_that_was_only_touched_or_linked_goes_on(index: Path, tmp_path: Path) -> None:
    live = live_of(index)
    serving = serving_of(live)
    path = index / serving.snapshot.id / "tokens.npy"
    path.touch()
    os.link(path, tmp_path / "backup")
    assert serving.ask("green").passages
    os.chmod(path, 0o400)
    assert serving.ask("green").passages


def test_an_altered_file_stays_refused(index: Path) -> None:
    serving = serving_of(live_of(index))
    path = index / serving.snapshot.id / "tokens.npy"
    for _ in range(2):
        flip(path)
        with pytest.raises(CorruptIndex, match="altered after it had been verified"):
            serving.ask("green")
