"""A thread that works on one request after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.requests import Request

from rag.web.problems import Problem

T = TypeVar("T")


class Worker:
    """One thread. Work that waits for it is dropped if its client leaves."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._executor = self._started()

    async def run(self, request: Request, work: Callable[[], T]) -> T:
        """What the work returns or raises; raises Problem if the client leaves before that."""
        result = asyncio.get_running_loop().run_in_executor(self._executor, work)
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

    def drop(self) -> None:
        """Drops the work that waits; does not wait for the work that runs."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._started()

    def _started(self) -> ThreadPoolExecutor:
        # The thread starts with the first work.
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix=self._name)


async def _left(request: Request) -> None:
    """Returns when the client of the request, whose body has been read, has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
