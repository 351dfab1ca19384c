from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request

from rag.web.problems import Problem
from rag.web.threads import Threads


async def never() -> dict[str, Any]:
    """The next message of a client that stays."""
    await asyncio.Event().wait()
    return {}


async def gone() -> dict[str, Any]:
    """The next message of a client that has left."""
    return {"type": "http.disconnect"}


def request(receive: Any = never) -> Request:
    return Request({"type": "http"}, receive)


class Work:
    """Work that takes until it is told to end, and is counted when it begins."""

    def __init__(self) -> None:
        self.begun = 0
        self.end = threading.Event()

    def __call__(self) -> str:
        self.begun += 1
        assert self.end.wait(timeout=10)
        return "done"


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)


async def refused(threads: Threads, work: Callable[[], object], receive: Any = never) -> Problem:
    with pytest.raises(Problem) as caught:
        await threads.run(request(receive), work)
    return caught.value


def test_request_that_finds_the_queue_full_is_refused_at_once() -> None:
    async def scenario() -> None:
        threads, work = Threads("test", 2, queue=3), Work()
        accepted = [asyncio.create_task(threads.run(request(), work)) for _ in range(5)]
        await until(lambda: work.begun == 2)
        problem = await refused(threads, work)
        assert (problem.status, problem.code) == (429, "overloaded")
        assert problem.headers and 1 <= int(problem.headers["Retry-After"]) <= 5
        assert (threads.running, threads.waiting) == (2, 3)
        work.end.set()
        assert await asyncio.gather(*accepted) == ["done"] * 5
        assert (threads.running, threads.waiting) == (0, 0)

    asyncio.run(scenario())


def test_refused_clients_are_told_different_times() -> None:
    async def scenario() -> None:
        threads = Threads("test", queue=0)
        work = Work()
        accepted = asyncio.create_task(threads.run(request(), work))
        await until(lambda: work.begun == 1)
        problems = [await refused(threads, work) for _ in range(100)]
        told = {problem.headers["Retry-After"] for problem in problems if problem.headers}
        assert told == {"1", "2", "3", "4", "5"}
        work.end.set()
        await accepted

    asyncio.run(scenario())


def test_work_whose_time_is_over_in_the_queue_is_never_begun() -> None:
    async def scenario() -> None:
        threads, first, second = Threads("test", queue=1, seconds=0.2), Work(), Work()
        running = asyncio.create_task(refused(threads, first))
        await until(lambda: first.begun == 1)
        problem = await refused(threads, second)
        assert (problem.status, problem.code) == (504, "deadline")
        await until(lambda: threads.waiting == 0)
        first.end.set()
        await running
        await until(lambda: threads.running == 0)
        assert second.begun == 0

    asyncio.run(scenario())


def test_answer_is_never_late_and_its_thread_counts_as_taken_until_it_is_free() -> None:
    async def scenario() -> None:
        threads, work = Threads("test", queue=0, seconds=0.05), Work()
        assert (await refused(threads, work)).code == "deadline"
        assert (await refused(threads, work)).code == "overloaded"
        work.end.set()
        await until(lambda: threads.running == 0)
        assert await threads.run(request(), lambda: 1) == 1

    asyncio.run(scenario())


def test_timeout_of_the_work_itself_is_not_taken_for_the_deadline() -> None:
    def slow_disk() -> None:
        raise TimeoutError("the disk")

    async def scenario() -> None:
        with pytest.raises(TimeoutError, match="the disk"):
            await Threads("test", seconds=5.0).run(request(), slow_disk)

    asyncio.run(scenario())


def test_client_that_leaves_while_it_waits_frees_its_place() -> None:
    async def scenario() -> None:
        threads, work = Threads("test", queue=1), Work()
        running = asyncio.create_task(threads.run(request(), work))
        await until(lambda: work.begun == 1)
        assert (await refused(threads, work, gone)).code == "client_left"
        await until(lambda: threads.waiting == 0)
        work.end.set()
        assert await running == "done"
        assert work.begun == 1

    asyncio.run(scenario())


def from_port(port: int) -> Request:
    return Request({"type": "http", "client": ("127.0.0.1", port)}, never)


def test_the_work_of_a_client_that_asks_alone_is_done_in_the_loops_own_thread() -> None:
    async def scenario() -> None:
        threads = Threads("test", quick=10.0)
        done = [
            await threads.run(from_port(port), threading.current_thread, is_short=True)
            for port in (1, 1, 1, 2, 1)
        ]
        here = [thread is threading.current_thread() for thread in done]
        assert here == [False, True, True, False, False]

    asyncio.run(scenario())


def test_no_work_is_done_in_the_loops_own_thread_while_other_work_runs() -> None:
    async def scenario() -> None:
        threads, work = Threads("test", 2, quick=10.0), Work()
        other = asyncio.create_task(threads.run(from_port(1), work))
        await until(lambda: work.begun == 1)
        done = await threads.run(from_port(1), threading.current_thread, is_short=True)
        assert done is not threading.current_thread()
        work.end.set()
        await other

    asyncio.run(scenario())


def test_slow_work_is_not_done_in_the_loops_own_thread() -> None:
    async def scenario() -> None:
        threads = Threads("test", quick=0.5)

        async def is_here(seconds: float) -> bool:
            work = functools.partial(slept, seconds)
            return await threads.run(from_port(1), work, is_short=True) is here

        def slept(seconds: float) -> threading.Thread:
            time.sleep(seconds)
            return threading.current_thread()

        here = threading.current_thread()
        # Nothing is known at first, so it is done elsewhere a few times.
        assert [await is_here(0) for _ in range(8)] == [False] * 7 + [True]
        assert await is_here(0.6)
        assert not await is_here(0)

    asyncio.run(scenario())


def test_long_work_is_never_done_in_the_loops_own_thread() -> None:
    async def scenario() -> None:
        threads = Threads("test", quick=10.0)
        done = [await threads.run(from_port(1), threading.current_thread) for _ in range(3)]
        assert threading.current_thread() not in done

    asyncio.run(scenario())


def test_an_answer_from_the_loops_own_thread_is_never_late_either() -> None:
    async def scenario() -> None:
        threads = Threads("test", seconds=0.2, quick=10.0)
        await threads.run(from_port(1), lambda: None, is_short=True)
        with pytest.raises(Problem, match="no answer within"):
            await threads.run(from_port(1), lambda: time.sleep(0.3), is_short=True)

    asyncio.run(scenario())
