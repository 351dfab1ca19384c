"""An open-loop load on a local server: requests are sent at their times, answered or not.

`python -m eval.speed.open_load PORT RATE SECONDS` reads requests as JSON strings, one a line, sends
them in turn, and prints what became of each as JSON. Each latency counts from the time at which the
request was due, so a server that stalls is not spared the requests of that time (coordinated
omission). It is a process of its own, and does as little as it can: it shares the cores with the
server.
"""

from __future__ import annotations

import json
import random
import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle

from eval.speed.load import HOST

# Seconds for the last answers to come in.
PATIENCE = 5.0
# More would be refused by the server for their number alone.
MOST = 400
# Bytes read at a time. Of much larger ones the system gives, and takes back, the memory each time.
RECEIVED = 1 << 16
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)

# Status of a request whose connection was closed before its answer, and of one that got no answer.
CUT, SILENT = 0, -1


@dataclass(slots=True)
class OpenRequest:
    """A connection, the time at which its request was due, and what has come of the answer."""

    wire: socket.socket
    due: float = 0.0
    received: bytearray = field(default_factory=bytearray)
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Replied:
    """When a request was due, in seconds from the start; its milliseconds; its status."""

    due: float
    milliseconds: float
    status: int


def arrivals(rate: float, seconds: float, seed: int = 16) -> list[float]:
    """The times of a Poisson process of that rate."""
    chance, at, found = random.Random(seed), 0.0, []
    while (at := at + chance.expovariate(rate)) < seconds:
        found.append(at)
    return found


def run(port: int, requests: Sequence[str], rate: float, seconds: float) -> list[Replied]:
    """What became of each request, in the order in which that was known."""
    return list(_Run(port, requests).outcomes(arrivals(rate, seconds)))


class _Run:
    """A run: its connections, of which those that are idle wait for the next request."""

    def __init__(self, port: int, requests: Sequence[str]) -> None:
        self._port = port
        self._requests = cycle([request.encode() for request in requests])
        self._selector = selectors.DefaultSelector()
        self._idle: list[OpenRequest] = []
        self._open = 0
        self._start = 0.0

    def outcomes(self, due: Sequence[float]) -> Iterator[Replied]:
        """Sends a request at each of these times."""
        self._start = time.perf_counter()
        for at in due:
            while (left := at - self._now()) > 0:
                yield from self._come_in(left)
            yield from self._send(at)
        end = self._now() + PATIENCE
        while any(key.data.busy for key in self._keys()) and self._now() < end:
            yield from self._come_in(0.05)
        for key in self._keys():
            if key.data.busy:
                yield Replied(key.data.due, 1000 * (self._now() - key.data.due), SILENT)
            key.data.wire.close()
        self._selector.close()

    def _now(self) -> float:
        return time.perf_counter() - self._start

    def _keys(self) -> list[selectors.SelectorKey]:
        return list(self._selector.get_map().values())

    def _send(self, due: float) -> Iterator[Replied]:
        if not self._idle and self._open >= MOST:
            yield Replied(due, 1000 * (self._now() - due), SILENT)
            return
        each = self._idle.pop() if self._idle else self._connected()
        each.due, each.busy = due, True
        try:
            each.wire.sendall(next(self._requests))
        except OSError:
            yield self._ended(each, CUT)

    def _connected(self) -> OpenRequest:
        wire = socket.create_connection((HOST, self._port), PATIENCE)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        each = OpenRequest(wire)
        self._selector.register(wire, selectors.EVENT_READ, each)
        self._open += 1
        return each

    def _come_in(self, seconds: float) -> Iterator[Replied]:
        """What ends within so many seconds, or the first of it."""
        for key, _ in self._selector.select(seconds):
            each: OpenRequest = key.data
            part = b""
            with suppress(OSError):
                part = each.wire.recv(RECEIVED)
            each.received += part
            if not part:
                if each.busy:
                    yield self._ended(each, CUT)
                else:
                    self._idle.remove(each)
                    self._close(each)
            elif status := _status(each.received):
                yield self._ended(each, status)

    def _ended(self, each: OpenRequest, status: int) -> Replied:
        outcome = Replied(each.due, 1000 * (self._now() - each.due), status)
        if status == CUT or b"connection: close" in each.received.lower():
            self._close(each)
        else:
            each.busy = False
            each.received.clear()
            self._idle.append(each)
        return outcome

    def _close(self, each: OpenRequest) -> None:
        self._selector.unregister(each.wire)
        each.wire.close()
        self._open -= 1


def _status(received: bytes | bytearray) -> int:
    """The status of a whole answer; 0 if it is not whole yet."""
    head = received.find(_END)
    if head < 0:
        return 0
    length = _LENGTH.search(received, 0, head)
    whole = len(received) >= head + len(_END) + (int(length[1]) if length else 0)
    return int(received[9:12]) if whole else 0


def main(port: str, rate: str, seconds: str) -> None:
    """Load the server with the requests on standard input."""
    found = run(int(port), [json.loads(line) for line in sys.stdin], float(rate), float(seconds))
    print(json.dumps([(each.due, each.milliseconds, each.status) for each in found]))


if __name__ == "__main__":
    main(*sys.argv[1:])
