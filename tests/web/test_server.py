from __future__ import annotations

import asyncio
import errno
import logging
import resource
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from rag.cli.main import main
from rag.web.server import (
    MAX_CONNECTIONS,
    OneLine,
    ended_quietly,
    limits_of,
    listen,
    server_of,
    sparing,
)


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


@pytest.mark.parametrize(("allowed", "connections"), [(128, 64), (100, 36), (64, 8)])
@pytest.mark.usefixtures("files")
def test_connections_leave_the_process_the_descriptors_it_needs(
    allowed: int, connections: int
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    assert limits_of().connections == connections


@pytest.mark.usefixtures("files")
def test_there_are_never_more_connections_than_can_be_looked_after() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(hard, 65536) if hard != resource.RLIM_INFINITY else 65536
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    assert limits_of().connections == MAX_CONNECTIONS


def test_command_refuses_to_serve_to_other_machines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", "--host", "0.0.0.0"])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: 0.0.0.0 can be reached from other machines")


def test_termination_while_the_index_is_opened_ends_with_exit_code_0() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, ended_quietly():
        signal.raise_signal(signal.SIGTERM)
    assert (ended.value.code, signal.getsignal(signal.SIGTERM)) == (0, before)
