"""`make torture`: a service is restarted under load, a hundred times: no response is cut short.

RESTARTS sets how many. Half of them end at once and half drain for a second before. A connection
that is refused while no service listens, or that ends before the first byte of a response, is
counted, and is no cut response: the client knows that it may ask again.
"""

import itertools
import json
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

from rag.encoders.open import open_encoder
from support.mixed_questions import CORPUS, golden_questions, mixed_question
from support.rag_process import served
from support.raw_http import request
from support.sample_index import published
from support.torture_figures import write_figures

RESTARTS = int(os.environ.get("RESTARTS", "100"))
CLIENTS = 6
# Of the clients, so many read slowly what is long, so that a response is on its way for a while.
SLOW = 2
RECEIVED, STEP, PAUSE = 4096, 2048, 0.01
# Seconds that a service serves before it is told to end.
LEAST, MOST = 0.3, 1.0
PATIENCE = 60.0
KEPT = b"Connection: keep-alive\r\n"


def requests() -> list[bytes]:
    """Questions with short and long answers, and files; the last two are long."""
    dice = random.Random(18)
    questions = [*golden_questions(20), *(mixed_question(dice) for _ in range(20))]
    bodies = [{"question": question, "top_k": dice.choice((1, 20, 50))} for question in questions]
    asked = [request("POST /ask", json.dumps(body).encode(), KEPT) for body in bodies]
    paths = ("/", f"/documents/{CORPUS.name}/file", f"/documents/{CORPUS.name}", "/openapi.json")
    return [*asked, *(request(f"GET {path}", head=KEPT) for path in paths)]


class Asking:
    """A client that asks on, and connects again whenever its connection has ended."""

    def __init__(self, port: int, sent: list[bytes], slow: bool) -> None:
        self.found: Counter[str] = Counter()
        self._port = port
        self._sent = itertools.cycle(sent)
        self._slow = slow

    def run(self, over: threading.Event) -> None:
        """Asks until it is over."""
        while not over.is_set():
            try:
                wire = self._connected()
            except OSError:
                self.found["refused"] += 1
                over.wait(0.05)
                continue
            with wire:
                while not over.is_set() and self._answered(wire, next(self._sent)):
                    pass

    def _connected(self) -> socket.socket:
        wire = socket.socket()
        try:
            wire.settimeout(PATIENCE)
            if self._slow:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)
            wire.connect(("127.0.0.1", self._port))
        except OSError:
            wire.close()
            raise
        return wire

    def _part(self, wire: socket.socket) -> bytes:
        if self._slow:
            time.sleep(PAUSE)
        return wire.recv(STEP if self._slow else 65536)

    def _answered(self, wire: socket.socket, sent: bytes) -> bool:
        """Sends a request and counts what comes; whether the connection can be used again."""
        received = b""
        with suppress(ConnectionError):
            wire.sendall(sent)
            while not is_whole(received) and (part := self._part(wire)):
                received += part
        if not is_whole(received):
            self.found["cut" if received else "unanswered"] += 1
            return False
        status = received.split(b" ", 2)[1].decode()
        self.found["whole" if status == "200" else f"status {status}"] += 1
        return b"\r\nconnection: close\r\n" not in received.lower()


def is_whole(received: bytes) -> bool:
    """Whether that is a whole response: its head and as much as it says, or its last chunk."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return False
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    if b"content-length" in fields:
        return len(body) >= int(fields[b"content-length"])
    assert b"chunked" in fields[b"transfer-encoding"]
    return body.endswith(b"0\r\n\r\n")


@contextmanager
def under_load(port: int) -> Iterator[Counter[str]]:
    """While it lasts, the clients ask; what came."""
    over, sent = threading.Event(), requests()
    clients = [
        *(Asking(port, sent[at:] + sent[:at], slow=False) for at in range(CLIENTS - SLOW)),
        *(Asking(port, sent[-2:], slow=True) for _ in range(SLOW)),
    ]
    threads = [threading.Thread(target=each.run, args=(over,)) for each in clients]
    found: Counter[str] = Counter()
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        over.set()
        for thread, each in zip(threads, clients, strict=True):
            thread.join()
            found.update(each.found)


def test_restarts(tmp_path: Path) -> None:
    index, dice = tmp_path / "index", random.Random(9)
    published(index, CORPUS, open_encoder("bundled", "onnx", 1))
    with served(index) as service:
        port = service.port
    down, ended = [], []
    with under_load(port) as found:
        for number in range(RESTARTS + 1):
            begun = time.perf_counter()
            drain = str(number % 2)
            with served(index, port, RAG_QUEUE="64", RAG_DEADLINE="30", RAG_DRAIN=drain):
                down.append(time.perf_counter() - begun)
                time.sleep(dice.uniform(LEAST, MOST))
                begun = time.perf_counter()
            ended.append(time.perf_counter() - begun)
    others = {name: count for name, count in found.items() if name.startswith("status ")}
    write_figures(
        "restarts",
        restarts=RESTARTS,
        whole_responses=found["whole"],
        cut=found["cut"],
        other_statuses=sum(others.values()),
        ended_before_a_response=found["unanswered"],
        connections_refused=found["refused"],
        median_start_seconds=round(median(down), 2),
        median_end_seconds=round(median(ended), 2),
        slowest_end_seconds=round(max(ended), 2),
    )
    assert (found["cut"], others) == (0, {})
    assert found["whole"] > RESTARTS
