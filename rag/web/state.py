"""What the routes share: one object, which a dependency gives to each route."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from rag.documents import processors
from rag.serving import (
    Board,
    Endpoint,
    Figure,
    Jobs,
    Live,
    Remembered,
    Serving,
    Tally,
    Upkeep,
    kept_up,
)
from rag.types.errors import CorruptIndex
from rag.types.settings import Settings
from rag.web.counted import COUNTED, count_answer, count_build, count_refusal
from rag.web.problems import not_ready
from rag.web.server import prepare
from rag.web.threads import Threads
from rag.web.unread import Admission

T = TypeVar("T")

# Where the ASGI scope has the state of a limited key.
STATE = "rag.state"

CORES = processors()
# Answers that take longer are not worked on in the event loop's thread, where probes are answered.
QUICK = 0.01
# Answers that are written at a time: each holds two connections for up to minutes.
GENERATING = 16


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a worker may use: threads that answer questions, and answers that it remembers.

    At most `queue` questions wait for a thread, and each has `deadline` seconds. A question takes
    about 7 ms of a core, so the last of 24 waits for a sixth of a second. At half of the load that
    can be served, 24 come in a third of a second: so long the service may stand still without
    refusing any. A longer queue would only make everybody wait longer. The deadline is for a slow
    disk or a busy machine.
    """

    threads: int = CORES
    answers: int = 0
    queue: int = 24
    deadline: float = 2.0


DEFAULT = Capacity()


def capacity_of(settings: Settings, threads: int = CORES) -> Capacity:
    """The capacity that the settings give to a worker with so many threads."""
    return Capacity(threads, settings.cache, settings.queue, settings.deadline)


# Citations to verify: a request takes up to 10 s of its thread, so few may wait.
VERIFY_QUEUE = 4
VERIFY_DEADLINE = 20.0


class AppState:
    """The live index, its upkeep and builds, and the threads that work for the requests."""

    def __init__(
        self,
        serving: Serving | None,
        upkeep: Upkeep | None,
        capacity: Capacity = DEFAULT,
        board: Board | None = None,
        tally: Tally | None = None,
        endpoint: Endpoint | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.generating = asyncio.Semaphore(GENERATING)
        self.board = board or Board()
        self.tally = tally or Tally(COUNTED)
        answered = partial(count_answer, self.tally)
        self.live = Live(upkeep.folder if upkeep else None, serving, self.board, answered)
        self.remembered = Remembered(capacity.answers)
        # No question waits for a long search for quotes, so that has a thread of its own.
        self.asking = Threads(
            "ask",
            capacity.threads,
            queue=capacity.queue,
            seconds=capacity.deadline,
            quick=QUICK,
            changed=self._tell,
        )
        self.verifying = Threads("verify", queue=VERIFY_QUEUE, seconds=VERIFY_DEADLINE)
        self.drawing = Threads("draw", queue=VERIFY_QUEUE, seconds=VERIFY_DEADLINE)
        self.draining = False
        self.admission = Admission(self._free, partial(count_refusal, self.tally))
        self._upkeep = upkeep
        self._jobs: Jobs | None = None
        if upkeep is not None:
            ended = partial(count_build, self.tally)
            self._jobs = upkeep.jobs(self.live.catch_up_together, ended)

    @property
    def serving(self) -> Serving:
        """What is live. Raises Problem 503 if nothing is."""
        if self.live.serving is None:
            raise not_ready()
        return self.live.serving

    async def intact(self) -> Serving:
        """What is live, if no file was altered in place. Raises Problem 503 if nothing is."""
        serving = self.serving
        try:
            await asyncio.to_thread(serving.snapshot.check)
        except CorruptIndex as error:
            return await self.retreat(serving, error)
        return serving

    async def on_live(
        self, work: Callable[[Serving], T], run: Callable[[Callable[[], T]], Awaitable[T]]
    ) -> T:
        """What the work, in a thread by `run`, makes of what is live.

        It is done again on an older snapshot if a file was altered in place. Raises Problem 503 if
        nothing is live.
        """
        serving = self.serving
        try:
            return await run(partial(work, serving))
        except CorruptIndex as error:
            serving = await self.retreat(serving, error)
            return await run(partial(work, serving))

    async def retreat(self, serving: Serving, found: CorruptIndex) -> Serving:
        """What is live instead of what was altered in place. Raises Problem 503 if nothing is."""
        intact = await self.live.retreat(serving, found)
        if intact is None:
            raise not_ready() from None
        return intact

    @property
    def upkeep(self) -> Upkeep:
        """The upkeep. Raises Problem 503 if the service has no index folder."""
        if self._upkeep is None:
            raise not_ready()
        return self._upkeep

    @property
    def jobs(self) -> Jobs:
        """The builds. Raises Problem 503 if the service has no index folder."""
        if self._jobs is None:
            raise not_ready()
        return self._jobs

    @property
    def takes_feedback(self) -> bool:
        """Whether readers' feedback is stored."""
        return self._upkeep is not None and self._upkeep.feedback

    @property
    def host(self) -> str | None:
        """The address that is bound, if it is known."""
        return self._upkeep.host if self._upkeep else None

    def drain(self) -> None:
        """From now on the service says that it is not ready, because it is about to end."""
        self.draining = True

    def _free(self) -> float:
        """How many more questions may wait: a service that is about to end reads them all."""
        return math.inf if self.draining else self.asking.free

    def _tell(self, asking: Threads) -> None:
        self.board.set(Figure.RUNNING, asking.running)
        self.board.set(Figure.WAITING, asking.waiting)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While it lasts, the live index follows its folder; waiting work is dropped at the end."""
        prepare(asyncio.get_running_loop())
        try:
            async with (
                kept_up(self.upkeep, self.live, self.jobs) if self._upkeep else nullcontext()
            ):
                self.board.set(Figure.STARTED, 1)
                yield
        finally:
            self.asking.drop()
            self.verifying.drop()
            self.drawing.drop()


def state_of(request: Request) -> AppState:
    """The state of the application, as the key of the request sees it."""
    state: AppState = request.scope.get(STATE) or request.app.state.service
    return state


async def app_state(request: Request) -> AppState:
    """`state_of` as a dependency. FastAPI would run a plain function in a thread."""
    return state_of(request)


State = Annotated[AppState, Depends(app_state)]
