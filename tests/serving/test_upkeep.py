"""What the service starts, and that it ends with the service, however that ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rag.serving.jobs import Job, Jobs
from rag.serving.live import Live
from rag.serving.upkeep import Upkeep, kept_up
from rag.web.state import AppState
from support.live_index import folder_of, script


async def nothing() -> None:
    """What is done after a build, where nothing is."""


def upkeep_of(index: Path) -> Upkeep:
    return Upkeep(folder_of(index), script("import time; time.sleep(60)"), (), seconds=0.01)


def test_what_runs_ends_even_if_the_service_fails(tmp_path: Path) -> None:
    async def run() -> tuple[Job | None, int]:
        upkeep = upkeep_of(tmp_path / "index")
        live, jobs = Live(upkeep.folder), Jobs(upkeep.command, nothing)
        with pytest.raises(RuntimeError, match="the service fails"):
            async with kept_up(upkeep, live, jobs):
                id = jobs.start([("a.md", "Apples.")]).id
                raise RuntimeError("the service fails")
        return jobs.get(id), len(asyncio.all_tasks())

    job, tasks = asyncio.run(run())
    assert job and job.status == "cancelled"
    assert tasks == 1


def test_waiting_questions_are_dropped_even_if_the_service_fails(tmp_path: Path) -> None:
    async def run() -> None:
        state = AppState(None, upkeep_of(tmp_path / "index"))
        started = asyncio.Event()
        with pytest.raises(RuntimeError, match="the service fails"):
            async with state.running():
                started.set()
                raise RuntimeError("the service fails")
        assert started.is_set() and len(asyncio.all_tasks()) == 1

    asyncio.run(run())
