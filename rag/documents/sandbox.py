"""Parses files in child processes that have bounds of time and memory, several at once.

    parent: opens the file -> bytes -> [ child: parse ] -> JSON -> ParsedFile

If a child takes too long, needs too much memory or crashes, only its file is refused, with the
reason, and a new child reads the next one. Children are started when files come. A child inherits
no environment and dies with the parent; `confine` says what it may not do. Nothing is pickled: its
replies are checked as they are read.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Self, TypeVar

import msgspec

from rag.documents.boxes import unpacked
from rag.documents.channel import number, receive, send, send_number
from rag.documents.confine import confine, limit
from rag.documents.cores import processors
from rag.documents.formats import is_pdf
from rag.documents.parse import NO_DIGESTS, Digests, Parse, ParsedFile, load_readers, parse
from rag.types.errors import CorpusError, RagError
from rag.types.import_path import import_path

MB = 1 << 20
START_SECONDS = 60.0
# Waiting is bounded too: a child may have to share its processor with others.
PATIENCE = 5.0
# A child that has grown so far is replaced, so that no file pays for the one before it.
GROWN_MB = 256
OUT_OF_MEMORY = 70
READY = b"ready"
# Seconds to wait for a child that is busy before another is started, which takes as long.
BUSY_SECONDS = 0.3
# How many results each worker may finish while an earlier file is still being read.
AHEAD = 8
# More pages than one for this many bytes do not raise the bounds.
PAGE_BYTES = 500

# What an interpreter may need to find its own files.
_INTERPRETER = ("PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_CODE = "from rag.documents.sandbox import parse_requests; parse_requests()"

Item = TypeVar("Item")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the child may take for a file: a base, and more for each megabyte and page."""

    seconds: float = 20
    seconds_per_mb: float = 2
    seconds_per_page: float = 0.05
    memory_mb: float = 1024
    memory_mb_per_mb: float = 16
    answer_mb: float = 64
    answer_mb_per_mb: float = 8

    def of(self, size: int) -> Bounds:
        """The bounds of a file of that many bytes."""
        more = size / MB
        return Bounds(
            seconds=self.seconds + more * self.seconds_per_mb,
            seconds_per_page=self.seconds_per_page,
            memory_mb=self.memory_mb + more * self.memory_mb_per_mb,
            answer_mb=self.answer_mb + more * self.answer_mb_per_mb,
        )

    def for_pages(self, pages: int, size: int) -> float:
        """The seconds that the pages of a PDF of that many bytes add."""
        return self.seconds_per_page * min(pages, size // PAGE_BYTES)


@dataclass(frozen=True, slots=True)
class ParseRequest:
    """What the child is asked: how to parse the bytes that follow, and within which bounds."""

    document_id: str
    known: dict[str, str]
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Reply:
    """What the child found, or why it refuses the file; `is_spent` says that it ends now."""

    file: ParsedFile | None
    refusal: str = ""
    is_spent: bool = False


_ENCODER = msgspec.json.Encoder()
_REQUEST = msgspec.json.Decoder(ParseRequest)
_REPLY = msgspec.json.Decoder(Reply)


class Cage:
    """Child processes that parse, each replaced whenever a file brings it down.

    `workers` of them read at the same time, by default one for each processor. It is closed at the
    end of a `with`. `code` is what a child runs.
    """

    def __init__(
        self,
        bounds: Bounds = Bounds(),
        code: str = _CODE,
        workers: int = 0,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self._bounds = bounds
        self._busy_seconds = busy_seconds
        self._code = code
        self._workers = workers or processors()
        # The system ends a child with the thread that started it, so these threads stay.
        self._threads = ThreadPoolExecutor(self._workers, "cage")
        self._children: set[_Child] = set()
        self._idle: LifoQueue[_Child] = LifoQueue()
        # How many children there are or will be in a moment, and the most there have been.
        self._alive = self._most = 0
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self) -> None:
        """Starts a child, which takes a moment, while the caller does something else."""
        self._count(1)
        self._threads.submit(lambda: self._idle.put(self._child()))

    def parse(self, document_id: str, raw: bytes, known: Digests = NO_DIGESTS) -> ParsedFile:
        """What `rag.documents.parse` returns. Raises CorpusError, also if the file is too much.

        Raises RagError if no child can be started.
        """
        return self._threads.submit(self._parse, document_id, raw, known).result()

    def each(self, read: Callable[[Item, Parse], Out], items: Iterable[Item]) -> Iterator[Out]:
        """What `read` returns for each item and a function that parses in a child, in order."""
        waiting: deque[Future[Out]] = deque()
        try:
            for item in items:
                waiting.append(self._threads.submit(read, item, self._parse))
                if len(waiting) >= AHEAD * self._workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()

    def close(self) -> None:
        """Ends the children and what they are doing."""
        self._is_closed = True
        for child in list(self._children):
            child.kill()
        self._threads.shutdown(cancel_futures=True)
        for child in self._children:
            child.end()
        self._children.clear()

    def _parse(self, document_id: str, raw: bytes, known: Digests = NO_DIGESTS) -> ParsedFile:
        bounds = self._bounds.of(len(raw))
        request = _ENCODER.encode(ParseRequest(document_id, dict(known), bounds))
        child = self._free()
        try:
            reply = child.ask(request, raw, bounds)
        except BaseException:
            self._drop(child)
            raise
        if reply.is_spent:
            self._drop(child)
        else:
            self._idle.put(child)
        if reply.file is None:
            raise CorpusError(reply.refusal)
        return reply.file

    def _free(self) -> _Child:
        """A child that has nothing to do; there are no more of them than threads."""
        # One that is gone is replaced at once.
        waits = self._alive and self._alive >= self._most
        with suppress(Empty):
            return self._idle.get(timeout=self._busy_seconds if waits else 0)
        self._count(1)
        return self._child()

    def _child(self) -> _Child:
        """A new child, of this thread."""
        if self._is_closed:
            raise RagError("the process that reads documents has been closed; open another")
        child = _Child(self._code)
        self._children.add(child)
        if self._is_closed:
            child.kill()
        return child

    def _count(self, more: int) -> None:
        self._alive += more
        self._most = max(self._most, self._alive)

    def _drop(self, child: _Child) -> None:
        self._count(-1)
        self._children.discard(child)
        child.end()


class _Child:
    """The process and the channel to it."""

    def __init__(self, code: str) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-B", "-P", "-c", code],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=environment(),
            )
        try:
            if receive(self._channel, len(READY), time.monotonic() + START_SECONDS) != READY:
                raise EOFError
        except (OSError, EOFError) as error:
            self.end()
            raise RagError(
                f"the process that reads documents did not start (exit code"
                f" {self._process.returncode}): see the message above, if there is one, and check"
                " that a process may be started and has memory"
            ) from error

    def ask(self, request: bytes, raw: bytes, bounds: Bounds) -> Reply:
        """The child's reply. Raises CorpusError if none comes within the bounds."""
        seconds = bounds.seconds
        until = time.monotonic() + seconds * PATIENCE
        try:
            send(self._channel, request, raw, until=until)
            if is_pdf(raw):
                more = bounds.for_pages(number(self._channel, until), len(raw))
                seconds, until = seconds + more, until + more * PATIENCE
            size = number(self._channel, until)
            if size > bounds.answer_mb * MB:
                raise _refusal(
                    "parse_limit", f"gave over {bounds.answer_mb:.0f} MB of text and marks"
                )
            return _checked(_REPLY.decode(receive(self._channel, size, until)))
        except TimeoutError as error:
            waited = seconds * PATIENCE
            raise _refusal("parse_timeout", f"took over {waited:.0f} s to read") from error
        except ValueError as error:
            raise _refusal("parse_crashed", "gave no valid result when read") from error
        except (OSError, EOFError) as error:
            raise _refusal(*_death(self._process, seconds, bounds)) from error

    def kill(self) -> None:
        """Kills the process; `ask` fails at once if it waits for the reply."""
        self._process.kill()

    def end(self) -> None:
        """Kills the process and waits until it is gone."""
        self._channel.close()
        self._process.kill()
        self._process.wait()


