"""What the service answers from, and how it keeps up with the index folder."""

from __future__ import annotations

import asyncio
import errno
import functools
import gc
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from rag.answering import ask
from rag.encoders import Encoder
from rag.errors import CorruptIndex, RagError
from rag.index import MAPPED, Snapshot
from rag.store import (
    CURRENT,
    Damage,
    Version,
    damage,
    live_id,
    open_newest,
    roll_back,
    utc_now,
    writing,
)
from rag.types import Answer

log = logging.getLogger("rag.serving.live")

# What tells one CURRENT from the next, even where a rebuild gave the same id: inode and time.
Stamp = tuple[int, int] | None
UNSEEN: Stamp = (-1, -1)

# Seconds between two megabytes that are read to verify them: at most 100 MB a second.
PAUSE = 0.01
_END = Damage("", "")


@dataclass(frozen=True)
class Serving:
    """What answers: a snapshot, and `rag.answering.answer.ask` over it. Requests read it once each.

    `refused` is why something else does not answer, though it should; `damage` what was wrong with
    the snapshot's files on disk when they were last `verified`. Neither tells where the index is.
    """

    snapshot: Snapshot
    ask: Callable[..., Answer]
    refused: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    verified: datetime | None = None


@contextmanager
def long_lived() -> Iterator[None]:
    """Leaves what is made meanwhile out of garbage collection.

    Else each full collection goes through a whole snapshot, several times while it is loaded, and
    nothing is answered meanwhile. A snapshot that is replaced is freed all the same, as nothing in
    it is circular; what else was made and is circular is collected here.
    """
    gc.disable()
    try:
        yield
        gc.collect(0)
        gc.freeze()
    finally:
        gc.enable()


class Library:
    """An index folder and the one encoder that reads it, opened when it is first needed."""

    def __init__(
        self, index: Path, opening: Callable[[], Encoder], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.index = index
        self.clock = clock
        self._opening = opening

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder. Raises ModelError."""
        return self._opening()

    def open(self) -> Serving:
        """The current snapshot, ready to answer. Raises RagError."""
        with long_lived():
            opened = open_newest(self.index, self.encoder)
            opened.snapshot.make_lookups()
        for refusal in opened.refused:
            log.warning("%s; %s is live instead", refusal, opened.snapshot.id)
        return Serving(
            opened.snapshot,
            functools.partial(ask, opened.snapshot, self.encoder),
            refused=tuple(self.unplaced(refusal) for refusal in opened.refused),
            verified=self.clock(),
        )

    def unplaced(self, message: str) -> str:
        """The message without the place of the index, for those who may not know it."""
        for place in {str(self.index), str(self.index.absolute()), str(self.index.resolve())}:
            # A place may be as short as a dot: only as a whole path it is one.
            within = rf"(?<![\w./-]){re.escape(place)}"
            message = re.sub(rf"{within}/(?=[\w.])", "", message)
            message = re.sub(rf"{within}(?![\w./-])", "the index", message)
        return message

    def roll_back(self, id: str | None) -> Version:
        """The version by which an older snapshot answers again. Raises RagError."""
        with writing(self.index):
            return roll_back(self.index, self.encoder, id)


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

    async def recheck(self) -> None:
        """Verifies the served snapshot's files again; what is wrong is logged and shown.

        Where answers may be wrong too, the newest snapshot that is whole answers from now on, or
        nothing does.
        """
        library, serving = self.library, self.serving
        if library is None or serving is None:
            return
        found, harmful = await _reread(library.index / serving.snapshot.id, serving.snapshot)
        await self.catch_up()
        async with self._opening:
            now = self.serving
            # A build may have replaced, and so removed or repaired, what was being read.
            if now is None or now.snapshot is not serving.snapshot:
                return
            self.serving = replace(now, damage=found, verified=library.clock())
            if found:
                log.error("%s is served and damaged: %s", now.snapshot.id, "; ".join(found))
            if harmful:
                await self._retreat(library)

    async def retreat(self, serving: Serving, found: CorruptIndex) -> Serving | None:
        """What answers from now on, as `serving` was found to be altered; None if nothing can."""
        async with self._opening:
            now = self.serving
            if self.library is not None and now is not None and now.snapshot is serving.snapshot:
                log.error("%s is served and damaged: %s", now.snapshot.id, found)
                await self._retreat(self.library)
            return self.serving

    async def recheck_every(self, seconds: float) -> None:
        """Verifies every so many seconds, until it is cancelled."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.recheck()
            except Exception:
                log.exception("what is served cannot be verified")

    async def _open(self, library: Library) -> None:
        try:
            serving = await asyncio.to_thread(library.open)
        except RagError as error:
            log.error("%s: %s", _refusal(self.serving), error)
            self._go_on(library.unplaced(str(error)))
        except Exception:
            # Nobody waits for this task: what it dies of would be seen by no one.
            log.exception("%s", _refusal(self.serving))
            self._go_on("the new index cannot be opened; the log tells more")
        else:
            if self.serving is None or serving.snapshot.id == live_id(library.index):
                self.serving = serving
            else:
                log.error("%s: what CURRENT names is damaged", _refusal(self.serving))
                self._go_on(*serving.refused)

    def _go_on(self, *refused: str) -> None:
        if self.serving is not None:
            self.serving = replace(self.serving, refused=refused)

    async def _retreat(self, library: Library) -> None:
        """Opens the index as at a start: the damaged snapshot is refused, an older one answers."""
        try:
            self.serving = await asyncio.to_thread(library.open)
        except RagError as error:
            self.serving = None
            log.error("%s: %s", _refusal(None), error)


async def _reread(folder: Path, snapshot: Snapshot) -> tuple[tuple[str, ...], bool]:
    """What is wrong with the files on disk, and whether what is in memory may be wrong too.

    A megabyte at a time, so that questions do not wait. Only `MAPPED` is not held in memory.
    """
    found: list[Damage] = []
    failing = False
    steps = damage(folder, snapshot.manifest, fresh=True)
    try:
        while (step := await asyncio.to_thread(next, steps, _END)) is not _END:
            found += [step] if step else []
            await asyncio.sleep(PAUSE)
    except OSError as error:
        failing = error.errno == errno.EIO
        found.append(Damage(folder.name, f"cannot be read ({error.strerror})"))
    said = tuple(f"{each.name} {each.what}" for each in found)
    return said, failing or any(each.name == MAPPED for each in found)


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
    named = None if library is None else live_id(library.index)
    return stamp if serving is not None and serving.snapshot.id == named else UNSEEN
