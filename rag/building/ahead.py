"""Cuts and encodes documents while others are still being read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from rag.building.encode import BATCH, write_vectors
from rag.building.journal import Journal
from rag.building.reuse import Content, Cuts, content_of
from rag.building.split import cut
from rag.encoders import Encoder
from rag.types import FaqPolicy, ParsedDocument, silent

# So many batches wait for the encoder; then reading waits.
WAITING = 4


class Ahead:
    """Takes documents as they are read; a thread encodes their passages, a batch at a time.

    At the end of a `with`, what was taken is in the journal, but for less than a batch. `opened`
    gives the journal when the first batch is full. `cuts` are those of the documents, by id.
    """

    def __init__(self, encoder: Encoder, faq: FaqPolicy, opened: Callable[[], Journal]) -> None:
        self.cuts: dict[str, Cuts] = {}
        self._encoder, self._faq, self._opened = encoder, faq, opened
        self._left: list[Content] = []
        self._running: deque[Future[None]] = deque()
        self._thread = ThreadPoolExecutor(1, "encode")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=kind is not None)
        if kind is None:
            self._wait(0)

    def take(self, parsed: ParsedDocument) -> None:
        """Cuts a document, and has full batches encoded. Raises what the encoder raised before."""
        cuts = self.cuts[parsed.document.id] = cut(parsed, self._encoder, self._faq)
        self._left += map(content_of, cuts.passages)
        while len(self._left) >= BATCH:
            batch, self._left = self._left[:BATCH], self._left[BATCH:]
            work = (list(dict.fromkeys(batch)), self._encoder, self._opened(), "", silent)
            self._running.append(self._thread.submit(write_vectors, *work))
            self._wait(WAITING)

    def _wait(self, most: int) -> None:
        """Waits until so many batches are left."""
        while len(self._running) > most:
            self._running.popleft().result()
