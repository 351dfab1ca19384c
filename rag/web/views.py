"""The service as a limited key sees it: an index of its documents alone."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from rag.serving import Key, Serving
from rag.types.errors import CorruptIndex
from rag.web.problems import not_ready, preparing
from rag.web.state import AppState

# So many different sets of documents are kept ready, each with its own index in memory.
MOST = 8
# Seconds after which a client is told to come back while the index of its documents is made.
PATIENCE = 2.0


# What is live, and the paths that are seen of it.
Seen = tuple[object, tuple[str, ...]]


class LimitedState(AppState):
    """What the routes share, as one key sees it. Only what is live differs."""

    def __init__(self, whole: AppState, seen: Serving) -> None:
        self.__dict__.update(whole.__dict__)
        self._seen = seen

    @property
    def serving(self) -> Serving:
        """What is live of the documents that the key sees."""
        return self._seen

    async def retreat(self, serving: Serving, found: CorruptIndex) -> Serving:
        """Raises Problem 503: the next request finds what is live by then."""
        raise not_ready() from found


class Views:
    """The indexes of limited keys, each made when it is first needed after a swap."""

    def __init__(self, state: AppState, most: int = MOST, patience: float = PATIENCE) -> None:
        self._state = state
        self._most = most
        self._patience = patience
        self._making: OrderedDict[Seen, asyncio.Task[Serving]] = OrderedDict()
        self._one = asyncio.Lock()

    async def of(self, key: Key) -> LimitedState:
        """The state for a limited key. Raises Problem 503 while its index is being made."""
        serving = self._state.serving
        task = self._task(serving, key)
        done, _ = await asyncio.wait({task}, timeout=self._patience)
        if not done:
            raise preparing()
        try:
            return LimitedState(self._state, task.result())
        except CorruptIndex as error:
            await self._state.retreat(serving, error)
            raise not_ready() from None

    def _task(self, serving: Serving, key: Key) -> asyncio.Task[Serving]:
        at = (serving.opened, key.paths)
        task = self._making.get(at)
        if task is None or _has_failed(task):
            task = self._making[at] = asyncio.create_task(self._made(serving, key))
        self._making.move_to_end(at)
        self._forget(serving)
        return task

    async def _made(self, serving: Serving, key: Key) -> Serving:
        if serving.limited is None:
            raise not_ready()
        async with self._one:
            return await asyncio.to_thread(serving.limited, key.sees)

    def _forget(self, serving: Serving) -> None:
        """Forgets the indexes of what is no longer live, and those beyond the last used ones."""
        for at in [at for at in self._making if at[0] is not serving.opened]:
            del self._making[at]
        while len(self._making) > self._most:
            self._making.popitem(last=False)


def _has_failed(task: asyncio.Task[Serving]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
