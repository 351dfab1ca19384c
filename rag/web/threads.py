"""Threads that work on requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.requests import Request

from rag.web.problems import Problem

T = TypeVar("T")


class Threads:
    """So many threads. Work that waits for one is dropped if its client leaves.

    `changed` is called, with these threads, whenever work has come or is done.
    """

    def __init__(
        self, name: str, threads: int = 1, changed: Callable[[Threads], None] = lambda _: None
    ) -> None:
        self._name = name
        self._threads = threads
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

    async def run(self, request: Request, work: Callable[[], T]) -> T:
        """What the work returns or raises; raises Problem if the client leaves while it waits."""
        begins = self._unfinished < self._threads
        result = asyncio.get_running_loop().run_in_executor(self._executor, work)
        self._unfinished += 1
        self._changed(self)
        result.add_done_callback(self._finish)
        return await (result if begins else _unless_left(request, result))

    def drop(self) -> None:
        """Drops the work that waits; does not wait for the work that runs."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._started()

    def _finish(self, _: object) -> None:
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
