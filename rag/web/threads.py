"""Threads that work on requests, with a short queue in front of them."""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from starlette.requests import Request

from rag.web.problems import Problem, overloaded

T = TypeVar("T")

# What is assumed of work before any has been done, in seconds.
UNKNOWN = 1.0
# After slow work, so much of its time is assumed of the next.
FORGOTTEN = 0.9


class Threads:
    """So many threads, and a queue of at most `queue` requests that wait for one.

    A request that finds the queue full is refused, and so is one whose answer is not there within
    `seconds`. Work that waits is dropped if its client leaves or its time is over. `changed` is
    called, with these threads, whenever work has come or is done.

    Handing work to a thread wakes two threads, that one and then the event loop's. So while one
    client alone asks, on one connection, its short work is done in the loop's own thread, if work
    lately took less than `quick` seconds: so long all else, such as a probe, has to wait.
    """

    def __init__(
        self,
        name: str,
        threads: int = 1,
        *,
        queue: int = 16,
        seconds: float = math.inf,
        quick: float = 0.0,
        changed: Callable[[Threads], None] = lambda _: None,
    ) -> None:
        self._name = name
        self._threads = threads
        self._queue = queue
        self._seconds = seconds
        self._quick = quick
        self._takes = UNKNOWN
        self._client: object = None
        self._changed = changed
        self._executor = self._started()
        self._unfinished = 0

    @property
    def running(self) -> int:
        """How many requests are being worked on."""
        return min(self._unfinished, self._threads)

    @property
    def waiting(self) -> int:
        """How many requests wait for a thread."""
        return self._unfinished - self.running

    @property
    def free(self) -> int:
        """How many more requests may come; the next one is refused if it is 0."""
        return self._threads + self._queue - self._unfinished

    async def run(self, request: Request, work: Callable[[], T], *, is_short: bool = False) -> T:
        """What the work returns or raises.

        Raises Problem: 429 if the queue is full, 504 if the time is over, 400 if the client leaves
        while it waits.
        """
        if self.free <= 0:
            raise overloaded()
        if self._is_alone(request) and is_short:
            ends = time.perf_counter() + self._seconds
            done = self._timed(work)
            if time.perf_counter() > ends:
                raise self._late()
            return done
        begins = self._unfinished < self._threads
        result = self._begun(functools.partial(self._timed, work))
        try:
            async with asyncio.timeout(self._seconds) as limit:
                return await (result if begins else _unless_left(request, result))
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._late() from None

    def _late(self) -> Problem:
        detail = f"there was no answer within {self._seconds:g} seconds: ask again later"
        return Problem(504, "deadline", detail)

    def _is_alone(self, request: Request) -> bool:
        """Whether only the client of the last request asks, and its work is quick."""
        before, self._client = self._client, request.scope.get("client")
        alone = before is not None and before == self._client and not self._unfinished
        return alone and self._takes < self._quick

    def _timed(self, work: Callable[[], T]) -> T:
        """What the work returns; keeps in mind what it takes."""
        started = time.perf_counter()
        try:
            return work()
        finally:
            took = time.perf_counter() - started
            self._takes = max(took, FORGOTTEN * self._takes)

    def drop(self) -> None:
        """Drops the work that waits; does not wait for the work that runs."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._started()

    def _begun(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """The work's result; a thread begins it as soon as one is free."""
        job = self._executor.submit(work)
        self._unfinished += 1
        self._changed(self)
        result = asyncio.wrap_future(job)
        result.add_done_callback(functools.partial(self._left, job))
        return result

    def _left(self, job: Future[Any], result: asyncio.Future[Any]) -> None:
        """Nobody waits for the job: it is done, or dropped, or its thread still works on it."""
        if job.done():
            self._finish()
            return
        loop = result.get_loop()

        def finish(_: object) -> None:
            with suppress(RuntimeError):  # the service has ended meanwhile
                loop.call_soon_threadsafe(self._finish)

        job.add_done_callback(finish)

    def _finish(self) -> None:
        self._unfinished -= 1
        self._changed(self)

    def _started(self) -> ThreadPoolExecutor:
        # A thread starts with the first work that finds none free.
        return ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)


async def _unless_left(request: Request, result: asyncio.Future[T]) -> T:
    """The result; cancels it and raises Problem if the client leaves first."""
    left = asyncio.create_task(_left(request))
    try:
        either: set[asyncio.Future[Any]] = {result, left}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if result.done():
            return result.result()
        raise Problem(400, "client_left", "the client has left before the answer")
    finally:
        # Cancelling has no effect on the one that is done.
        result.cancel()
        left.cancel()


async def _left(request: Request) -> None:
    """Returns when the client of the request, whose body has been read, has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
