"""What the service answers from, and how it keeps up with the index folder."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rag.answer import ask
from rag.encoder import Encoder
from rag.errors import RagError
from rag.files import DISK
from rag.schemas import IndexModel, index_model
from rag.snapshot import Snapshot, open_current
from rag.store import roll_back, writing
from rag.turns import TurnsEncoder
from rag.types import Answer
from rag.versions import CURRENT, Version, answering

log = logging.getLogger("rag.serving")

# What tells one CURRENT from the next, even where a rebuild gave the same id: inode and time.
Stamp = tuple[int, int] | None
UNSEEN: Stamp = (-1, -1)


@dataclass(frozen=True)
class Serving:
    """What answers: a snapshot, and `rag.answer.ask` over it. Requests read it once each."""

    snapshot: Snapshot
    ask: Callable[..., Answer]

    @cached_property
    def index(self) -> IndexModel:
        """The snapshot's name in every response."""
        return index_model(self.snapshot)


class Library:
    """An index folder and the one encoder that reads it, opened when it is first needed."""

    def __init__(self, index: Path, opening: Callable[[], Encoder]) -> None:
        self.index = index
        self._opening = opening

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder. Raises ModelError."""
        return TurnsEncoder(self._opening())

    def open(self) -> Serving:
        """The current snapshot, ready to answer. Raises RagError."""
        snapshot = open_current(self.index, self.encoder)
        return Serving(snapshot, functools.partial(ask, snapshot, self.encoder))

    def roll_back(self, id: str | None) -> Version:
        """The version by which an older snapshot answers again. Raises RagError."""
        with writing(self.index):
            return roll_back(self.index, self.encoder, DISK, id)


class Follower:
    """Holds what is served, and replaces it in one step when CURRENT has been replaced."""

    def __init__(self, library: Library | None = None, serving: Serving | None = None) -> None:
        self.serving = serving
        self.library = library
        self._seen = _seen(library, serving)
        self._opening = asyncio.Lock()

    async def catch_up(self) -> None:
        """Serves what CURRENT names, if that is new; else, or where it cannot be opened, goes on
        as before."""
        async with self._opening:
            stamp = _stamp(self.library)
            if self.library is not None and stamp != self._seen:
                self._seen = stamp
                await self._open(self.library)

    async def follow(self, seconds: float) -> None:
        """Catches up every so many seconds, until it is cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await self.catch_up()

    async def _open(self, library: Library) -> None:
        try:
            serving = await asyncio.to_thread(library.open)
        except RagError as error:
            log.error("%s: %s", _refusal(self.serving), error)
        except Exception:
            # Nobody waits for this task: what it dies of would be seen by no one.
            log.exception("%s", _refusal(self.serving))
        else:
            if self.serving is None or serving.snapshot.id == answering(library.index):
                self.serving = serving
            else:
                log.error("%s: what CURRENT names is damaged", _refusal(self.serving))


def _refusal(serving: Serving | None) -> str:
    if serving is None:
        return "no index is served"
    return f"the new index is not served, {serving.snapshot.id} goes on"


def _stamp(library: Library | None) -> Stamp:
    """The stamp of CURRENT; None where there is none."""
    try:
        found = None if library is None else (library.index / CURRENT).stat()
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_mtime_ns)


def _seen(library: Library | None, serving: Serving | None) -> Stamp:
    """The stamp of the CURRENT by which the serving was opened, or `UNSEEN`."""
    stamp = _stamp(library)
    named = None if library is None else answering(library.index)
    return stamp if serving is not None and serving.snapshot.id == named else UNSEEN
