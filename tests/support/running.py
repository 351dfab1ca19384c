"""An application behind a real server of this process, for real clients."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from rag.web.listener import listen
from rag.web.server import server_of


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The address at which a server answers; it has ended after that."""
    server = server_of(app)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
