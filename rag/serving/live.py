"""The live index, and how it follows the index folder."""

from __future__ import annotations

import asyncio
import errno
import functools
import gc
import logging
import math
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rag.answering import ask, rerank, support
from rag.encoders import Encoder
from rag.index import MAPPED, Snapshot, check_parts
from rag.serving.board import Board
from rag.serving.heap import give_back_memory
from rag.store import (
    CURRENT,
    Damage,
    Version,
    damage,
    live_id,
    open_newest,
    roll_back,
    utc_now,
)
from rag.types import Answer, Passage, Support
from rag.types.errors import CorruptIndex, RagError, SystemLimit
from rag.types.system_limits import limits_named, system_limit

if TYPE_CHECKING:
    from rag.building import Sees

log = logging.getLogger("rag.serving.live")

# Tells one CURRENT from the next, even if a rebuild gave the same id: inode and time.
Stamp = tuple[int, int] | None
UNSEEN: Stamp = (-1, -1)

# An index of more bytes is served before its checksums are verified.
AT_ONCE = 1 << 26
# Seconds between two megabytes that are read to verify them: at most 100 MB a second.
PAUSE = 0.01
# Seconds until an index for which descriptors or memory were missing is opened again.
AGAIN = 10.0
_END = Damage("", "")


@dataclass(frozen=True)
class Serving:
    """What is live: a snapshot, and `ask`, `rerank` and `support` of `rag.answering` over it. A
    request reads it once.

    `refused` says why a newer snapshot is not live; `damage` what was wrong with the snapshot's
    files on disk when they were last `verified`, None until they are. Neither contains the path of
    the index. `limited` gives the same of the documents that may be seen alone. `opened` is another
    object each time: a snapshot that was damaged and is repaired has the same id.
    """

    snapshot: Snapshot
    ask: Callable[..., Answer]
    rerank: Callable[[str, Sequence[str]], list[float]] | None = None
    support: Callable[[str, Sequence[Passage]], Support] | None = None
    refused: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    verified: datetime | None = None
    limited: Callable[[Sees], Serving] | None = None
    opened: object = field(default_factory=object)


@contextmanager
def long_lived(again: bool) -> Iterator[None]:
    """Leaves the objects that are made meanwhile out of garbage collection.

    Otherwise each full collection scans the whole snapshot, several times while it is loaded, and
    all requests wait. A snapshot that is replaced is still freed, as it contains no reference
    cycles. Other objects that were frozen with the last one are collected when it is done `again`,
    once a swap.
    """
    gc.disable()
    try:
        yield
        if again:
            gc.unfreeze()
            gc.collect()
        gc.freeze()
        give_back_memory()
    finally:
        gc.enable()


