"""`rag open`: the page of a running service in the browser."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from rag.cli.console import read_settings, show
from rag.types.errors import RagError

SECONDS = 5.0


def open_page(
    host: Annotated[str | None, typer.Option(help="address of the service")] = None,
    port: Annotated[int | None, typer.Option(help="port of the service")] = None,
) -> None:
    """Open the page of the running service in the browser.

    It starts no service: `rag serve` does.
    """
    settings = read_settings(host=host, port=port)
    name = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{name}:{settings.port}/"
    if not is_alive(settings.host, settings.port):
        raise RagError(f"no service answers at {address}: start `rag serve`, or name its --port")
    if not webbrowser.open(address):
        raise RagError(f"no browser was found: open {address} in one")
    show(address)


def is_alive(host: str, port: int) -> bool:
    """Whether our service answers there, and not another program."""
    # Takes 10 ms to import, and no other command needs it.
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status == 200 and answer.read(100).startswith(b'{"status":')
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
