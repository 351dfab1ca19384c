"""A server for load generators: it gives each request the same answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from eval.speed.load import HOST


@contextmanager
def answering(answer: bytes, seen: list[bytes], *, closes: bool = False) -> Iterator[int]:
    """The port of a server that gives each request of each connection the same answer."""

    def serve(connection: socket.socket) -> None:
        with connection:
            while request := connection.recv(4096):
                seen.append(request)
                connection.sendall(answer)
                if closes:
                    return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=[connection], daemon=True).start()

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
