"""The server: the address it listens on, how it ends, and what it says when it starts."""

from __future__ import annotations

import asyncio
import errno
import functools
import json
import logging
import os
import resource
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from rag.errors import BusyError, UsageError
from rag.index import Snapshot
from rag.text import counted
from rag.web.connection import Connection, Limits
from rag.web.edge import is_loopback

log = logging.getLogger("rag.web.server")

# What may wait to be accepted, and how many are accepted before any of them is looked at.
BACKLOG = 1024
BURST = 8
# Files, pipes and sockets that the process needs beside its clients' connections; among them some
# bursts, as a connection that makes room for another one is closed two rounds of the loop later.
RESERVED = 64
MAX_CONNECTIONS = 512
FEWEST_CONNECTIONS = 8

# Longer than any header that the edge lets through.
MAX_HEADER_BUFFER = 64 * 1024

# How long what is being answered may take when the service is told to end, in seconds; and how long
# ending may take once it has been told twice.
GRACE = 10.0
FORCED = 1.0

# Seconds after which a thread that computes lets another one run. Python's own 5 ms, several times
# a request, would let a probe wait for 50 ms.
SWITCH = 0.0005
# Seconds between two messages that no further connection can be accepted.
SAID_AGAIN = 60.0


class Server(uvicorn.Server):
    """uvicorn's server, with an end: SIGTERM is a regular one, with exit code 0.

    What is being answered then has `grace` seconds.
    """

    def __init__(self, config: uvicorn.Config, grace: float) -> None:
        super().__init__(config)
        self.grace = grace

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins to end; told a second time, it ends at once."""
        if self.should_exit:
            self.force_exit = True
            # A thread that is computing would be waited for.
            end = threading.Timer(FORCED, os._exit, (128 + sig,))
            end.daemon = True
            end.start()
        elif sig == signal.SIGTERM:
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen: asyncio accepts as many at a time as may wait, which is too many."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends; who does not read the answer is not waited for any longer than for others."""
        dropping = asyncio.get_running_loop().call_later(self.grace, self._drop)
        await super().shutdown(sockets)
        if self.force_exit:
            # uvicorn leaves this out, and a cancelled application reports a traceback.
            await self.lifespan.shutdown()
        dropping.cancel()
        self._drop()

    def _drop(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


@contextmanager
def ended_quietly() -> Iterator[None]:
    """While it lasts, SIGTERM ends the process with exit code 0, as it ends a server that runs."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class OneLine(logging.Formatter):
    """A record as text in which nothing can pass for another record.

    What a client sent may be in a message or, further down, in an exception.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record, each line after the first indented, control characters escaped."""
        first, *others = super().format(record).split("\n")
        return "\n".join([_shown(first), *("    " + _shown(line) for line in others)])

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The message, which is one line."""
        return super().formatMessage(record).replace("\n", "\\n")


def _shown(line: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"one_line": {"()": OneLine, "fmt": "%(levelname)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "one_line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}


def server_of(app: ASGIApp, limits: Limits | None = None, grace: float = GRACE) -> Server:
    """The server that runs the application: one process, its requests not logged."""
    connection = functools.partial(Connection, limits=limits or limits_of())
    config = uvicorn.Config(
        app,
        http=cast(type[asyncio.Protocol], connection),
        ws="none",
        backlog=BURST,
        log_config=LOGGING,
        # A stranger's bad request is no warning.
        log_level="error",
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=MAX_HEADER_BUFFER,
        timeout_graceful_shutdown=int(grace) + 5,
    )
    return Server(config, grace)


def limits_of() -> Limits:
    """The limits of this process: as many connections as leave it the descriptors it needs."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else soft - RESERVED
    return Limits(connections=max(FEWEST_CONNECTIONS, min(MAX_CONNECTIONS, free)))


def prepare(loop: asyncio.AbstractEventLoop) -> None:
    """Prepares the process to serve, whatever server runs it: short waits, and a log that lasts."""
    sys.setswitchinterval(SWITCH)
    loop.set_exception_handler(sparing(loop.time))


def sparing(
    now: Callable[[], float],
) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """asyncio's own handling of errors, but for want of descriptors, which is said once a minute.

    asyncio says it thousands of times a second, each time with a traceback.
    """
    said = -SAID_AGAIN

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal said
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in (errno.EMFILE, errno.ENFILE):
            loop.default_exception_handler(context)
        elif now() - said >= SAID_AGAIN:
            said = now()
            log.error("no connection can be accepted (%s): raise `ulimit -n`", error.strerror)

    return handle


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises BusyError, UsageError."""
    if not is_loopback(host):
        raise UsageError(
            f"{host} can be reached from other machines, and the service has no keys yet: bind "
            "127.0.0.1, and let others in by a reverse proxy on this machine or an SSH tunnel"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            fix = "stop what runs there, or choose another port by RAG_PORT"
            raise BusyError(f"port {port} is in use: {fix}") from error
        fix = "choose another --host or --port"
        raise UsageError(f"cannot listen on {host}:{port} ({error.strerror}): {fix}") from error
    # asyncio sends at once, without Nagle's delay, only where the socket says that it is TCP.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, listener.detach())


def greeting(snapshot: Snapshot, host: str, port: int) -> str:
    """Where to go, and a question to ask there, taken from the index."""
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    paths = [s.heading_path for s in snapshot.sections.values() if s.kind == "faq"]
    paths += [s.heading_path for s in snapshot.sections.values() if s.heading_path]
    question = paths[0][-1] if paths else "What is this?"
    counts = snapshot.manifest.counts
    return (
        f"{counted(counts.documents, 'document')}, {counted(counts.passages, 'passage')} "
        f"at {address}\n"
        f"{example(address, question)}"
    )


def example(address: str, question: str) -> str:
    """A command line that asks the question there."""
    body = json.dumps({"question": question}, ensure_ascii=False)
    return f"curl -s {address}/ask -H 'content-type: application/json' -d {shlex.quote(body)}"
