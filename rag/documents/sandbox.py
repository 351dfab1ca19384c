"""Parses files in a child process that has bounds of time and memory.

    parent: opens the file -> bytes -> [ child: parse ] -> JSON -> ParsedFile

What a file costs, it costs itself alone: if the child takes too long, needs too much memory or
crashes, that file is refused with the reason and a new child reads the next one. The child is
started when the first file comes. It opens no file, inherits no environment, and dies with the
parent. Nothing is pickled: what the child answers is checked as it is read.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter

from rag.documents.boxes import unpacked
from rag.documents.corpus import ParsedFile
from rag.documents.parse import NO_DIGESTS, Digests, Parse, parse
from rag.errors import CorpusError, RagError

MB = 1 << 20
START_SECONDS = 60.0
# Waiting is bounded too: a child may have to share its processor with others.
PATIENCE = 5.0
# A child that has grown so far is replaced, so that no file pays for the one before it.
GROWN_MB = 256
OUT_OF_MEMORY = 70
# Standard streams and the channel, and a few for modules that are loaded late.
DESCRIPTORS = 16
READY = b"ready"

# What an interpreter may need to find its own files.
_INTERPRETER = ("PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_CODE = "from rag.documents.sandbox import serve; serve()"
_LENGTH = struct.Struct(">Q")
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the child may take for a file: so much for any, and so much more for each megabyte."""

    seconds: float = 20
    seconds_per_mb: float = 2
    memory_mb: float = 1024
    memory_mb_per_mb: float = 16
    answer_mb: float = 64
    answer_mb_per_mb: float = 8

    def of(self, size: int) -> Bounds:
        """The bounds of a file of that many bytes."""
        more = size / MB
        return Bounds(
            seconds=self.seconds + more * self.seconds_per_mb,
            memory_mb=self.memory_mb + more * self.memory_mb_per_mb,
            answer_mb=self.answer_mb + more * self.answer_mb_per_mb,
        )


@dataclass(frozen=True, slots=True)
class Request:
    """What the child is asked: how to parse the bytes that follow, and within which bounds."""

    document_id: str
    known: dict[str, str]
    seconds: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What the child found, or why it refuses the file; `is_spent` says that it ends now."""

    file: ParsedFile | None
    refusal: str = ""
    is_spent: bool = False


_REQUEST = TypeAdapter(Request)
_REPLY = TypeAdapter(Reply)


class Cage:
    """A child process that parses, replaced whenever a file brings it down.

    It is used by one thread, which outlives it, and is closed at the end of a `with`. `code` is
    what the child runs.
    """

    def __init__(self, bounds: Bounds = Bounds(), code: str = _CODE) -> None:
        self._bounds = bounds
        self._code = code
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def parse(self, document_id: str, raw: bytes, known: Digests = NO_DIGESTS) -> ParsedFile:
        """What `rag.documents.parse` returns. Raises CorpusError, also if the file is too much.

        Raises RagError if no child can be started.
        """
        bounds = self._bounds.of(len(raw))
        request = Request(document_id, dict(known), bounds.seconds, bounds.memory_mb)
        self._child = child = self._child or _Child(self._code)
        try:
            reply = child.ask(_REQUEST.dump_json(request), raw, bounds)
        except BaseException:
            self.close()
            raise
        if reply.is_spent:
            self.close()
        if reply.file is None:
            raise CorpusError(reply.refusal)
        return reply.file

    def close(self) -> None:
        """Ends the child, if there is one."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """The process and the channel to it."""

    def __init__(self, code: str) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", code],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=_environment(),
            )
        try:
            if _receive(self._channel, len(READY), time.monotonic() + START_SECONDS) != READY:
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
        until = time.monotonic() + bounds.seconds * PATIENCE
        try:
            for part in (request, raw):
                _send(self._channel, part, until)
            size = _size(self._channel, until)
            if size > bounds.answer_mb * MB:
                raise _refusal(
                    "parse_limit", f"gave over {bounds.answer_mb:.0f} MB of text and marks"
                )
            return _checked(_REPLY.validate_json(_receive(self._channel, size, until), strict=True))
        except TimeoutError as error:
            waited = bounds.seconds * PATIENCE
            raise _refusal("parse_timeout", f"took over {waited:.0f} s to read") from error
        except ValueError as error:
            raise _refusal("parse_crashed", "gave no valid result when read") from error
        except (OSError, EOFError) as error:
            raise _refusal(*_death(self._process, bounds)) from error

    def end(self) -> None:
        """Kills the process, whatever it does, and waits until it is gone."""
        self._channel.close()
        self._process.kill()
        self._process.wait()


def serve(parse: Parse = parse) -> None:
    """The child: parses what comes in on stdin until that is closed."""
    channel = socket.socket(fileno=0)
    _confine()
    channel.sendall(READY)
    with suppress(EOFError, OSError):
        while True:
            request = _REQUEST.validate_json(_receive(channel, _size(channel)), strict=True)
            raw = _receive(channel, _size(channel))
            _limit(resource.RLIMIT_CPU, int(time.process_time() + request.seconds) + 1)
            _limit(resource.RLIMIT_AS, int(request.memory_mb * MB))
            _send(channel, _REPLY.dump_json(_reply(parse, request, raw)))


def _reply(parse: Parse, request: Request, raw: bytes) -> Reply:
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


def _confine() -> None:
    """Gives up what a parser has no use for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # Should the system run out of memory, this process goes first.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, DESCRIPTORS),
    ):
        _limit(what, most)
    # What started is quiet from now on: a library's remarks hold whatever the file holds.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _limit(what: int, most: int) -> None:
    """Sets a soft limit, or the hard one if that is lower."""
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _environment() -> dict[str, str]:
    """The same interpreter and modules as here, and nothing else."""
    needed = {name: os.environ[name] for name in _INTERPRETER if name in os.environ}
    return {**needed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LC_ALL": "C.UTF-8"}


def _send(channel: socket.socket, content: bytes, until: float | None = None) -> None:
    for part in (_LENGTH.pack(len(content)), content):
        channel.settimeout(_left(until))
        channel.sendall(part)


def _size(channel: socket.socket, until: float | None = None) -> int:
    size: int = _LENGTH.unpack(_receive(channel, _LENGTH.size, until))[0]
    return size


def _receive(channel: socket.socket, size: int, until: float | None = None) -> bytes:
    """So many bytes. Raises EOFError if the other end closes before, and TimeoutError."""
    content = bytearray()
    while len(content) < size:
        channel.settimeout(_left(until))
        part = channel.recv(min(size - len(content), MB))
        if not part:
            raise EOFError
        content += part
    return bytes(content)


def _left(until: float | None) -> float | None:
    """The seconds that are left. Raises TimeoutError if none are."""
    if until is None:
        return None
    if (left := until - time.monotonic()) <= 0:
        raise TimeoutError
    return left


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


def _death(process: subprocess.Popen[bytes], bounds: Bounds) -> tuple[str, str]:
    """Why the child is gone: a code, and what that says about the file."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    code = process.returncode
    if code == -signal.SIGXCPU:
        return "parse_timeout", f"took over {bounds.seconds:.0f} s to read"
    if code in (OUT_OF_MEMORY, -signal.SIGKILL):
        return "parse_limit", f"needed over {bounds.memory_mb:.0f} MB of memory to read"
    return "parse_crashed", f"crashed its reader ({_signal(code)})"


def _signal(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


def _refusal(code: str, what: str) -> CorpusError:
    return CorpusError(f"{code}: the file {what}; split it, convert it or remove it")
