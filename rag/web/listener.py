"""The socket on which a service listens."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rag.serving import Keys
from rag.types.errors import BusyError, UsageError
from rag.types.settings import Settings
from rag.web.addresses import is_loopback
from rag.web.ending import deferred, turn_away

# How many connections may wait to be accepted.
BACKLOG = 1024


@contextmanager
def listening(settings: Settings, keys: Keys) -> Iterator[socket.socket]:
    """A socket at the address of the settings; clients that still wait at its end are turned away.

    Raises BusyError, UsageError.
    """
    with ExitStack() as opened:
        # As soon as it listens, clients wait that must be turned away.
        with deferred():
            made = listen(settings.host, settings.port, keyed=keys.any_valid())
            listener = opened.enter_context(made)
            opened.callback(turn_away, listener)
        yield listener


def listen(host: str, port: int, *, keyed: bool = False) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises BusyError, UsageError.

    Without a key it listens on a loopback address alone.
    """
    if not keyed and not is_loopback(host):
        raise UsageError(
            f"{host} can be reached from other machines, and there is no valid key: make one by "
            "`rag keys add`, or bind 127.0.0.1"
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
    # asyncio turns off Nagle's delay only if the socket says that it is TCP.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, listener.detach())
