from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from rag.cli.main import main
from rag.types.errors import BusyError, UsageError
from rag.web.listener import listen
from rag.web.server import (
    BURST,
    MAX_CONNECTIONS,
    RESERVED,
    OneLine,
    greeting,
    limits_of,
    server_of,
    sparing,
)
from service import create_app
from support import rag_process
from support.live_index import folder_of
from support.raw_http import connected, raw, received, request, served, status_of
from support.snapshots import FIRST, published
from support.word_count_service import serving_of

HEALTH = request("GET /healthz", head=b"")
CLOSING = request("GET /healthz")


def shown(message: str, *arguments: Any, error: BaseException | None = None) -> str:
    """The record as `rag serve` logs it."""
    caught = (type(error), error, None) if error else None
    record = logging.LogRecord("rag", logging.ERROR, "", 0, message, arguments, caught)
    return OneLine("%(levelname)s: %(message)s").format(record)


def test_what_a_client_sent_cannot_pass_for_a_record_of_its_own() -> None:
    assert shown("id %s", "a\nERROR: b\r\x1b[2J\u2028") == (r"ERROR: id a\nERROR: b\r\x1b[2J\u2028")


def test_lines_of_an_exception_are_indented() -> None:
    first, *others = shown("failed", error=ValueError("one\nERROR: two\x1b[2J")).split("\n")
    assert first == "ERROR: failed"
    assert others == ["    ValueError: one", r"    ERROR: two\x1b[2J"]


def test_a_second_request_to_end_lets_the_application_end_as_well() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for answer in ("startup", "shutdown"):
            seen.append((await receive())["type"])
            await send({"type": f"lifespan.{answer}.complete"})

    server = server_of(app)
    server.should_exit = server.force_exit = True
    with listen("127.0.0.1", 0) as listener:
        server.run(sockets=[listener])
    assert seen == ["lifespan.startup", "lifespan.shutdown"]


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP])
def test_service_that_is_told_to_end_serves_on_and_closes_each_connection(sig: int) -> None:
    drained = threading.Event()
    app = create_app(serving_of({"a.md": "Text."}))
    with listen("127.0.0.1", 0) as listener:
        server = server_of(app, drain=1.0, draining=drained.set)
        port = listener.getsockname()[1]
        with served(server, [listener]):
            with connected(port, HEALTH) as client:
                assert b"connection: close" not in client.recv(65536)
                server.handle_exit(sig, None)
                # A terminal that closes may send it twice; it ends nothing at once.
                server.handle_exit(signal.SIGHUP, None)
                assert drained.is_set()
                client.sendall(HEALTH)
                assert b"connection: close" in received(client)
            begun = time.monotonic()
            while not server.should_exit:
                assert status_of(raw(port, CLOSING)) == 200
                time.sleep(0.05)
            assert 0.5 < time.monotonic() - begun < 3


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP])
def test_connections_opened_just_before_the_signal_are_answered(built: Path, sig: int) -> None:
    """They wait to be accepted when it comes: the process is stopped meanwhile."""
    question = request("POST /ask", b'{"question": "How are T cells collected?"}')
    with rag_process.served(built, RAG_DRAIN="0", RAG_THREADS="1") as service:
        # It listens before it can serve.
        assert status_of(raw(service.port, CLOSING)) == 200
        os.kill(service.pid, signal.SIGSTOP)
        try:
            clients = [connected(service.port, sent) for sent in [CLOSING] * 30 + [question] * 3]
            os.kill(service.pid, sig)
        finally:
            os.kill(service.pid, signal.SIGCONT)
        answers = [received(client) for client in clients]
    assert [status_of(answer) for answer in answers] == [200] * 33
    assert b'"passages":[' in answers[-1] and answers[-1].endswith(b"}")


def test_silent_connection_delays_the_end_by_a_moment_only() -> None:
    app = create_app(serving_of({"a.md": "Text."}))
    with listen("127.0.0.1", 0) as listener:
        server = server_of(app)
        with served(server, [listener]):
            client = connected(listener.getsockname()[1])
            begun = time.monotonic()
        assert time.monotonic() - begun < 5
        assert received(client) == b""


