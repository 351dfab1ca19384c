"""The service follows its index: swaps under load, and what it does where it cannot."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from pathlib import Path

import pytest

from rag.encoders.base import Encoder
from rag.serving.live import IndexFolder, Live
from rag.store.versions import CURRENT, current_id
from rag.types.errors import ModelError
from support.few_descriptors import few_descriptors
from support.live_index import app_of, folder_of
from support.snapshots import FIRST, SECOND, published
from support.swaps import prepare, swap_under_load


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def catch_up(live: Live) -> str | None:
    """The id of what is served after catching up."""
    asyncio.run(live.catch_up())
    return live.serving.snapshot.id if live.serving else None


def test_no_answer_mixes_two_snapshots(tmp_path: Path) -> None:
    index, snapshots = prepare(tmp_path)
    found, made = asyncio.run(swap_under_load(index, snapshots, swaps=10, answers=2000, pause=0.2))
    assert made >= 10 and found["whole"] >= 1000
    assert (found["mixed"], found["failed"]) == (0, 0)


def test_first_index_is_picked_up_without_a_restart(index: Path) -> None:
    live = Live(folder_of(index))
    assert catch_up(live) is None
    first = published(index, FIRST)
    assert catch_up(live) == first


def test_nothing_is_opened_again_while_current_stands(index: Path) -> None:
    published(index, FIRST)
    live = Live(folder_of(index))
    catch_up(live)
    serving = live.serving
    catch_up(live)
    assert live.serving is serving


def test_what_was_opened_before_the_start_is_not_opened_again(index: Path) -> None:
    published(index, FIRST)
    folder = folder_of(index)
    serving = folder.open()
    live = Live(folder, serving)
    catch_up(live)
    assert live.serving is not None and live.serving.opened is serving.opened


def test_what_was_published_between_opening_and_start_is_seen(index: Path) -> None:
    published(index, FIRST)
    folder = folder_of(index)
    serving = folder.open()
    second = published(index, SECOND)
    assert catch_up(Live(folder, serving)) == second


def test_damaged_snapshot_is_logged_and_the_old_one_goes_on(
    index: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = published(index, FIRST)
    live = Live(folder_of(index))
    catch_up(live)
    serving = live.serving
    second = published(index, SECOND)
    (index / second / "dense.faiss").write_bytes(b"")
    assert catch_up(live) == first
    assert live.serving and serving and live.serving.snapshot is serving.snapshot
    text = f"the new index is not served, {first} goes on: what CURRENT names is damaged"
    assert text in caplog.messages
    assert live.serving.refused[0].startswith(f"{second}/dense.faiss is damaged: expected ")


def test_index_that_is_gone_is_logged_and_the_old_one_goes_on(
    index: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = published(index, FIRST)
    live = Live(folder_of(index))
    catch_up(live)
    (index / CURRENT).write_text("nonsense")
    (index / first / "dense.faiss").write_bytes(b"")
    assert catch_up(live) == first
    assert any(f"is not served, {first} goes on" in message for message in caplog.messages)


def test_repaired_snapshot_of_the_same_id_is_opened_again(index: Path) -> None:
    first = published(index, FIRST)
    live = Live(folder_of(index))
    catch_up(live)
    serving = live.serving
    (index / first / "dense.faiss").write_bytes(b"")
    assert published(index, FIRST) == first
    assert catch_up(live) == first
    assert live.serving is not serving


def test_old_snapshot_is_let_go_of(index: Path) -> None:
    published(index, FIRST)
    live = Live(folder_of(index))
    catch_up(live)
    assert live.serving
    old = weakref.ref(live.serving.snapshot)
    published(index, SECOND)
    catch_up(live)
    gc.collect()
    assert old() is None


def test_failure_of_another_kind_is_logged_and_does_not_end_the_following(
    index: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def opening() -> Encoder:
        raise ZeroDivisionError

    published(index, FIRST)
    with caplog.at_level(logging.ERROR):
        assert catch_up(Live(IndexFolder(index, opening))) is None
    assert caplog.messages == ["no index is served"]


def test_model_that_is_missing_is_logged(index: Path, caplog: pytest.LogCaptureFixture) -> None:
    def opening() -> Encoder:
        raise ModelError("no such model")

    published(index, FIRST)
    assert catch_up(Live(IndexFolder(index, opening))) is None
    assert caplog.messages == ["no index is served: no such model"]


def test_live_index_without_a_folder_keeps_what_it_has() -> None:
    assert catch_up(Live()) is None


def test_service_notices_a_build_by_itself(index: Path) -> None:
    async def served() -> str:
        app = app_of(index)
        async with app.router.lifespan_context(app):
            published(index, FIRST)
            while app.state.service.live.serving is None:
                await asyncio.sleep(0.01)
            return str(app.state.service.live.serving.snapshot.id)

    assert asyncio.run(served()) == current_id(index)


def test_swaps_freeze_no_garbage(index: Path) -> None:
    published(index, FIRST)
    folder = folder_of(index)
    frozen = []
    for _ in range(20):
        cycle: list[object] = []
        cycle.append(cycle)
        folder.open()
        frozen.append(gc.get_freeze_count())
    assert frozen[-1] - frozen[5] < 5


def test_what_is_live_reranks_texts_by_its_own_calibration(index: Path) -> None:
    published(index, FIRST)
    serving = folder_of(index).open()
    assert serving.rerank is not None
    right, wrong = serving.rerank("red apples", ["Apples are red.", "Figs are brown."])
    assert 0 <= wrong < right <= 1


def test_an_index_for_which_descriptors_are_missing_is_opened_again_later(
    index: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = published(index, FIRST)
    live = Live(folder_of(index), again=0)
    assert catch_up(live) == first
    second = published(index, SECOND)
    # Enough for the event loop, and too few for a snapshot.
    with few_descriptors(6):
        assert catch_up(live) == first
    assert "raise `ulimit -n`" in caplog.text and "damaged" not in caplog.text
    assert catch_up(live) == second
