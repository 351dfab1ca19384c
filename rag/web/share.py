"""`rag serve --workers`: the process that starts the others, which share a port.

It answers nothing, so it imports little: its memory comes on top of theirs.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from dataclasses import dataclass

import msgspec

from rag.serving import Figure, Keys, keys_beside, make_board, tally_bytes, upload_folder
from rag.store import DISK
from rag.types.import_path import with_import_path
from rag.types.settings import Settings
from rag.web.counted import COUNTED
from rag.web.ending import ended_quietly
from rag.web.listener import listening
from rag.web.supervisor import PATIENCE, supervise

# The files that workers share.
BOARD = "board"
TALLY = "tally"
BUILDS = "builds.sqlite"
SECRET = "secret"
KEYED = "keyed"

_CHILD = "import sys; from rag.cli.main import main; main(sys.argv[1:])"


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


def share(settings: Settings) -> None:
    """Serves the current index in as many processes as the settings say, until it is interrupted.

    They share a temporary folder, which goes with this process. Raises RagError if the address
    cannot be bound.
    """
    keys = Keys(settings.keys or keys_beside(settings.index))
    with ended_quietly(), listening(settings, keys) as listener, upload_folder() as shared:
        if keys.required:
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