def parse_requests(parse: Parse = parse) -> None:
    """The child: parses what comes in on stdin until that is closed."""
    channel = socket.socket(fileno=0)
    load_readers()
    confine()
    channel.sendall(READY)
    # The parent has gone; whatever else fails is an error.
    with suppress(EOFError, ConnectionError):
        while True:
            request = _REQUEST.decode(receive(channel, number(channel)))
            raw = receive(channel, number(channel))
            _bound(channel, request.bounds, raw)
            send(channel, _ENCODER.encode(_reply(parse, request, raw)))


def _bound(channel: socket.socket, bounds: Bounds, raw: bytes) -> None:
    """Limits processor time and memory from now on; tells the parent how many pages a PDF has."""
    end = int(time.process_time() + bounds.seconds) + 1
    limit(resource.RLIMIT_CPU, end)
    limit(resource.RLIMIT_AS, int(bounds.memory_mb * MB))
    if is_pdf(raw):
        # Late, as the others: it loads the library.
        from rag.documents.readers.pdf import page_count

        pages = page_count(raw)
        limit(resource.RLIMIT_CPU, end + int(bounds.for_pages(pages, len(raw))))
        send_number(channel, pages)


def _reply(parse: Parse, request: ParseRequest, raw: bytes) -> Reply:
    try:
        file, refusal = parse(request.document_id, raw, request.known), ""
    except CorpusError as error:
        file, refusal = None, str(error)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        # Whatever a parser raises is about this file; the others are still to be read.
        file, refusal = (
            None,
            f"parse_crashed: the reader failed ({ascii(error)!s:.200}); report this file",
        )
    return Reply(file, refusal, is_spent=_address_space() > GROWN_MB * MB)


