"""What `rag serve` does under more load than it can serve, and beside clients that are slow.

First its capacity is measured, in a closed loop. Then requests come in an open model at some
multiples of it, with probes beside them.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from eval.speed import load
from eval.speed.figures import percentile, percentiles
from eval.speed.open_load import Replied
from eval.speed.servers import ServerCommand, environment, started

FACTORS = (0.5, 2.0, 5.0, 10.0)
CONNECTIONS = 8
# Share of the capacity beside slow clients.
BESIDE = 0.3
HALF_OPEN, DRIPPING = 500, 50
# Seconds after which no slow client may be connected any more.
CLOSED = 12.0
PROBES = ("/healthz", "/readyz")
PROBE_PAUSE = 0.05


def server_of(index: Path) -> ServerCommand:
    """`rag serve` on that index, which remembers no answer."""
    return ServerCommand(
        "rag serve",
        lambda port: [sys.executable, "-m", "rag", "serve", "--port", str(port)],
        lambda question: load.post("/ask", {"question": question}),
        environment(RAG_INDEX=str(index), RAG_CACHE="0", RAG_DRAIN="0"),
    )


def measure(
    index: Path, questions: Sequence[str], seconds: float, log: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """The capacity, a row for each load, recovery after the last, and one beside slow clients."""
    server = server_of(index)
    requests = [server.request(question) for question in questions]
    with started(server, questions[0], log) as running:
        capacity = _capacity(running.port, requests, seconds)
        say(f"{capacity:.0f} answers a second")
        rows = []
        for factor in FACTORS:
            rows.append(_row(running.port, requests, factor, capacity, seconds))
            say(json.dumps(rows[-1]))
        recovery = _row(running.port, requests, FACTORS[0], capacity, min(seconds, 5.0))
        with slow_clients(running.port) as connected:
            slow = _row(running.port, requests, BESIDE, capacity, max(seconds, CLOSED))
            slow |= {"slow_clients": HALF_OPEN + DRIPPING, "still_connected": connected()}
        say(json.dumps(slow))
    return {
        "capacity": round(capacity, 1),
        "rows": rows,
        "recovery": recovery,
        "beside_slow_clients": slow,
    }


def row(
    outcomes: Sequence[Replied], factor: float, capacity: float, seconds: float
) -> dict[str, Any]:
    """The figures of a load: `share` is what was served of the capacity, or of the load if less."""
    served = [each.milliseconds for each in outcomes if each.status == 200]
    refused = [each.milliseconds for each in outcomes if each.status == 429]
    others = Counter(str(each.status) for each in outcomes if each.status not in (200, 429))
    return {
        "load": factor,
        "requests": len(outcomes),
        "served_per_second": round(len(served) / seconds, 1),
        "share": round(len(served) / seconds / capacity / min(factor, 1.0), 3),
        "served_ms": _rounded(percentiles(served)) if served else None,
        "refused": len(refused),
        "refused_p99_ms": round(percentile(refused, 99), 1) if refused else None,
        "others": dict(sorted(others.items())),
    }


def _row(
    port: int, requests: Sequence[str], factor: float, capacity: float, seconds: float
) -> dict[str, Any]:
    with probing(port) as probes:
        outcomes = _outcomes(port, requests, factor * capacity, seconds)
    found = {path: round(percentile(taken, 99), 1) for path, taken in probes.items() if taken}
    return row(outcomes, factor, capacity, seconds) | {"probes_p99_ms": found}


def _capacity(port: int, requests: Sequence[str], seconds: float) -> float:
    """Answers a second in a closed loop of some seconds, after a second to warm up."""
    first = _closed(port, requests)
    rounds = max(1, round(seconds * first / len(requests)))
    return _closed(port, list(requests) * rounds)


def _closed(port: int, requests: Sequence[str]) -> float:
    command = [sys.executable, "-m", "eval.speed.load", str(port), str(CONNECTIONS)]
    found = json.loads(_output(command, requests))
    return float(len(found["milliseconds"]) / found["seconds"])


def _outcomes(port: int, requests: Sequence[str], rate: float, seconds: float) -> list[Replied]:
    command = [sys.executable, "-m", "eval.speed.open_load", str(port), str(rate), str(seconds)]
    return [Replied(*each) for each in json.loads(_output(command, requests))]


def _output(command: Sequence[str], requests: Sequence[str]) -> str:
    lines = "".join(f"{json.dumps(request)}\n" for request in requests)
    return subprocess.run(command, input=lines, capture_output=True, text=True, check=True).stdout


@contextmanager
def probing(port: int) -> Iterator[dict[str, list[float]]]:
    """While it lasts, asks the probes; what they took, in milliseconds."""
    taken: dict[str, list[float]] = {path: [] for path in PROBES}
    over = threading.Event()

    def probe() -> None:
        while not over.wait(PROBE_PAUSE):
            for path in PROBES:
                begun = time.perf_counter()
                load.run(port, [load.get(path)], 1)
                taken[path].append(1000 * (time.perf_counter() - begun))

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield taken
    finally:
        over.set()
        thread.join()


@contextmanager
def slow_clients(port: int) -> Iterator[Callable[[], int]]:
    """While it lasts, clients that send half a header, and others that send a byte a second.

    Gives a function that says how many of them are still connected.
    """
    half = b"POST /ask HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    body = half + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    over = threading.Event()
    with ExitStack() as opened:
        clients = [
            opened.enter_context(socket.create_connection((load.HOST, port), 5.0))
            for _ in range(HALF_OPEN + DRIPPING)
        ]
        for at, client in enumerate(clients):
            with suppress(OSError):
                client.sendall(half if at < HALF_OPEN else body)
        drip = threading.Thread(target=_drip, args=(clients[HALF_OPEN:], over))
        drip.start()
        try:
            yield lambda: sum(map(_is_connected, clients))
        finally:
            over.set()
            drip.join()


def _drip(clients: Sequence[socket.socket], over: threading.Event) -> None:
    while not over.wait(1.0):
        for client in clients:
            with suppress(OSError):
                client.sendall(b" ")


def _is_connected(client: socket.socket) -> bool:
    """Whether the other end has not closed; what it has sent is read away."""
    client.setblocking(False)
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in figures.items()}
