"""Servers as processes: how long one takes to its first answer, and the memory that it holds."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from eval.speed.load import HOST, LoadError, ask_once

# Seconds that a server has to give its first answer, and to end.
START = 120.0
END = 15.0
# Seconds between two tries to reach it.
PAUSE = 0.002


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """How to start a server on a port, and the request that asks it a question.

    `is_whole` tells whether all of its processes answer, once one of them has.
    """

    name: str
    command: Callable[[int], Sequence[str]]
    request: Callable[[str], str]
    environment: Mapping[str, str]
    is_whole: Callable[[int], bool] = lambda port: True


@dataclass(frozen=True, slots=True)
class Running:
    """A server that has answered its first question `seconds` after its process was started."""

    server: ServerCommand
    pid: int
    port: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a process and all below it: resident, and with shared pages divided (PSS)."""

    resident: int
    proportional: int


@contextmanager
def started(server: ServerCommand, question: str, log: Path) -> Iterator[Running]:
    """The running server, once it is whole; what it prints goes to the log file. It is ended at
    last.

    Raises LoadError if it ends, or gives no answer in time.
    """
    port = _free_port()
    with log.open("ab") as file:
        start = time.perf_counter()
        process = subprocess.Popen(
            server.command(port),
            env=server.environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
        try:
            request = server.request(question)
            _wait(lambda: ask_once(port, request), process, server, start, log)
            seconds = time.perf_counter() - start
            _wait(lambda: server.is_whole(port), process, server, start, log)
            yield Running(server, process.pid, port, seconds)
        finally:
            _end(process)


def memory(pid: int) -> Memory:
    """The memory of a process and of those it started, as Linux counts it."""
    sums = {"Rss": 0, "Pss": 0}
    for each in family(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name in sums:
                sums[name] += 1024 * int(rest.split()[0])
    return Memory(sums["Rss"], sums["Pss"])


def processor_seconds(pid: int) -> float:
    """What a process and all below it have taken of the processors so far, as Linux counts it."""
    ticks = 0
    for each in family(pid):
        # The name, in brackets, may hold spaces.
        _, _, fields = Path(f"/proc/{each}/stat").read_text(encoding="utf-8").rpartition(")")
        ticks += sum(map(int, fields.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """The process and all that it and those below it started and that still run."""
    below: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread may have ended meanwhile.
        with suppress(FileNotFoundError):
            below += map(int, (task / "children").read_text(encoding="ascii").split())
    return [pid, *(each for child in below for each in family(child))]


def _wait(
    until: Callable[[], bool],
    process: subprocess.Popen[bytes],
    server: ServerCommand,
    start: float,
    log: Path,
) -> None:
    while not until():
        if process.poll() is not None:
            raise LoadError(f"{server.name} ended with code {process.returncode}: see {log}")
        if time.perf_counter() - start > START:
            raise LoadError(f"{server.name} gave no answer in {START:.0f} seconds: see {log}")
        time.sleep(PAUSE)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def environment(**more: str) -> dict[str, str]:
    """This process's environment without its limits on threads: each server chooses its own.

    Compiled modules are kept, as by an installation: compiling takes longer than starting.
    """
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, **more}