class IndexFolder:
    """An index folder and the one encoder that reads it, which is opened when first needed."""

    def __init__(
        self,
        path: Path,
        opening: Callable[[], Encoder],
        clock: Callable[[], datetime] = utc_now,
        at_once: int = AT_ONCE,
    ) -> None:
        self.path = path
        self._at_once = at_once
        self.clock = clock
        self._opening = opening
        self._opened = False

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder. Raises ModelError."""
        return self._opening()

    def open(self, *, verified: bool = False) -> Serving:
        """The current snapshot, ready to be asked. Raises RagError.

        If it is large, its checksums are not compared, unless it has to be `verified`.
        """
        at_once = None if verified else self._at_once
        with long_lived(again=self._opened):
            opened = open_newest(self.path, self.encoder, at_once)
        self._opened = True
        for refusal in opened.refused:
            log.warning("%s; %s is live instead", refusal, opened.snapshot.id)
        return Serving(
            opened.snapshot,
            functools.partial(ask, opened.snapshot, self.encoder),
            functools.partial(rerank, opened.snapshot.manifest, self.encoder),
            functools.partial(support, opened.snapshot, self.encoder),
            refused=tuple(self.unplaced(refusal) for refusal in opened.refused),
            verified=self.clock() if opened.verified else None,
            limited=functools.partial(_limited, opened.snapshot, self.encoder),
        )

    def unplaced(self, message: str) -> str:
        """The message without the path of the index, which clients may not learn."""
        for place in {str(self.path), str(self.path.absolute()), str(self.path.resolve())}:
            # The path may be as short as a dot, so only whole paths are replaced.
            within = rf"(?<![\w./-]){re.escape(place)}"
            message = re.sub(rf"{within}/(?=[\w.])", "", message)
            message = re.sub(rf"{within}(?![\w./-])", "the index", message)
        return message

    def roll_back(self, id: str | None) -> Version:
        """The version by which an older snapshot is live again. Raises RagError."""
        return roll_back(self.path, self.encoder, id)


def _limited(snapshot: Snapshot, encoder: Encoder, sees: Sees) -> Serving:
    """What is live for somebody who sees some documents only. Raises CorruptIndex."""
    # Few keys are limited, and the code that builds is large.
    from rag.building import restricted

    snapshot.check()
    seen = restricted(snapshot, encoder, sees)
    return Serving(
        seen,
        functools.partial(ask, seen, encoder),
        functools.partial(rerank, seen.manifest, encoder),
        functools.partial(support, seen, encoder),
    )


class Live:
    """The live index: what is served now, replaced in one step when CURRENT is replaced."""

    def __init__(
        self,
        folder: IndexFolder | None = None,
        serving: Serving | None = None,
        board: Board | None = None,
        answered: Callable[[Answer], None] = lambda _: None,
        again: float = AGAIN,
    ) -> None:
        self.folder = folder
        self._pause = again
        self._board = board or Board()
        self._answered = answered
        self._serving: Serving | None = None
        self.serving = serving
        self._seen = _seen(folder, serving)
        self._again = math.inf
        self._opening = asyncio.Lock()

    @property
    def serving(self) -> Serving | None:
        """What is served now; None for nothing."""
        return self._serving

    @serving.setter
    def serving(self, serving: Serving | None) -> None:
        self._serving = serving and self._heard(serving)
        self._board.serve(serving.snapshot.id if serving else None)

    def _heard(self, serving: Serving) -> Serving:
        """The same, but `answered` hears each answer, also of those who see some documents only."""
        if self._serving is not None and serving.opened is self._serving.opened:
            return serving

        def ask_and_tell(*given: object, **named: object) -> Answer:
            answer = serving.ask(*given, **named)
            self._answered(answer)
            return answer

        limited = serving.limited
        heard = limited and (lambda sees: self._heard(limited(sees)))
        return replace(serving, ask=ask_and_tell, limited=heard)

    async def catch_up_together(self) -> None:
        """Catches up, and waits until the other workers have."""
        await self.catch_up()
        await self._board.agreed()

    async def catch_up(self) -> None:
        """Serves what CURRENT names, if that is new and can be opened."""
        async with self._opening:
            stamp = _stamp(self.folder)
            is_due = stamp != self._seen or time.monotonic() >= self._again
            if self.folder is not None and is_due:
                self._seen, self._again = stamp, math.inf
                await self._open(self.folder)

    async def follow(self, seconds: float) -> None:
        """Catches up at that interval until it is cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await self.catch_up()

    async def verify_new(self, seconds: float) -> None:
        """Looks at that interval for an index to verify, until it is cancelled.

        Beside `follow`: a large index takes minutes, and a newer one must not wait for that.
        """
        while True:
            if self.serving is not None and self.serving.verified is None:
                await self._recheck()
            await asyncio.sleep(seconds)

    async def recheck(self) -> None:
        """Verifies the served snapshot's files again; damage is logged and shown.

        If answers may be wrong too, the newest intact snapshot is live from now on, or none is.
        """
        folder, serving = self.folder, self.serving
        if folder is None or serving is None:
            return
        found, harmful = await _reread(folder.path / serving.snapshot.id, serving.snapshot)
        if serving.verified is None and not harmful:
            # It was opened without any check of its contents.
            parts = await _disagreement(serving.snapshot)
            found, harmful = found + parts, bool(parts)
        await self.catch_up()
        async with self._opening:
            now = self.serving
            # A build may have removed or repaired the files while they were read.
            if now is None or now.snapshot is not serving.snapshot:
                return
            self.serving = replace(now, damage=found, verified=folder.clock())
            if found:
                log.error("%s is served and damaged: %s", now.snapshot.id, "; ".join(found))
            if harmful:
                await self._retreat(folder)

    async def retreat(self, serving: Serving, found: CorruptIndex) -> Serving | None:
        """What is live from now on, as `serving` was found to be altered; None if nothing is."""
        async with self._opening:
            now = self.serving
            if self.folder is not None and now is not None and now.snapshot is serving.snapshot:
                log.error("%s is served and damaged: %s", now.snapshot.id, found)
                await self._retreat(self.folder)
            return self.serving

    async def recheck_every(self, seconds: float) -> None:
        """Verifies at about that interval until it is cancelled.

        The workers of a service do not read the files at the same time.
        """
        while True:
            await asyncio.sleep(seconds * random.uniform(0.5, 1))
            await self._recheck()

    async def _recheck(self) -> None:
        try:
            with limits_named():
                await self.recheck()
        except SystemLimit as error:
            log.error("what is served cannot be verified: %s", error)
        except Exception:
            log.exception("what is served cannot be verified")

    async def _open(self, folder: IndexFolder) -> None:
        try:
            with limits_named():
                serving = await asyncio.to_thread(folder.open)
                named = live_id(folder.path)
        except RagError as error:
            self._try_again_after(error)
            log.error("%s: %s", _refusal(self.serving), error)
            self._go_on(folder.unplaced(str(error)))
        except Exception:
            # Nobody awaits this task: without a log its failure would stay unseen.
            log.exception("%s", _refusal(self.serving))
            self._go_on("the new index cannot be opened; see the log")
        else:
            if self.serving is None or serving.snapshot.id == named:
                self.serving = serving
            else:
                log.error("%s: what CURRENT names is damaged", _refusal(self.serving))
                self._go_on(*serving.refused)

    def _try_again_after(self, error: RagError) -> None:
        if isinstance(error, SystemLimit):
            self._again = time.monotonic() + self._pause

    def _go_on(self, *refused: str) -> None:
        if self.serving is not None:
            self.serving = replace(self.serving, refused=refused)

    async def _retreat(self, folder: IndexFolder) -> None:
        """Opens the index, verified: a damaged snapshot is refused, and an older one opened."""
        try:
            with limits_named():
                self.serving = await asyncio.to_thread(folder.open, verified=True)
        except RagError as error:
            self._try_again_after(error)
            self.serving = None
            log.error("%s: %s", _refusal(None), error)


