"""`rag serve`: in this process, or in several that share a port."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
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
    make_board,
    steady_heap,
    tally_bytes,
    upkeep_of,
    upload_folder,
)
from rag.store import DISK
from rag.types.import_path import with_import_path
from rag.types.settings import Settings
from rag.web.access import Door, door_of
from rag.web.counted import COUNTED
from rag.web.ending import deferred, ended_quietly, turn_away
from rag.web.logs import watchers_of
from rag.web.server import BURST, greeting, listen, server_of
from rag.web.state import CORES, capacity_of
from rag.web.supervisor import PATIENCE, supervise

# The application is above `rag/`, so it is loaded by its name, as uvicorn does it.
CREATE_APP = "service:create_app"

# The files that workers share.
BOARD = "board"
TALLY = "tally"
BUILDS = "builds.sqlite"
SECRET = "secret"
KEYED = "keyed"

_CHILD = "import sys; from rag.cli.main import main; main(sys.argv[1:])"

# Seconds between two looks at CURRENT if there are other workers: a client that has seen a new
# index by one of them sees it by the next.
SHARED_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Seat:
    """The place of a worker among others: its number, and what all of them share.

    `listener` is the descriptor of the socket, `folder` holds the board and the builds. A worker's
    standard input ends when the process that started it does.
    """

    worker: int
    workers: int
    listener: int
    folder: str


def serve(
    settings: Settings, seat: str | None = None, opening: Callable[[], Encoder] | None = None
) -> None:
    """Serves the current index until it is interrupted; prints the address and an example.

    `seat` is given to the workers that this starts: a `Seat` as JSON. `opening` gives the encoder
    of the settings, which is opened when it is needed by default. Raises RagError if the index
    cannot be opened or the address cannot be bound.
    """
    with ended_quietly():
        if seat is not None:
            _work(settings, msgspec.json.decode(seat, type=Seat), opening)
            return
        door = door_of(settings)
        with ExitStack() as opened:
            # As soon as it listens, clients wait that must be turned away.
            with deferred():
                made = listen(settings.host, settings.port, keyed=door.keys.any_valid())
                listener = opened.enter_context(made)
                opened.callback(turn_away, listener)
            if settings.workers > 1:
                _share(settings, listener, keyed=door.keys.required)
            else:
                _answer(settings, upkeep_of(settings, opening), listener, Board(), door)


def _share(settings: Settings, listener: socket.socket, keyed: bool) -> None:
    """Serves in several processes. They share a temporary folder, which goes with this one."""
    with upload_folder() as shared:
        if keyed:
            DISK.write(shared.folder / KEYED, b"")
        DISK.write(shared.folder / SECRET, secrets.token_bytes(32))
        DISK.write(shared.folder / TALLY, tally_bytes(COUNTED, settings.workers))
        board = make_board(shared.folder / BOARD, settings.workers)

        def start(worker: int) -> subprocess.Popen[bytes]:
            seat = Seat(worker, settings.workers, listener.fileno(), str(shared.folder))
            return subprocess.Popen(
                [sys.executable, "-P", "-c", _CHILD, "serve", "--seat", msgspec.json.encode(seat)],
                stdin=subprocess.PIPE,
                pass_fds=[seat.listener],
                # An interrupt of the terminal comes to this process alone.
                start_new_session=True,
                env=with_import_path(RAG_INDEX=str(settings.index), RAG_HOST=settings.host),
            )

        def end() -> None:
            # Each worker answers the connections that wait when it ends. Those that come after the
            # last one has ended must be refused at once, so this process may not listen either. If
            # none serves, it turns them away once all have ended: until then they can connect.
            if board.total(Figure.STARTED):
                listener.close()

        supervise(start, board, patience=PATIENCE + settings.drain, ends=end)


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
