"""Threads that work on requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.requests import Request

from rag.web.problems import Problem

T = TypeVar("T")


class Workers:
    """So many threads. Work that waits for one is dropped if its client leaves."""

    def __init__(self, name: str, threads: int = 1) -> None:
        self.threads = threads
        self._name = name
        self._executor = self._started()
        self._unfinished = 0

    @property
    def running(self) -> int:
        """How many requests are being worked on."""
        return min(self._unfinished, self.threads)

    @property
    def waiting(self) -> int:
        """How many requests wait for a thread."""
        return self._unfinished - self.running

    async def run(self, request: Request, work: Callable[[], T]) -> T:
        """What the work returns or raises; raises Problem if the client leaves while it waits."""
        has_thread = self._unfinished < self.threads
        self._unfinished += 1
        result = asyncio.get_running_loop().run_in_executor(self._executor, work)
        try:
            return await (result if has_thread else _unless_left(request, result))
        finally:
            self._unfinished -= 1

    def drop(self) -> None:
        """Drops the work that waits; does not wait for the work that runs."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._started()

    def _started(self) -> ThreadPoolExecutor:
        # A thread starts with the first work that finds none free.
        return ThreadPoolExecutor(self.threads, thread_name_prefix=self._name)


async def _unless_left(request: Request, result: asyncio.Future[T]) -> T:
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
