"""What the service starts, and that it ends with the service, however that ends."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from starlette.requests import Request

from rag.serving.job_table import Job
from rag.serving.jobs import Jobs
from rag.serving.live import Live
from rag.serving.upkeep import Upkeep, kept_up
from rag.web.state import AppState, Capacity
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
    async def never() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def run() -> list[object]:
        state, go_on = AppState(None, upkeep_of(tmp_path / "index"), Capacity(1)), threading.Event()
        request = Request({"type": "http"}, never)
        with pytest.raises(RuntimeError, match="the service fails"):
            async with state.running():
                asked = [
                    asyncio.create_task(state.asking.run(request, work))
                    for work in (go_on.wait, lambda: "answered")
                ]
                await asyncio.sleep(0.05)
                raise RuntimeError("the service fails")
        go_on.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    running, waiting = asyncio.run(run())
    assert running is True and isinstance(waiting, asyncio.CancelledError)
