"""What `rag serve` does under more load than it can serve, and beside clients that are slow.

Its capacity is measured in a closed loop, before and after each load: requests in an open model, at
some multiples of it, with probes beside them. Server and senders have cores of their own, if there
are two or more: otherwise the load itself would take the time in which it is to be served.
"""

from __future__ import annotations

import json
import os
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
from eval.speed.servers import Running, ServerCommand, environment, processor_seconds, started

FACTORS = (0.5, 2.0, 5.0, 10.0)
CONNECTIONS = 8
# Seconds in which the capacity is measured again between two loads.
BETWEEN = 10.0
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
    theirs, ours = divided(os.sched_getaffinity(0))
    with on_cores(theirs), started(server, questions[0], log) as running, on_cores(ours):
        capacities = [_capacity(running.port, requests, seconds)]
        rows = []
        for factor in FACTORS:
            found = _row(running, requests, factor, capacities[-1], seconds)
            capacities.append(_capacity(running.port, requests, min(seconds, BETWEEN)))
            rows.append(found | between(found, *capacities[-2:]))
            say(json.dumps(rows[-1]))
        capacity = sum(capacities) / len(capacities)
        recovery = _row(running, requests, FACTORS[0], capacity, min(seconds, 5.0))
        with slow_clients(running.port) as connected:
            slow = _row(running, requests, BESIDE, capacity, max(seconds, CLOSED))
            slow |= {"slow_clients": HALF_OPEN + DRIPPING, "still_connected": connected()}
        say(json.dumps(slow))
    return {
        "cores": {"server": len(theirs), "senders": len(ours)},
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


def between(found: dict[str, Any], before: float, after: float) -> dict[str, Any]:
    """The share of a load above the capacity, which was measured before and after it.

    A machine that others use too is not as fast all the time.
    """
    capacity = (before + after) / 2
    share = found["share"] * before / capacity if found["load"] >= 1 else found["share"]
    return {"capacity": round(capacity, 1), "share": round(share, 3)}


def divided(cores: set[int]) -> tuple[set[int], set[int]]:
    """The cores of the server, and the last one for the senders; one alone is for both."""
    last = {max(cores)}
    return cores - last or last, last


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """While it lasts, what this thread starts runs on these cores, and it itself."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _row(
    running: Running, requests: Sequence[str], factor: float, capacity: float, seconds: float
) -> dict[str, Any]:
    """The figures of a load, with the processor seconds that the server and the senders took."""
    before = _processor_seconds(running.pid)
    with probing(running.port) as probes:
        outcomes = _outcomes(running.port, requests, factor * capacity, seconds)
    after = _processor_seconds(running.pid)
    found = {path: round(percentile(taken, 99), 1) for path, taken in probes.items() if taken}
    took = {name: round(after[name] - before[name], 2) for name in after}
    measured = {"probes_p99_ms": found, "processor_seconds": took}
    return row(outcomes, factor, capacity, seconds) | measured


def _processor_seconds(pid: int) -> dict[str, float]:
    own = os.times()
    senders = own.user + own.system + own.children_user + own.children_system
    return {"server": processor_seconds(pid), "senders": senders}


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
