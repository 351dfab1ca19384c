"""The server of `rag serve`: its address, its greeting, its log and its end."""

from __future__ import annotations

import asyncio
import errno
import functools
import json
import logging
import math
import os
import resource
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from rag.index import Snapshot
from rag.text import counted
from rag.web.connection import Connection, Limits
from rag.web.ending import handled
from rag.web.listener import BACKLOG
from rag.web.unread import Admission

log = logging.getLogger("rag.web.server")

# How many connections are accepted at a time.
BURST = 8
# Descriptors that the process needs beside its clients' connections: 24 a snapshot, of which there
# are two or three while the index is replaced, and some bursts, as a connection that is closed to
# make room ends two rounds of the loop later.
RESERVED = 112
MAX_CONNECTIONS = 512
FEWEST_CONNECTIONS = 8

# More than the edge accepts.
MAX_HEADER_BUFFER = 64 * 1024

# Seconds that running requests have after the first signal to end, and all have after the second.
GRACE = 10.0
FORCED = 1.0
# Seconds in which a server that ends accepts what waits, and that each new connection then has to
# send its request: it may have come just before the signal.
ACCEPTING = 2.0
FIRST = 0.5
# Added to each response of a service that is about to end, so that clients come back elsewhere.
LAST = (b"connection", b"close")

# Seconds after which a thread that computes lets another one run. By Python's default of 5 ms,
# several times a request, a probe would wait for 50 ms.
SWITCH = 0.0005
# Seconds between two log messages that no further connection can be accepted.
SAID_AGAIN = 60.0


class Server(uvicorn.Server):
    """uvicorn's server, which ends on SIGTERM and SIGHUP with exit code 0.

    It then calls `draining` and still serves for `drain` seconds, so that a load balancer can
    notice. After that running requests have `grace` seconds. It also ends when `lifeline`, a
    descriptor, reaches its end.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        grace: float,
        lifeline: int | None = None,
        drain: float = 0.0,
        draining: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self.grace = grace
        self.lifeline = lifeline
        self._drain = drain
        self._draining = draining
        self._ends = math.inf

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn knows nothing of SIGHUP."""
        with handled(self.handle_exit, signal.SIGHUP), super().capture_signals():
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ends after the first signal; at once after a second one."""
        is_ending = self.should_exit or self._ends < math.inf
        if is_ending and sig == signal.SIGHUP:
            # A terminal that closes may send it twice.
            return
        if is_ending:
            self.should_exit = self.force_exit = True
            # Python would wait for a thread that computes.
            end = threading.Timer(FORCED, os._exit, (128 + sig,))
            end.daemon = True
            end.start()
        elif sig in (signal.SIGTERM, signal.SIGHUP):
            self._ends = time.monotonic() + self._drain
            self._close_each()
            self._draining()
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to end; uvicorn asks ten times a second."""
        self.should_exit = self.should_exit or time.monotonic() >= self._ends
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen. asyncio would accept as many at a time as may wait: too many."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)
        if self.lifeline is not None:
            asyncio.get_running_loop().add_reader(self.lifeline, self._released)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends, after those that have connected before have been answered.

        A client that does not read its answer has no more time than others.
        """
        dropping = asyncio.get_running_loop().call_later(self.grace, self._drop)
        self._close_each()
        await self._accept_rest(sockets or ())
        await self._hear_out()
        await super().shutdown(sockets)
        if self.force_exit:
            # uvicorn omits this, and a cancelled application logs a traceback.
            await self.lifespan.shutdown()
        dropping.cancel()
        self._drop()

    def _close_each(self) -> None:
        """From now on each response is the last one of its connection."""
        if LAST not in self.config.encoded_headers:
            self.config.encoded_headers.append(LAST)
            self.server_state.default_headers.append(LAST)

    async def _accept_rest(self, listeners: Iterable[socket.socket]) -> None:
        """Accepts the connections that wait, and ends listening: the system resets those left."""
        loop = asyncio.get_running_loop()
        until = loop.time() + ACCEPTING
        for listener in listeners:
            loop.remove_reader(listener)
            # What asyncio has accepted already becomes a connection in this round.
            await asyncio.sleep(0)
            while loop.time() < until and not self.force_exit:
                try:
                    accepted, _ = listener.accept()
                except OSError:  # none waits, or there are no descriptors for more
                    break
                await loop.connect_accepted_socket(self._connection, accepted)
        for server in self.servers:
            server.close()

    async def _hear_out(self) -> None:
        """Waits for the first requests of connections that have been opened just now."""
        loop = asyncio.get_running_loop()
        while not self.force_exit and any(
            isinstance(each, Connection) and each.is_new and loop.time() - each.since < FIRST
            for each in self.server_state.connections
        ):
            await asyncio.sleep(0.01)

    def _connection(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _released(self) -> None:
        if self.lifeline is not None:
            asyncio.get_running_loop().remove_reader(self.lifeline)
        self.should_exit = True

    def _drop(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class OneLine(logging.Formatter):
    """A record as text that cannot be mistaken for several records.

    A message or an exception may contain what a client sent.
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