async def _reread(path: Path, snapshot: Snapshot) -> tuple[tuple[str, ...], bool]:
    """What is wrong with the files on disk, and whether answers may be wrong too.

    Reads a megabyte at a time, so that questions do not wait. Answers are read from the files
    `MAPPED`.
    """
    found: list[Damage] = []
    failing = False
    steps = damage(path, snapshot.manifest, fresh=True)
    try:
        while (step := await asyncio.to_thread(next, steps, _END)) is not _END:
            found += [step] if step else []
            await asyncio.sleep(PAUSE)
    except OSError as error:
        if system_limit(error):
            raise
        failing = error.errno == errno.EIO
        found.append(Damage(path.name, f"cannot be read ({error.strerror})"))
    said = tuple(f"{each.name} {each.what}" for each in found)
    return said, failing or any(each.name in MAPPED for each in found)


async def _disagreement(snapshot: Snapshot) -> tuple[str, ...]:
    """Why the parts of a snapshot do not agree, if so."""
    try:
        await asyncio.to_thread(check_parts, snapshot)
    except ValueError as error:
        return (f"{snapshot.id} cannot be read ({error})",)
    return ()


def _refusal(serving: Serving | None) -> str:
    if serving is None:
        return "no index is served"
    return f"the new index is not served, {serving.snapshot.id} goes on"


def _stamp(folder: IndexFolder | None) -> Stamp:
    """The stamp of CURRENT; None if there is none."""
    try:
        found = None if folder is None else (folder.path / CURRENT).stat()
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_mtime_ns)


def _seen(folder: IndexFolder | None, serving: Serving | None) -> Stamp:
    """The stamp of CURRENT if it names the snapshot that is served, or else `UNSEEN`."""
    stamp = _stamp(folder)
    named = None if folder is None else live_id(folder.path)
    return stamp if serving is not None and serving.snapshot.id == named else UNSEEN
