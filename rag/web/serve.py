"""`rag serve`: the process that answers, alone or as one of several."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
from fastapi import FastAPI
from uvicorn.importer import import_from_string

from rag.encoders import Encoder
from rag.serving import (
    Board,
    Figure,
    JobTable,
    Tally,
    Upkeep,
    endpoint_of,
    steady_heap,
    upkeep_of,
)
from rag.types.settings import Settings
from rag.web.access import Door, door_of
from rag.web.counted import COUNTED
from rag.web.ending import ended_quietly
from rag.web.listener import listening
from rag.web.logs import watchers_of
from rag.web.server import BURST, greeting, server_of
from rag.web.share import BOARD, BUILDS, KEYED, SECRET, TALLY, Seat
from rag.web.state import CORES, capacity_of

# The application is above `rag/`, so it is loaded by its name, as uvicorn does it.
CREATE_APP = "service:create_app"

# Seconds between two looks at CURRENT if there are other workers: a client that has seen a new
# index by one of them sees it by the next.
SHARED_SECONDS = 0.05


def serve(
    settings: Settings, seat: str | None = None, opening: Callable[[], Encoder] | None = None
) -> None:
    """Serves the current index until it is interrupted; prints the address and an example.

    `seat` is given to the workers that `share` starts: a `Seat` as JSON. `opening` gives the
    encoder of the settings, which is opened when it is needed by default. Raises RagError if the
    index cannot be opened or the address cannot be bound.
    """
    with ended_quietly():
        if seat is not None:
            _work(settings, msgspec.json.decode(seat, type=Seat), opening)
            return
        door = door_of(settings)
        with listening(settings, door.keys) as listener:
            _answer(settings, upkeep_of(settings, opening), listener, Board(), door)


def _work(settings: Settings, seat: Seat, opening: Callable[[], Encoder] | None) -> None:
    """Serves as one of several processes."""
    folder = Path(seat.folder)
    upkeep = replace(
        upkeep_of(settings, opening),
        seconds=SHARED_SECONDS,
        builds=JobTable(str(folder / BUILDS), seat.worker),
    )
    with socket.socket(fileno=seat.listener) as listener:
        board = Board(folder / BOARD, seat.worker, seat.workers)
        # One connection at a time, so that the other workers get theirs.
        secret = (folder / SECRET).read_bytes()
        _answer(
            settings,
            upkeep,
            listener,
            board,
            door_of(settings, secret, folder / KEYED),
            Tally(COUNTED, folder / TALLY, seat.worker, seat.workers),
            burst=1,
            lifeline=sys.stdin.fileno(),
        )


def _answer(
    settings: Settings,
    upkeep: Upkeep,
    listener: socket.socket,
    board: Board,
    door: Door,
    tally: Tally | None = None,
    *,
    burst: int = BURST,
    lifeline: int | None = None,
) -> None:
    """Opens the index and serves it on the socket."""
    steady_heap()
    serving = upkeep.folder.open()
    is_first = not board.total(Figure.STARTED)
    capacity = capacity_of(settings, max(1, CORES // board.workers))
    app: FastAPI = import_from_string(CREATE_APP)(
        serving,
        upkeep=upkeep,
        capacity=capacity,
        board=board,
        tally=tally,
        door=door,
        watchers=watchers_of(settings),
        endpoint=endpoint_of(settings),
    )
    if is_first:
        print(greeting(serving.snapshot, settings.host, listener.getsockname()[1]), flush=True)
    server = server_of(
        app,
        burst=burst,
        lifeline=lifeline,
        drain=settings.drain,
        draining=app.state.service.drain,
        log_as=settings.log,
        admission=app.state.service.admission,
    )
    server.run(sockets=[listener])