def logging_of(format: str) -> dict[str, Any]:
    """The configuration of the log: `text`, a line for people, or `json`, with each request."""
    formatters = {
        "text": {"()": OneLine, "fmt": "%(levelname)s: %(message)s"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": "%(levelname)s %(name)s %(message)s",
            "rename_fields": {"levelname": "level", "name": "logger"},
            "timestamp": True,
        },
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {format: formatters[format]},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": format}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "rag.audit": {"level": "INFO"},
            "rag.requests": {"level": "INFO" if format == "json" else "WARNING"},
        },
    }


def server_of(
    app: ASGIApp,
    limits: Limits | None = None,
    grace: float = GRACE,
    *,
    burst: int = BURST,
    lifeline: int | None = None,
    drain: float = 0.0,
    draining: Callable[[], None] = lambda: None,
    log_as: str = "text",
    admission: Admission | None = None,
) -> Server:
    """The server that runs the application in this process; it logs as `logging_of` says.

    It accepts up to `burst` connections at a time. While no question is admitted, they are refused
    unread. `Server` explains the other arguments.
    """
    connection = functools.partial(Connection, limits=limits or limits_of(), admission=admission)
    config = uvicorn.Config(
        app,
        http=cast(type[asyncio.Protocol], connection),
        # With uvloop, if it is installed, `Connection` does not keep what it promises.
        loop="asyncio",
        ws="none",
        backlog=burst,
        log_config=logging_of(log_as),
        # uvicorn warns of every malformed request.
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=MAX_HEADER_BUFFER,
        timeout_graceful_shutdown=int(grace) + 5,
    )
    return Server(config, grace, lifeline, drain, draining)


def limits_of() -> Limits:
    """The limits of this process: as many connections as its number of descriptors allows."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else soft - RESERVED
    return Limits(connections=max(FEWEST_CONNECTIONS, min(MAX_CONNECTIONS, free)))


def prepare(loop: asyncio.AbstractEventLoop) -> None:
    """Prepares the process to serve, under any server: short waits for threads, no log floods."""
    sys.setswitchinterval(SWITCH)
    loop.set_exception_handler(sparing(loop.time))


def sparing(
    now: Callable[[], float],
) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """asyncio's own handling of errors, except that a lack of descriptors is logged once a minute.

    asyncio logs it thousands of times a second, each time with a traceback.
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


def greeting(snapshot: Snapshot, host: str, port: int) -> str:
    """What is served, its address, and a command that asks the index a question."""
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    sections = chain(snapshot.sections.faq_pairs(), snapshot.sections.values())
    headings = (section.heading_path[-1] for section in sections if section.heading_path)
    question = next(headings, "What is this?")
    counts = snapshot.manifest.counts
    return (
        f"{counted(counts.documents, 'document')}, {counted(counts.passages, 'passage')} "
        f"at {address}\n"
        f"{example(address, question)}"
    )


def example(address: str, question: str) -> str:
    """A command that asks the question there."""
    body = json.dumps({"question": question}, ensure_ascii=False)
    return f"curl -s {address}/ask -H 'content-type: application/json' -d {shlex.quote(body)}"