def _address_space() -> int:
    """The bytes that count against RLIMIT_AS now; 0 if the system does not say."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 0


def environment() -> dict[str, str]:
    """The same interpreter and modules as here, and nothing else."""
    needed = {name: os.environ[name] for name in _INTERPRETER if name in os.environ}
    return {**needed, "PYTHONPATH": import_path(sys.path), "LC_ALL": "C.UTF-8"}


def _checked(reply: Reply) -> Reply:
    """The reply, if its blocks, places and words lie in their texts in order; else ValueError."""
    for parsed in reply.file.documents if reply.file else ():
        document, end = parsed.document, 0
        for block in parsed.blocks:
            if not end <= block.start <= block.end <= len(document.text):
                raise ValueError(block)
            end = block.end
        for parts in (document.places, document.words):
            starts = [0, *(part.start for part in parts), len(document.text)]
            if starts != sorted(starts):
                raise ValueError(starts)
        for page in document.words:
            unpacked(page.words)
    return reply


def _death(process: subprocess.Popen[bytes], seconds: float, bounds: Bounds) -> tuple[str, str]:
    """Why the child is gone: a code, and what that says about the file."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    code = process.returncode
    if code == -signal.SIGXCPU:
        return "parse_timeout", f"took over {seconds:.0f} s to read"
    if code in (OUT_OF_MEMORY, -signal.SIGKILL):
        return "parse_limit", f"needed over {bounds.memory_mb:.0f} MB of memory to read"
    return "parse_crashed", f"crashed its reader ({_signal(code)})"


def _signal(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


def _refusal(code: str, what: str) -> CorpusError:
    return CorpusError(f"{code}: the file {what}; split it, convert it or remove it")
