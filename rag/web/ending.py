"""The signals that end a service, and what clients hear from one that ends before it serves."""

from __future__ import annotations

import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType

from rag.web.problems import CLOSE, draining
from rag.web.unread import refusal, written

# Seconds in which clients that are turned away may send what they were about to ask.
PATIENCE = 1.0
RECEIVED = 1 << 16

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def handled(handle: Handler, *signals: signal.Signals) -> Iterator[None]:
    """Has the signals handled while it lasts, in the main thread alone, which gets them.

    SIGHUP stays ignored if it is, as by `nohup`.
    """
    taken = signals if threading.current_thread() is threading.main_thread() else ()
    ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set()
    before = {sig: signal.signal(sig, handle) for sig in taken if sig not in ignored}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)


@contextmanager
def ended_quietly() -> Iterator[None]:
    """While it lasts, SIGTERM or SIGHUP ends the process with exit code 0, as it ends a running
    server."""
    with handled(lambda *_: sys.exit(0), signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def deferred() -> Iterator[None]:
    """SIGTERM and SIGHUP that come while it lasts are handled at its end."""
    came: list[int] = []
    with handled(lambda sig, _: came.append(sig), signal.SIGTERM, signal.SIGHUP):
        yield
    for sig in came:
        signal.raise_signal(sig)


def turn_away(listener: socket.socket, seconds: float = PATIENCE) -> None:
    """Ends listening, and answers each client that waits to be accepted with 503.

    Otherwise the system would reset their connections. Does nothing if the socket is closed.
    """
    if listener.fileno() < 0:
        return
    goodbye = written(draining(), CLOSE)
    until = time.monotonic() + seconds
    with ExitStack() as opened, selectors.DefaultSelector() as selector:
        for client in _waiting(listener):
            opened.enter_context(client)
            client.setblocking(False)
            with suppress(OSError):  # it has left
                client.sendall(refusal(goodbye))
                client.shutdown(socket.SHUT_WR)
                selector.register(client, selectors.EVENT_READ)
        listener.close()
        # A connection that is closed with unread bytes is reset, and the answer with it.
        while selector.get_map() and (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if not _received(key.fileobj):  # type: ignore[arg-type]
                    selector.unregister(key.fileobj)


def _waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that wait to be accepted."""
    listener.setblocking(False)
    with suppress(OSError):  # none waits, or there are no descriptors for more
        while True:
            yield listener.accept()[0]


def _received(client: socket.socket) -> bytes:
    """What the client has sent; nothing once it sends no more."""
    with suppress(OSError):
        return client.recv(RECEIVED)
    return b""