def test_text_that_can_be_seen_is_logged_as_it_is() -> None:
    assert shown("%s", "Türme 🎟 汽车") == "ERROR: Türme 🎟 汽车"


def test_want_of_descriptors_is_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    # It asks twice where it says something.
    seconds = iter((0.0, 0.0, 0.1, 59.0, 60.0, 60.0, 61.0))
    handle = sparing(lambda: next(seconds))
    for _ in range(5):
        handle(loop, {"message": "no", "exception": OSError(errno.EMFILE, "Too many open files")})
    loop.close()
    assert (
        caplog.messages
        == ["no connection can be accepted (Too many open files): raise `ulimit -n`"] * 2
    )


def test_other_errors_of_the_loop_are_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    for error in (OSError(errno.EPIPE, "Broken pipe"), ValueError("x")):
        sparing(lambda: 0.0)(loop, {"message": "a task died", "exception": error})
    loop.close()
    assert caplog.messages == ["a task died"] * 2


@pytest.fixture
def files() -> Iterator[None]:
    """Puts the limit on open files back."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(("allowed", "connections"), [(256, 144), (128, 16), (64, 8)])
@pytest.mark.usefixtures("files")
def test_connections_leave_the_process_the_descriptors_it_needs(
    allowed: int, connections: int
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    assert limits_of().connections == connections


def test_three_snapshots_and_two_bursts_fit_into_what_is_reserved(tmp_path: Path) -> None:
    published(tmp_path / "index", FIRST)
    folder = folder_of(tmp_path / "index")
    before = len(os.listdir("/proc/self/fd"))
    serving = folder.open()
    taken = len(os.listdir("/proc/self/fd")) - before
    assert serving and 3 * taken + 2 * BURST + 16 <= RESERVED


@pytest.mark.usefixtures("files")
def test_there_are_never_more_connections_than_can_be_looked_after() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(hard, 65536) if hard != resource.RLIM_INFINITY else 65536
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    assert limits_of().connections == MAX_CONNECTIONS


def test_command_refuses_to_serve_to_other_machines(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(["serve", "--host", "0.0.0.0"])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: 0.0.0.0 can be reached from other machines")


def test_listen_says_that_the_port_is_in_use() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(BusyError, match="is in use"):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "box.local", ""])
def test_listen_refuses_an_address_that_others_can_reach(host: str) -> None:
    with pytest.raises(UsageError, match=r"no valid key: make one by `rag keys add`"):
        listen(host, 0)


def test_listen_says_that_the_address_cannot_be_bound() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on ::ffff:127\.0\.0\.1:0 "):
        listen("::ffff:127.0.0.1", 0)


def test_greeting_holds_a_question_of_the_index_ready_to_paste() -> None:
    snapshot = serving_of({"faq.md": "Q: What's new?\nA: Much.\n"}).snapshot
    assert greeting(snapshot, "127.0.0.1", 8000) == (
        "1 document, 1 passage at http://127.0.0.1:8000\n"
        "curl -s http://127.0.0.1:8000/ask -H 'content-type: application/json' "
        """-d '{"question": "What'"'"'s new?"}'"""
    )


def test_greeting_of_an_index_without_headings_still_asks() -> None:
    snapshot = serving_of({"plain.md": "Text.\n"}).snapshot
    assert '-d \'{"question": "What is this?"}\'' in greeting(snapshot, "::1", 80)
    assert "http://[::1]:80/ask" in greeting(snapshot, "::1", 80)


def test_serve_greets_answers_and_ends_on_a_signal(built: Path) -> None:
    code = (
        "from rag.types.settings import Settings; from rag.web import serve; "
        "serve(Settings(port=0))"
    )
    environment = {**os.environ, "RAG_INDEX": str(built), "RAG_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as server:
        assert server.stdout is not None
        counts, _, address = server.stdout.readline().strip().rpartition(" at ")
        assert counts == "1 document, 2 passages"
        assert "/ask -H" in server.stdout.readline()
        response = httpx2.post(f"{address}/ask", json={"question": "How are T cells collected?"})
        assert "leukapheresis" in response.json()["passages"][0]["text"]
        assert "server" not in response.headers
        server.terminate()
        assert server.wait(timeout=20) == 0
